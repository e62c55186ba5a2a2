import { type ConnectionRecord, memoryStore } from '@gatecast/framework';
import { connectionStoreContract, TestClock } from '@gatecast/framework/testing';
import { describe, expect, it, vi } from 'vitest';

const record = (connectionId: string, over: Partial<ConnectionRecord> = {}): ConnectionRecord => ({
  connectionId,
  apiId: 'abcde12345',
  stage: 'dev',
  region: 'us-east-1',
  connectedAt: 0,
  expiresAt: 1e15,
  ...over,
});

const makeStore = async () => ({
  connections: memoryStore().connections,
  async [Symbol.asyncDispose]() {},
});

describe('memoryStore()', () => {
  for (const check of connectionStoreContract(makeStore)) {
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    it(check.name, check.run);
  }

  it.each([
    [{ clock: Date.now }, 'ERR_OPTION_UNKNOWN', 'Use one of: now.'],
    [{ now: 5 }, 'ERR_OPTION_VALUE', 'It takes a function.'],
  ])('K1 K2 refuses the options %o', (options, code, hint) => {
    const message = expect.stringContaining('memoryStore() was given') as string;
    expect(() => memoryStore(options as never)).toThrow(
      expect.objectContaining({ code, hint, message }),
    );
  });

  it('refuses a call without a millisecond left, and says which', async () => {
    vi.useFakeTimers();
    try {
      const { connections } = memoryStore();
      const now = Date.now();
      await expect(connections.get('a', { endsAt: now + 1 })).resolves.toBeUndefined();
      await expect(connections.get('a', { endsAt: now })).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        message: 'The store "memory" could not read a connection: it ran out of time',
      });
    } finally {
      vi.useRealTimers();
    }
  });

  it('expires connections by its own clock', async () => {
    const clock = new TestClock();
    const { connections } = memoryStore({ now: clock.now });
    await connections.connect(record('a', { expiresAt: clock.now() + 1_000 }), ['news']);
    clock.advance(999);
    expect((await connections.subscribers('news')).items).toHaveLength(1);
    clock.advance(1);
    expect((await connections.subscribers('news')).items).toEqual([]);
    await expect(connections.get('a')).resolves.toBeUndefined();
  });

  it('reads an expired membership once, not for every page', async () => {
    const now = vi.fn(() => 0);
    const { connections } = memoryStore({ now });
    for (let index = 0; index < 200; index += 1) {
      await connections.connect(record(`old${index}`, { expiresAt: 1 }), ['news', 'other']);
    }
    now.mockReturnValue(1);
    await connections.subscribers('news');
    now.mockClear();
    await connections.subscribers('news');
    await connections.subscribers('other');
    expect(now).not.toHaveBeenCalled();
  });

  it('forgets pruned connections that have expired, without looking at all others', async () => {
    const now = vi.fn(() => 0);
    const { connections } = memoryStore({ now });
    const ids = ['old', ...Array.from({ length: 50 }, (_, n) => `new${n}`)];
    for (const id of ids)
      await connections.connect(record(id, id === 'old' ? { expiresAt: 1 } : {}), []);
    await connections.prune(ids);
    now.mockReturnValue(1);
    const looksOf = async () => {
      now.mockClear();
      await connections.prune([]);
      return now.mock.calls.length;
    };
    expect([await looksOf(), await looksOf()]).toEqual([2, 1]);
  });

  it('E9 reads only the subscribers of one page, even of a large channel', async () => {
    const now = vi.fn(() => 0);
    const { connections } = memoryStore({ now });
    for (let index = 0; index < 5_000; index += 1) {
      await connections.connect(record(`c${index}`), ['news']);
    }
    let after: string | undefined;
    for (let page = 0; page < 3; page += 1) {
      // Changes in between must not make the next page slow.
      await connections.connect(record(`late${page}`), ['news']);
      now.mockClear();
      const { items, next } = await connections.subscribers('news', {
        limit: 10,
        ...(after !== undefined && { after }),
      });
      expect(items).toHaveLength(10);
      expect(now.mock.calls.length).toBeLessThanOrEqual(11);
      after = next;
    }
  });
});
