import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  accept,
  answer,
  client,
  current,
  pass,
  receive,
  reconnect,
  refuse,
  start,
  subscribed,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();
beforeEach(() => start());

function removed(channel = 'a'): Promise<void> {
  return receive({ type: 'unsubscribed', channel, code: 'ERR_REMOVED', reason: 'You left.' });
}

/** What `onEnd` tells of a channel. */
function ends(channel = 'a'): unknown[] {
  const seen: unknown[] = [];
  client.channel(channel).onEnd((end) => seen.push(end));
  return seen;
}

describe('a subscription that the server ends', () => {
  it('F2 is told to onEnd, with code and reason, and not asked for again', async () => {
    const seen = [ends(), ends()];
    await subscribed('a');
    await removed();
    const end = { code: 'ERR_REMOVED', reason: 'You left.' };
    expect(seen).toEqual([[end], [end]]);
    await reconnect();
    await pass(60_000);
    expect(current().of('subscribe')).toEqual([]);
    await removed();
    expect(seen[0]).toHaveLength(2);
  });

  it('F2 can be asked for again, by as many as had it', async () => {
    const channel = client.channel('a');
    await subscribed('a');
    await channel.subscribe();
    await removed();
    await expect(channel.unsubscribe()).resolves.toBeUndefined();
    const again = channel.subscribe();
    await pass(0);
    await accept();
    await expect(again).resolves.toMatchObject({ result: 'live' });
    watch(channel.unsubscribe());
    await pass(0);
    expect(current().actions).toEqual(['subscribe', 'subscribe', 'unsubscribe']);
  });

  it('F2 no longer tells a listener that was taken off', async () => {
    const seen: unknown[] = [];
    const off = client.channel('a').onEnd((end) => seen.push(end));
    await subscribed('a');
    off();
    await removed();
    expect(seen).toEqual([]);
  });

  it('F2 tells of one that the server had made by itself', async () => {
    const seen = ends('users/7');
    await removed('users/7');
    expect(seen).toEqual([{ code: 'ERR_REMOVED', reason: 'You left.' }]);
    expect(current().actions).toEqual([]);
  });

  it('F2 is told while it is asked for again on a new connection, and then left properly', async () => {
    const seen = ends();
    await subscribed('a');
    await reconnect();
    await removed();
    expect(seen).toHaveLength(1);
    await accept();
    expect(current().actions).toEqual(['subscribe', 'unsubscribe']);
  });

  it('F2 is not told while the first answer is still to come, which says how things stand', async () => {
    const seen = ends();
    const joined = watch(client.channel('a').subscribe());
    await pass(0);
    await removed();
    expect(seen).toEqual([]);
    expect(joined()).toBe('pending');
    await answer({
      channels: [{ channel: 'a', error: { code: 'ERR_REMOVED', message: 'Removed.' } }],
    });
    expect(joined()).toBe('ERR_REMOVED');
    expect(seen).toEqual([]);
  });

  it('F2 is not told while the app itself is leaving', async () => {
    const seen = ends();
    await subscribed('a');
    const left = watch(client.channel('a').unsubscribe());
    await pass(0);
    await removed();
    expect(seen).toEqual([]);
    expect(left()).toBe('pending');
    await accept();
    expect(left()).toBe(undefined);
  });

  it('F2 is not told when the app has left', async () => {
    const seen = ends();
    await subscribed('a');
    watch(client.channel('a').unsubscribe());
    await accept();
    await removed();
    expect(seen).toEqual([]);
    expect(console.warn).not.toHaveBeenCalled();
  });

  it('F2 is told once, also if it arrives twice', async () => {
    const seen = ends();
    await subscribed('a');
    await removed();
    await removed();
    expect(seen).toHaveLength(1);
  });

  it('F2 ends the wait of an app that is leaving, between two tries', async () => {
    const seen = ends();
    await subscribed('a');
    const left = watch(client.channel('a').unsubscribe());
    await refuse({ retryAfterMs: 5_000 });
    await removed();
    expect(left()).toBe(undefined);
    await pass(60_000);
    expect(current().of('unsubscribe')).toHaveLength(1);
    expect(seen).toEqual([]);
  });
});

describe('a new connection that is refused what an earlier one had', () => {
  it.each(['ERR_FORBIDDEN', 'ERR_REMOVED', 'ERR_CHANNEL_LIMIT', 'MINE'])(
    'F2 ends with %s',
    async (code) => {
      const seen = ends();
      await subscribed('a');
      await reconnect();
      await refuse({ code, retryAfterMs: 5 });
      expect(seen).toEqual([{ code, reason: 'Slow down.' }]);
      await pass(60_000);
      expect(current().of('subscribe')).toHaveLength(1);
      await reconnect();
      expect(current().actions).toEqual([]);
    },
  );

  it.each(['ERR_INTERNAL', 'ERR_OUTCOME_UNKNOWN', 'ERR_RATE_LIMIT', 'ERR_TIMEOUT'])(
    'F2 does not end with %s, and is told from the third time on',
    async (code) => {
      const seen = ends();
      const told = vi.fn<(refusal: unknown) => void>();
      client.onRefused(told);
      await subscribed('a');
      await reconnect();
      for (const [index, waitMs] of [250, 500, 1_000, 2_000].entries()) {
        await refuse({ code });
        expect(told).toHaveBeenCalledTimes(Math.max(0, index - 1));
        await pass(waitMs);
      }
      expect(told).toHaveBeenLastCalledWith({
        channel: 'a',
        error: expect.objectContaining({ code }),
        retryInMs: 2_000,
      });
      await accept();
      expect(seen).toEqual([]);
    },
  );

  it('F2 is told at once of a wait that is longer than 30 s', async () => {
    const told = vi.fn<(refusal: unknown) => void>();
    client.onRefused(told);
    await subscribed('a');
    await reconnect();
    await refuse({ retryAfterMs: 30_000 });
    expect(told).not.toHaveBeenCalled();
    await pass(30_250);
    await refuse({ retryAfterMs: 30_001 });
    expect(told).toHaveBeenCalledExactlyOnceWith({
      channel: 'a',
      error: expect.objectContaining({ code: 'ERR_RATE_LIMIT', retryAfterMs: 30_001 }),
      retryInMs: 30_501,
    });
  });

  it('F2 tells onRefused as well, if somebody listens to it, and warns only if nobody listens', async () => {
    const seen = ends();
    await subscribed('a');
    await removed();
    expect(console.warn).not.toHaveBeenCalled();
    const told = vi.fn<(refusal: unknown) => void>();
    const off = client.onRefused(told);
    await subscribed('a');
    await removed();
    expect(told).toHaveBeenCalledExactlyOnceWith({
      channel: 'a',
      error: expect.objectContaining({ code: 'ERR_REMOVED', message: 'You left.' }),
    });
    expect(seen).toHaveLength(2);
    off();
    await removed('b');
    expect(console.warn).toHaveBeenCalledExactlyOnceWith('Gatecast: b: You left. (ERR_REMOVED)');
  });
});
