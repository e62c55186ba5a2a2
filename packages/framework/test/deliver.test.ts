import { setTimeout as sleep } from 'node:timers/promises';
import { memoryStore } from '@gatecast/framework';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Delivery, DeliveryOptions } from '../src/deliver/deliver.js';
import { deliver } from '../src/deliver/deliver.js';
import type { Gateway, PostOutcome } from '../src/deliver/gateway.js';
import { Poster } from '../src/deliver/poster.js';
import { makeError } from '../src/errors/gatecast-error.js';
import type { ConnectionRecord, ConnectionStore } from '../src/store/connections.js';

const ADDRESS = { apiId: 'abc123', stage: 'prod', region: 'eu-west-1' };
const delivered: PostOutcome = { result: 'delivered' };
const gone: PostOutcome = { result: 'gone' };
const fault = { endpoint: 'here', reason: 'fault' };
const lost: PostOutcome = { result: 'retry', error: makeError('ERR_DELIVERY_FAILED', fault) };
const throttled: PostOutcome = {
  result: 'throttled',
  error: makeError('ERR_DELIVERY_THROTTLED', fault),
};
const refused: PostOutcome = {
  result: 'refused',
  error: makeError('ERR_DELIVERY_FORBIDDEN', fault),
};

const idsOf = (count: number, prefix = 'c'): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** Accepts every post unless the test says otherwise. */
class FakeGateway implements Gateway {
  readonly posts: { readonly id: string; readonly frame: string }[] = [];
  readonly closed: string[] = [];
  answer: (id: string, frame: string) => PostOutcome | Promise<PostOutcome> = () => delivered;
  answerClose: (id: string) => PostOutcome = () => delivered;

  async post(id: string, frame: string): Promise<PostOutcome> {
    this.posts.push({ id, frame });
    return this.answer(id, frame);
  }

  async disconnect(id: string): Promise<PostOutcome> {
    this.closed.push(id);
    return this.answerClose(id);
  }
}

interface Room {
  readonly gateway: FakeGateway;
  readonly connections: ConnectionStore;
  readonly report: ReturnType<typeof vi.fn>;
  /** Delivers an event to the room. */
  deliver(
    more?: Partial<Delivery> & Partial<Pick<DeliveryOptions, 'limit'>>,
  ): ReturnType<typeof deliver>;
  left(): Promise<string[]>;
}

interface RoomOptions {
  readonly pageSize?: number;
  readonly record?: Partial<ConnectionRecord>;
  readonly mayPrune?: boolean;
  readonly address?: typeof ADDRESS | undefined;
}

/** A channel with subscribers that connected an hour ago. */
async function makeRoom(ids: readonly string[], options: RoomOptions = {}): Promise<Room> {
  const { pageSize = 1_000, mayPrune = true } = options;
  const address = 'address' in options ? options.address : ADDRESS;
  const { connections } = memoryStore();
  const now = Date.now();
  for (const connectionId of ids) await join(connections, connectionId, options.record);
  const subscribers = connections.subscribers.bind(connections);
  connections.subscribers = (channel, range, limit) =>
    subscribers(channel, { ...range, limit: pageSize }, limit);
  const gateway = new FakeGateway();
  const report = vi.fn();
  const poster = new Poster(gateway, { endpoint: 'here', perSecond: 1_000_000 });
  return {
    gateway,
    connections,
    report,
    deliver: ({ limit = { endsAt: now + 30_000 }, ...delivery } = {}) =>
      deliver(
        { channel: 'rooms/1', frame: 'x', ephemeral: false, ...delivery },
        { connections, stage: { address, mayPrune, poster }, limit, now: Date.now, report },
      ),
    left: async () => {
      const page = await subscribers('rooms/1', { limit: 100_000 });
      return page.items.map(({ connectionId }) => connectionId);
    },
  };
}

async function join(
  connections: ConnectionStore,
  connectionId: string,
  more: Partial<ConnectionRecord> = {},
): Promise<void> {
  const connectedAt = Date.now() - 3_600_000;
  const expiresAt = Date.now() + 3_600_000;
  const record = { connectionId, ...ADDRESS, connectedAt, expiresAt, ...more };
  await connections.connect(record, ['rooms/1']);
}

const none = { delivered: 0, gone: 0, failed: 0 };

describe('a delivery', () => {
  it('reaches every subscriber on every page once, except the one that is left out', async () => {
    const ids = idsOf(250);
    const room = await makeRoom(ids, { pageSize: 100 });
    expect(await room.deliver({ except: 'c7' })).toMatchObject({ ...none, delivered: 249 });
    const posted = room.gateway.posts.map(({ id }) => id);
    expect(posted.toSorted()).toEqual(ids.filter((id) => id !== 'c7').toSorted());
    expect(room.report).not.toHaveBeenCalled();
  });

  it('counts each subscriber once for any outcome of its post', async () => {
    const outcome = fc.constantFrom(delivered, gone, throttled, lost, {
      ...lost,
      result: 'failed',
    });
    const plan = fc.array(fc.array(outcome, { minLength: 1, maxLength: 4 }), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(plan, fc.integer({ min: 1, max: 70 }), async (outcomes, pageSize) => {
        const room = await makeRoom(idsOf(outcomes.length), { pageSize });
        const tries = new Map<string, number>();
        room.gateway.answer = (id) => {
          const attempt = tries.get(id) ?? 0;
          tries.set(id, attempt + 1);
          const planned = outcomes[Number(id.slice(1))] ?? [];
          return (planned[attempt] ?? planned.at(-1)) as PostOutcome;
        };
        const count = await room.deliver({ limit: { endsAt: Date.now() + 200 } });
        expect(count.delivered + count.gone + count.failed).toBe(outcomes.length);
      }),
      { numRuns: 30 },
    );
  });

  it('C4 reads one page ahead of the posts', async () => {
    const room = await makeRoom(idsOf(1_000), { pageSize: 200 });
    const read = vi.spyOn(room.connections, 'subscribers');
    let release = (): void => {};
    const isReleased = new Promise<void>((resolve) => {
      release = resolve;
    });
    room.gateway.answer = () => isReleased.then(() => delivered);
    const delivery = room.deliver();
    await vi.waitFor(() => expect(room.gateway.posts).toHaveLength(8));
    await sleep(50);
    expect(read).toHaveBeenCalledTimes(1);
    release();
    expect(await delivery).toMatchObject({ ...none, delivered: 1_000 });
    expect(read).toHaveBeenCalledTimes(5);
  });

  it('C4 reaches all others although one on the first page is throttled', async () => {
    const room = await makeRoom(idsOf(500), { pageSize: 50 });
    const [first = ''] = await room.left();
    let isThrottled = true;
    room.gateway.answer = (id) => (id === first && isThrottled ? throttled : delivered);
    const delivery = room.deliver();
    await vi.waitFor(() => {
      const others = new Set(room.gateway.posts.map(({ id }) => id));
      expect(others.size).toBe(500);
    });
    isThrottled = false;
    expect(await delivery).toMatchObject({ ...none, delivered: 500 });
  });

  it('stops with one error when a post is refused', async () => {
    const room = await makeRoom(idsOf(3_000), { pageSize: 1_000 });
    room.gateway.answer = async (id) => {
      await sleep(1);
      return id.endsWith('9') ? refused : throttled;
    };
    const { failed } = await room.deliver();
    expect(failed).toBeGreaterThanOrEqual(1_000);
    expect(room.report).toHaveBeenCalledExactlyOnceWith((refused as { error: Error }).error);
    expect(room.gateway.posts.length).toBeLessThan(1_000);
  });

  it('reports the first failed post, once', async () => {
    const room = await makeRoom(idsOf(20));
    room.gateway.answer = () => ({ ...lost, result: 'failed' });
    expect(await room.deliver()).toMatchObject({ ...none, failed: 20 });
    expect(room.report).toHaveBeenCalledExactlyOnceWith((lost as { error: Error }).error);
  });

  it('rejects when the store cannot read on, after the posts that have begun', async () => {
    const room = await makeRoom(idsOf(100), { pageSize: 50 });
    const subscribers = room.connections.subscribers.bind(room.connections);
    const failure = new Error('The store is down.');
    room.connections.subscribers = (channel, range, limit) =>
      range?.after === undefined ? subscribers(channel, range, limit) : Promise.reject(failure);
    let underWay = 0;
    room.gateway.answer = async () => {
      underWay += 1;
      await sleep(20);
      underWay -= 1;
      return delivered;
    };
    await expect(room.deliver()).rejects.toBe(failure);
    expect(underWay).toBe(0);
    expect(room.gateway.posts).toHaveLength(50);
  });
});

describe('the time of a delivery', () => {
  it('B1 ends before the invocation, and counts and reports once who was not reached', async () => {
    const room = await makeRoom(idsOf(4_000), { pageSize: 1_000 });
    room.gateway.answer = () => sleep(50, delivered);
    const endsAt = Date.now() + 1_000;
    const count = await room.deliver({ limit: { endsAt } });
    expect(Date.now()).toBeLessThan(endsAt);
    const posted = room.gateway.posts.length;
    expect(count.delivered).toBeGreaterThan(0);
    expect(count.failed).toBeGreaterThan(0);
    const [[error]] = room.report.mock.calls as [[{ code: string; message: string }]];
    expect(room.report).toHaveBeenCalledOnce();
    expect(error.code).toBe('ERR_DELIVERY_UNFINISHED');
    expect(error.message).toContain(`of ${count.delivered + count.failed} subscribers`);
    expect(error.message).toContain('more were not read');
    await sleep(200);
    expect(room.gateway.posts).toHaveLength(posted);
  });

  it('B1 ends even if neither the gateway nor the store ever answers', async () => {
    const room = await makeRoom(idsOf(30), { pageSize: 10 });
    const subscribers = room.connections.subscribers.bind(room.connections);
    room.connections.subscribers = (channel, range, limit) =>
      range?.after === undefined ? subscribers(channel, range, limit) : new Promise(() => {});
    room.gateway.answer = () => new Promise(() => {});
    const endsAt = Date.now() + 400;
    expect(await room.deliver({ limit: { endsAt } })).toMatchObject({ ...none, failed: 10 });
    expect(Date.now()).toBeLessThan(endsAt + 1_000);
    expect(room.report.mock.calls).toMatchObject([[{ code: 'ERR_DELIVERY_UNFINISHED' }]]);
  });

  it('B1 reports that time ran out, not a fault of the store, for a page that was not read in time', async () => {
    const room = await makeRoom(idsOf(20), { pageSize: 10 });
    const subscribers = room.connections.subscribers.bind(room.connections);
    room.connections.subscribers = async (channel, range, limit) => {
      if (range?.after === undefined) return subscribers(channel, range, limit);
      await sleep((limit?.endsAt ?? 0) - Date.now() + 5);
      throw new Error('The time of the store is over.');
    };
    expect(await room.deliver({ limit: { endsAt: Date.now() + 400 } })).toMatchObject({
      ...none,
      delivered: 10,
    });
    expect(room.report.mock.calls).toMatchObject([[{ code: 'ERR_DELIVERY_UNFINISHED' }]]);
  });

  it('B1 does not begin without time left', async () => {
    const room = await makeRoom(idsOf(10));
    await expect(room.deliver({ limit: { endsAt: Date.now() - 1 } })).resolves.toMatchObject(none);
    expect(room.gateway.posts).toHaveLength(0);
    expect(room.report.mock.calls).toMatchObject([[{ code: 'ERR_DELIVERY_UNFINISHED' }]]);
  });

  it('B1 ends at once, with all its waits, when the invocation is aborted', async () => {
    const room = await makeRoom(idsOf(500));
    room.gateway.answer = (id) => (id.endsWith('1') ? throttled : sleep(10, delivered));
    const controller = new AbortController();
    const delivery = room.deliver({ limit: { signal: controller.signal } });
    await vi.waitFor(() => expect(room.gateway.posts.length).toBeGreaterThan(100));
    const reason = new Error('The invocation is over.');
    controller.abort(reason);
    await expect(delivery).rejects.toBe(reason);
    const [[{ message }]] = room.report.mock.calls as [[Error]];
    expect(message).toContain('of 500 subscribers');
    const { length } = room.gateway.posts;
    await sleep(300);
    expect(room.gateway.posts).toHaveLength(length);
  });

  it('B5 does nothing after it has ended with a rejection of the gateway', async () => {
    const room = await makeRoom(idsOf(200));
    room.gateway.answer = async (id) => {
      await sleep(5);
      if (id === 'c3') throw new Error('boom');
      return delivered;
    };
    expect(await room.deliver()).toMatchObject({ ...none, delivered: 199, failed: 1 });
    await sleep(100);
    expect(room.gateway.posts).toHaveLength(200);
    expect(room.report.mock.calls).toMatchObject([[{ code: 'ERR_DELIVERY_FAILED' }]]);
  });
});

describe('a subscriber of another stage', () => {
  it.each([
    { ...ADDRESS, apiId: 'other1' },
    { ...ADDRESS, stage: 'dev' },
    { ...ADDRESS, region: 'us-east-1' },
  ])('C2 is not counted, not posted to, and not removed: %o', async (record) => {
    const room = await makeRoom(idsOf(3));
    await join(room.connections, 'foreign', record);
    room.gateway.answer = (id) => (id === 'foreign' ? gone : delivered);
    expect(await room.deliver()).toMatchObject({ ...none, delivered: 3 });
    expect(await room.left()).toContain('foreign');
  });

  it("C2 gets the post if the app's own stage is not known, and is not removed", async () => {
    const room = await makeRoom(idsOf(3), { address: undefined, mayPrune: false });
    await join(room.connections, 'foreign', { apiId: 'other1' });
    room.gateway.answer = (id) => (id === 'foreign' ? gone : delivered);
    expect(await room.deliver()).toMatchObject({ ...none, delivered: 3, gone: 1 });
    expect(await room.left()).toHaveLength(4);
  });
});

describe('subscribers that are gone', () => {
  it('C8 are removed in batches, by one call at a time', async () => {
    const room = await makeRoom([...idsOf(200), ...idsOf(10, 'open')]);
    room.gateway.answer = (id) => (id.startsWith('open') ? delivered : gone);
    const prune = room.connections.prune.bind(room.connections);
    const sizes: number[] = [];
    let underWay = 0;
    room.connections.prune = async (ids, limit) => {
      underWay += 1;
      expect(underWay).toBe(1);
      sizes.push(ids.length);
      await sleep(1);
      await prune(ids, limit);
      underWay -= 1;
    };
    expect(await room.deliver()).toMatchObject({ ...none, delivered: 10, gone: 200 });
    // On a busy machine the time for removing ends first, and the next delivery removes the others.
    while ((await room.left()).length > 10) await room.deliver();
    expect((await room.left()).toSorted()).toEqual(idsOf(10, 'open').toSorted());
    expect(Math.max(...sizes)).toBeLessThanOrEqual(25);
  });

  it('C8 are left to the next delivery if they are more than a thousand', async () => {
    const room = await makeRoom([...idsOf(1_300), 'open']);
    room.gateway.answer = (id) => (id === 'open' ? delivered : gone);
    expect(await room.deliver()).toMatchObject({ gone: 1_300 });
    expect((await room.left()).length).toBeGreaterThanOrEqual(301);
    while ((await room.left()).length > 1) await room.deliver();
    expect(await room.left()).toEqual(['open']);
  });

  it('C8 delay the answer only briefly if the store does not remove them', async () => {
    const room = await makeRoom([...idsOf(60), 'open']);
    room.gateway.answer = (id) => (id === 'open' ? delivered : gone);
    const limits: (AbortSignal | undefined)[] = [];
    room.connections.prune = (_ids, limit) => {
      limits.push(limit?.signal);
      return new Promise(() => {});
    };
    const startedAt = Date.now();
    expect(await room.deliver()).toMatchObject({ ...none, delivered: 1, gone: 60 });
    expect(Date.now() - startedAt).toBeLessThan(3_000);
    expect(limits).toHaveLength(1);
    expect(limits.every((signal) => signal?.aborted)).toBe(true);
    expect(room.report).not.toHaveBeenCalled();
  });

  it('C8 do not keep the event from others if the store cannot remove them, which is reported once', async () => {
    const room = await makeRoom([...idsOf(80), ...idsOf(10, 'open')]);
    room.gateway.answer = (id) => (id.startsWith('open') ? delivered : gone);
    const failure = new Error('The store is down.');
    room.connections.prune = () => Promise.reject(failure);
    expect(await room.deliver()).toMatchObject({ ...none, delivered: 10, gone: 80 });
    expect(room.report).toHaveBeenCalledExactlyOnceWith(failure);
  });

  it('are kept while they may still be connecting', async () => {
    const room = await makeRoom([]);
    await join(room.connections, 'young', { connectedAt: Date.now() - 34_000 });
    await join(room.connections, 'old', { connectedAt: Date.now() - 36_000 });
    room.gateway.answer = () => gone;
    expect(await room.deliver()).toMatchObject({ ...none, gone: 2 });
    expect(await room.left()).toEqual(['young']);
  });

  it('C2 are all kept and reported if they are twenty or more and nobody else is there', async () => {
    const room = await makeRoom(idsOf(20));
    room.gateway.answer = () => gone;
    expect(await room.deliver()).toMatchObject({ ...none, gone: 20 });
    expect(await room.left()).toHaveLength(20);
    expect(room.report.mock.calls).toMatchObject([[{ code: 'ERR_DELIVERY_ALL_GONE' }]]);
  });

  it('are removed, even twenty or more, if a post has succeeded before', async () => {
    const room = await makeRoom(['open']);
    await room.deliver();
    for (const id of idsOf(30)) await join(room.connections, id);
    room.gateway.answer = () => gone;
    expect(await room.deliver()).toMatchObject({ ...none, gone: 31 });
    expect(await room.left()).toEqual([]);
    expect(room.report).not.toHaveBeenCalled();
  });
});

describe('a subscriber whose identity has expired', () => {
  const expired = { identityExpiresAt: Date.now() - 1 };

  it('C1 is told, closed and counted as gone, and its row stays until $disconnect', async () => {
    const room = await makeRoom(['bob'], { record: expired });
    expect(await room.deliver()).toMatchObject({ ...none, gone: 1 });
    expect(room.gateway.posts).toMatchObject([
      { id: 'bob', frame: expect.stringContaining('"type":"bye"') as string },
    ]);
    expect(room.gateway.closed).toEqual(['bob']);
    expect(await room.left()).toEqual(['bob']);
    expect(room.report).not.toHaveBeenCalled();
  });

  it('C1 is finally told and closed if both are throttled at first', async () => {
    const room = await makeRoom(['bob'], { record: expired });
    room.gateway.answer = () => (room.gateway.posts.length === 1 ? throttled : delivered);
    room.gateway.answerClose = () => (room.gateway.closed.length === 1 ? lost : delivered);
    expect(await room.deliver()).toMatchObject({ ...none, gone: 1 });
    expect(room.gateway.posts).toHaveLength(2);
    expect(room.gateway.closed).toHaveLength(2);
  });

  it('C1 is closed even if it cannot be told', async () => {
    const room = await makeRoom(['bob'], { record: expired });
    room.gateway.answer = () => throttled;
    expect(await room.deliver({ limit: { endsAt: Date.now() + 1_000 } })).toMatchObject({
      gone: 1,
    });
    expect(room.gateway.closed).toEqual(['bob']);
  });

  it('C1 is kept, counted as failed and reported if it cannot be closed', async () => {
    const room = await makeRoom(['bob'], { record: expired });
    room.gateway.answerClose = () => lost;
    expect(await room.deliver()).toMatchObject({ ...none, failed: 1 });
    expect(await room.left()).toEqual(['bob']);
    expect(room.report).toHaveBeenCalledExactlyOnceWith((lost as { error: Error }).error);
  });

  it('is told by a function that may not close connections, and all others get the event', async () => {
    const room = await makeRoom(['bob'], { record: expired });
    for (const id of idsOf(100)) await join(room.connections, id);
    room.gateway.answerClose = () => refused;
    expect(await room.deliver()).toEqual({ delivered: 100, gone: 1, failed: 0 });
    expect(room.report).not.toHaveBeenCalled();
  });

  it('C1 is removed if it turns out to be gone', async () => {
    const room = await makeRoom(['bob'], { record: expired });
    room.gateway.answerClose = () => gone;
    expect(await room.deliver()).toMatchObject({ ...none, gone: 1 });
    expect(await room.left()).toEqual([]);
  });
});
