import type { AppendRequest, AppendResult, MessageLog, Plugin, Store } from '@gatecast/framework';
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
