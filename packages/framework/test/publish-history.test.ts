import { createHash } from 'node:crypto';
import type {
  AppendRequest,
  AppendResult,
  MessageLog,
  Plugin,
  ServerChannel,
  Store,
} from '@gatecast/framework';
import {
  createApp,
  createPublisher,
  defineChannel,
  event,
  memoryStore,
  StoreError,
} from '@gatecast/framework';
import { createTestApp, TestGateway } from '@gatecast/framework/testing';
import { describe, expect, it, vi } from 'vitest';

const history = { retentionSeconds: 600 };
const room = defineChannel('room', { history, events: { x: event<number>() } });

/** A memory store whose log is changed. */
function storeWith(change: (log: MessageLog) => Partial<MessageLog>): Store {
  const store = memoryStore();
  const log = store.log as MessageLog;
  return {
    ...store,
    log: {
      contract: 1,
      append: (...args) => log.append(...args),
      head: (...args) => log.head(...args),
      readAfter: (...args) => log.readAfter(...args),
      readBefore: (...args) => log.readBefore(...args),
      purge: (...args) => log.purge(...args),
      ...change(log),
    },
  };
}

describe('a publish on a channel with history', () => {
  it('lets the store finish while it delivers, and waits for it', async () => {
    const steps: string[] = [];
    let audience: number | undefined;
    const store = storeWith((log) => ({
      async append(request) {
        const result = (await log.append(request)) as AppendResult & { result: 'appended' };
        steps.push('appended');
        return {
          ...result,
          async finish(estimate) {
            steps.push('finish');
            audience = await estimate;
            steps.push('finished');
          },
        };
      },
    }));
    const plugin: Plugin = {
      name: 'order',
      async onDeliver(ctx, next) {
        steps.push(`deliver ${ctx.position?.split(':')[1]}`);
        await next();
        steps.push('delivered');
      },
    };
    const app = createTestApp({ channels: [room], store, plugins: [plugin] });
    for (let count = 0; count < 3; count += 1) await (await app.connect()).subscribe('room');
    await app.app.channel('room').publish('x', 1);
    expect(steps).toEqual(['appended', 'deliver 1', 'finish', 'delivered', 'finished']);
    expect(audience).toBe(3);
  });

  it('waits for the store to finish even if a plugin fails to deliver it', async () => {
    let isFinished = false;
    const onError = vi.fn();
    const store = storeWith((log) => ({
      async append(request) {
        const result = (await log.append(request)) as AppendResult & { result: 'appended' };
        return {
          ...result,
          async finish(audience) {
            expect(await audience).toBeUndefined();
            await new Promise(setImmediate);
            isFinished = true;
          },
        };
      },
    }));
    const failure = new Error('a plugin failed');
    const plugin: Plugin = { name: 'p', onError, onDeliver: () => Promise.reject(failure) };
    const app = createTestApp({ channels: [room], store, plugins: [plugin] });
    expect(await app.app.channel('room').publish('x', 1)).toHaveProperty('position');
    expect(isFinished).toBe(true);
    expect(onError).toHaveBeenCalledExactlyOnceWith(failure, expect.anything());
  });

  it('estimates the audience as all who were posted to, and not at all if nobody was', async () => {
    const audiences: unknown[] = [];
    const store = storeWith((log) => ({
      async append(request) {
        const result = (await log.append(request)) as AppendResult & { result: 'appended' };
        return { ...result, finish: async (audience) => void audiences.push(await audience) };
      },
    }));
    let isPosted = true;
    const plugin: Plugin = {
      name: 'p',
      onDeliver: (_ctx, next) => (isPosted ? next() : undefined),
      onError() {},
    };
    const app = createTestApp({ channels: [room], store, plugins: [plugin] });
    for (let count = 0; count < 3; count += 1) await (await app.connect()).subscribe('room');
    const [first] = app.gateway.peers.keys();
    app.gateway.faults = ({ connectionId }) => {
      if (connectionId !== first) return undefined;
      app.clock.advance(2_000);
      return 'failed';
    };
    const { delivery } = await app.app.channel('room').publish('x', 1);
    expect(delivery).toEqual({ delivered: 2, gone: 0, failed: 1 });
    isPosted = false;
    await app.app.channel('room').publish('x', 2);
    expect(audiences).toEqual([3, undefined]);
  });

  it('has the same key in every version, because messages are sent again during a deployment', async () => {
    const requests: AppendRequest[] = [];
    const store = storeWith((log) => ({
      append(request, limit) {
        requests.push(request);
        return log.append(request, limit);
      },
    }));
    const says = defineChannel('says/:name', {
      access: 'public',
      history,
      events: { x: event<number>() },
      messages: ({ message }) => ({
        say: message(async (_data, ctx) => {
          for (const data of [1, 2]) await ctx.channel.publish('x', data);
        }),
      }),
    });
    const app = createTestApp({
      channels: [says],
      store,
      authorizer: ({ token }) => (token ? { userId: token } : {}),
    });
    const frame = { action: 'says.say', id: 'one', channel: 'says/a' };
    await (await app.connect({ token: 'ann' })).sendFrame(frame);
    await (await app.connect()).sendFrame(frame);
    await app.app.channel('says/a').publish('x', 3, { id: 'order-7' });
    for (let count = 0; count < 2; count += 1) await app.app.channel('says/a').publish('x', 4);
    const hash = (text: string) =>
      createHash('sha256').update(text).digest('base64url').slice(0, 16);
    const keys = requests.map(({ key }) => key);
    expect(keys.slice(0, 5)).toEqual(
      [
        '[["user","ann"],"says/a","one",0]',
        '[["user","ann"],"says/a","one",1]',
        '[["guest"],"says/a","one",0]',
        '[["guest"],"says/a","one",1]',
        '["id","says/a","order-7"]',
      ].map(hash),
    );
    expect(keys[5]).toMatch(/^[\w-]{16}$/);
    expect(keys[6]).not.toBe(keys[5]);
    expect(requests.map((request) => request.hash)).toEqual(
      requests.map(({ payload }) => hash(payload)),
    );
    // A handler that runs again may say something else; who gives an id may not.
    expect(requests.map(({ onOtherHash }) => onOtherHash)).toEqual([
      ...Array.from({ length: 4 }, () => 'keep-first'),
      ...Array.from({ length: 3 }, () => 'refuse'),
    ]);
  });

  it('tells clients the tag of the entry before it, if the store says it', async () => {
    const prevs = [undefined, '', 'abc'];
    const store = storeWith((log) => ({
      async append(request) {
        const result = (await log.append(request)) as AppendResult & { result: 'appended' };
        const prev = prevs[result.entry.position.offset - 1];
        return { ...result, entry: { ...result.entry, ...(prev !== undefined && { prev }) } };
      },
    }));
    const app = createTestApp({ channels: [room], store });
    const ann = await app.connect();
    await ann.subscribe('room');
    for (const data of prevs.keys()) await app.app.channel('room').publish('x', data);
    expect(ann.events.map((event) => (event as { prev?: string }).prev)).toEqual(prevs);
  });

  it('of a message that is sent again after a purge is answered as before', async () => {
    const notes = defineChannel('notes', {
      history,
      events: { added: event<number>() },
      messages: ({ message }) => ({
        add: message((_data, ctx) => ctx.channel.publish('added', Math.random())),
      }),
    });
    const app = createTestApp({ channels: [notes] });
    const ann = await app.connect();
    await ann.subscribe('notes');
    const frame = { action: 'notes.add', id: 'one', channel: 'notes' };
    const first = (await ann.sendFrame(frame)) as { data: { position: string } };
    await app.app.channel('notes').purge();
    expect(await ann.sendFrame(frame)).toMatchObject({
      type: 'reply',
      data: { position: first.data.position, duplicate: true, delivery: { delivered: 0 } },
    });
    expect(ann.events).toHaveLength(1);
  });

  it('runs no hook of a plugin once its invocation is over', async () => {
    const kept: ServerChannel[] = [];
    const later = defineChannel('later', {
      history,
      messages: ({ message }) => ({ keep: message((_data, ctx) => void kept.push(ctx.channel)) }),
    });
    const onPublish = vi.fn();
    const app = createTestApp({ channels: [later], plugins: [{ name: 'p', onPublish }] });
    await (await app.connect()).send('later.keep', 'later');
    for (const options of [{}, { ephemeral: true }]) {
      await expect(kept[0]?.publish('x', 1, options)).rejects.toMatchObject({
        code: 'ERR_INVOCATION_OVER',
      });
    }
    expect(onPublish).not.toHaveBeenCalled();
  });

  it('has an unknown outcome after a failure only if a second try would find it', async () => {
    const failure = StoreError.of({ store: 'x', operation: 'append', reason: 'It is down.' });
    const store = storeWith(() => ({ append: () => Promise.reject(failure) }));
    const app = createTestApp({ channels: [room], store });
    await expect(app.app.channel('room').publish('x', 1)).rejects.toBe(failure);
    expect(failure.isOutcomeUnknown).toBeUndefined();
    await expect(app.app.channel('room').publish('x', 1, { id: 'i' })).rejects.toBe(failure);
    expect(failure.isOutcomeUnknown).toBe(true);
  });

  it('is an error if a handler that runs again publishes another event in its place', async () => {
    const events = { made: event<number>(), changed: event<number>() };
    let names: ('made' | 'changed')[] = ['made', 'changed'];
    const orders = defineChannel('orders', {
      history,
      events,
      messages: ({ message }) => ({
        save: message(async (_data, ctx) => {
          for (const name of names) await ctx.channel.publish(name, Math.random());
        }),
      }),
    });
    const onError = vi.fn();
    const app = createTestApp({ channels: [orders], plugins: [{ name: 'p', onError }] });
    const ann = await app.connect();
    const frame = { action: 'orders.save', id: 'one', channel: 'orders' };
    expect(await ann.sendFrame(frame)).toMatchObject({ type: 'reply' });
    expect(await ann.sendFrame(frame)).toMatchObject({ type: 'reply' });
    names = ['changed'];
    expect(await ann.sendFrame(frame)).toMatchObject({ error: { code: 'ERR_INTERNAL' } });
    expect(onError).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({
        code: 'ERR_PUBLISH_ORDER',
        message: expect.stringContaining('publish number 1 on "orders" was "changed", but "made"'),
      }),
      expect.anything(),
    );
    const kept = await app.app.channel('orders').history();
    expect(kept.events.map((each) => each.event)).toEqual(['made', 'changed']);
  });

  it('reports what the store could not finish, and succeeds', async () => {
    const onError = vi.fn();
    const failure = new Error('the drop failed');
    const store = storeWith((log) => ({
      async append(request) {
        const result = (await log.append(request)) as AppendResult & { result: 'appended' };
        return { ...result, finish: () => Promise.reject(failure) };
      },
    }));
    const app = createTestApp({ channels: [room], store, plugins: [{ name: 'p', onError }] });
    expect(await app.app.channel('room').publish('x', 1)).toMatchObject({ duplicate: false });
    expect(onError).toHaveBeenCalledExactlyOnceWith(failure, expect.anything());
  });

  it('succeeds if its subscribers cannot be read, because they find the event in the history', async () => {
    const onError = vi.fn();
    const store = memoryStore();
    const failure = StoreError.of({ store: 'x', operation: 'read', reason: 'It is down.' });
    vi.spyOn(store.connections, 'subscribers').mockRejectedValue(failure);
    const app = createTestApp({ channels: [room], store, plugins: [{ name: 'p', onError }] });
    const result = await app.app.channel('room').publish('x', 1);
    expect(result.delivery).toEqual({ delivered: 0, gone: 0, failed: 0 });
    expect(onError).toHaveBeenCalledExactlyOnceWith(failure, expect.anything());
    const { events } = await app.app.channel('room').history();
    expect(events).toMatchObject([{ position: result.position }]);
  });

  it('appends nothing if a plugin refuses it or the endpoint is not known', async () => {
    const append = vi.fn();
    const store = storeWith(() => ({ append }));
    const refusing: Plugin = { name: 'p', onPublish: () => {} };
    const app = createTestApp({ channels: [room], store, plugins: [refusing] });
    expect(await app.app.channel('room').publish('x', 1)).not.toHaveProperty('position');
    const outside = createApp({ channels: [room], store });
    await expect(outside.channel('room').publish('x', 1)).rejects.toMatchObject({
      code: 'ERR_ENDPOINT_UNKNOWN',
    });
    expect(append).not.toHaveBeenCalled();
  });

  it('keeps fields of an event that this version does not know', async () => {
    const store = memoryStore();
    const app = createTestApp({ channels: [room], store });
    const entry = { event: 'x', data: 1, id: 'i', op: 'append', later: { a: [1] } };
    const request: AppendRequest = {
      ...history,
      channel: 'room',
      key: 'k'.repeat(16),
      hash: 'h',
      payload: JSON.stringify(entry),
      onOtherHash: 'refuse',
    };
    await store.log?.append(request);
    const ann = await app.connect();
    expect(await ann.subscribe({ channel: 'room', rewind: 1 })).toMatchObject([
      { events: [{ ...entry, position: expect.any(String) }] },
    ]);
    const { events } = await app.app.channel('room').history();
    expect(events).toMatchObject([entry]);
  });
});

describe('a publisher', () => {
  const address = { apiId: 'abcde12345', stage: 'dev', region: 'us-east-1' };

  it('keeps the events of the channels whose history it is given', async () => {
    const store = memoryStore();
    const gateway = new TestGateway();
    const publisher = createPublisher({
      store,
      gateway,
      address,
      history: {
        'rooms/:roomId': history,
        'rooms/lobby': false,
        news: { ...history, maxEntries: 2 },
      },
    });
    for (const name of ['rooms/1', 'news']) {
      const channel = publisher.channel(name);
      const { position } = await channel.publish('x', name);
      expect((await channel.history()).events).toMatchObject([{ data: name, position }]);
    }
    for (const name of ['other', 'rooms/lobby', 'rooms/1/files']) {
      const channel = publisher.channel(name);
      expect(await channel.publish('x', name)).not.toHaveProperty('position');
      await expect(channel.history()).rejects.toMatchObject({ code: 'ERR_HISTORY_OFF' });
    }
  });
});
