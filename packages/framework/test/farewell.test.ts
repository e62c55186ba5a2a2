import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FarewellOptions, sayFarewell, TOKEN_EXPIRED } from '../src/deliver/farewell.js';
import type { PostOutcome } from '../src/deliver/gateway.js';
import type { Poster, PostOptions } from '../src/deliver/poster.js';
import { makeError } from '../src/errors/gatecast-error.js';

const NOW = 1_000_000;
const delivered: PostOutcome = { result: 'delivered' };
const gone: PostOutcome = { result: 'gone' };
const error = makeError('ERR_DELIVERY_FAILED', { endpoint: 'here', reason: 'fault' });

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Says farewell to a connection whose post and close have these outcomes. */
async function say(told: PostOutcome, options: Omit<FarewellOptions, 'poster'> = { limit: {} }) {
  const post = vi.fn(async (_id: string, _frame: string, _options: PostOptions) => told);
  const disconnect = vi.fn(async (_id: string, _options: PostOptions) => gone);
  const poster = { post, disconnect } as unknown as Poster;
  const outcome = await sayFarewell('bob', TOKEN_EXPIRED, { poster, ...options });
  return { outcome, post, disconnect };
}

describe('C1 a farewell', () => {
  it('C1 tells the client why and whether to reconnect, and then closes its connection', async () => {
    const { outcome, post, disconnect } = await say(delivered);
    const [id, frame = ''] = post.mock.calls[0] ?? [];
    expect([id, JSON.parse(frame)]).toEqual([
      'bob',
      {
        type: 'bye',
        code: 'ERR_UNAUTHORIZED',
        reason: 'The token has expired.',
        reconnect: true,
      },
    ]);
    expect(disconnect).toHaveBeenCalledExactlyOnceWith('bob', { limit: {}, begin: {} });
    expect(outcome).toEqual({ ...gone, isTold: true });
  });

  it.each(['throttled', 'retry', 'failed'] as const)(
    'C1 closes the connection of a client that cannot be told: %s',
    async (result) => {
      const { outcome, disconnect } = await say({ result, error });
      expect(disconnect).toHaveBeenCalledOnce();
      expect(outcome).toEqual({ ...gone, isTold: false });
    },
  );

  it.each<PostOutcome>([gone, { result: 'refused', error }])(
    'C1 does not close a connection that is gone or whose API refuses: %o',
    async (told) => {
      const { outcome, disconnect } = await say(told);
      expect(disconnect).not.toHaveBeenCalled();
      expect(outcome).toEqual({ ...told, isTold: false });
    },
  );

  it('B1 begins the frame in the first half of its time, so that the close has the other', async () => {
    const { signal } = new AbortController();
    const limit = { endsAt: NOW + 2_000, signal };
    const begin = { endsAt: NOW + 1_000, signal };
    const { post, disconnect } = await say(delivered, { limit, begin, hasTurn: true });
    expect(post.mock.calls[0]?.[2]).toEqual({
      limit,
      begin: { endsAt: NOW + 500, signal },
      hasTurn: true,
    });
    expect(disconnect.mock.calls[0]?.[1]).toEqual({ limit, begin });
    const always = await say(delivered);
    expect(always.post.mock.calls[0]?.[2]).toEqual({
      limit: {},
      begin: { endsAt: Infinity },
      hasTurn: false,
    });
    const over = await say(delivered, { limit: { endsAt: NOW - 10 } });
    expect(over.post.mock.calls[0]?.[2].begin).toEqual({ endsAt: NOW - 10 });
  });
});
