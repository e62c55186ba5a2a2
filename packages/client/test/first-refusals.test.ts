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
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();
beforeEach(() => start());

async function join(): Promise<() => unknown> {
  const joined = watch(client.channel('a').subscribe());
  await pass(0);
  return joined;
}

/** Passes the time until the next try, or the longest that one may take. */
async function untilAskedAgain(): Promise<void> {
  const asked = current().of('subscribe').length;
  for (let ms = 0; ms < 25_000 && current().of('subscribe').length === asked; ms += 100) {
    await pass(100);
  }
}

describe('a first subscribe() that is refused for a moment', () => {
  it('F12 is asked again after the time that the server says, and no sooner', async () => {
    const joined = await join();
    await refuse({ retryAfterMs: 3_000 });
    await pass(3_249);
    expect(current().of('subscribe')).toHaveLength(1);
    await pass(1);
    expect(current().of('subscribe')).toHaveLength(2);
    await accept();
    expect(joined()).toMatchObject({ channel: 'a', result: 'live' });
  });

  it.each(['ERR_RATE_LIMIT', 'ERR_INTERNAL', 'ERR_FORBIDDEN', 'MINE'])(
    'F12 is asked again whatever the code is: %s',
    async (code) => {
      const joined = await join();
      await answer({
        channels: [{ channel: 'a', error: { code, message: 'Later.', retryAfterMs: 0 } }],
      });
      await pass(250);
      await accept();
      expect(joined()).toMatchObject({ result: 'live' });
    },
  );

  it('F12 is asked for three more times, then rejected; the app is told at the third', async () => {
    const told = vi.fn<(refusal: unknown) => void>();
    client.onRefused(told);
    const joined = await join();
    for (const waitMs of [250, 500, 1_000]) {
      expect(told).not.toHaveBeenCalled();
      await refuse({ retryAfterMs: 1_000 });
      await pass(1_000 + waitMs);
      expect(joined()).toBe('pending');
    }
    expect(current().of('subscribe')).toHaveLength(4);
    expect(told).toHaveBeenCalledExactlyOnceWith({
      channel: 'a',
      error: expect.objectContaining({ code: 'ERR_RATE_LIMIT' }),
      retryInMs: 2_000,
    });
    await refuse({ retryAfterMs: 1_000 });
    expect(joined()).toBe('ERR_RATE_LIMIT');
    await pass(60_000);
    expect(current().of('subscribe')).toHaveLength(4);
  });

  it.each(['ERR_INTERNAL', 'ERR_TIMEOUT', 'ERR_OUTCOME_UNKNOWN'])(
    'F12 is asked for 60 s, if the server has failed: %s',
    async (code) => {
      const joined = await join();
      const startedAt = performance.now();
      while (joined() === 'pending') {
        await refuse({ code, retryAfterMs: 1_000 });
        await untilAskedAgain();
      }
      expect(joined()).toBe(code);
      const tookMs = performance.now() - startedAt;
      expect(tookMs).toBeGreaterThan(60_000);
      expect(tookMs).toBeLessThan(85_000);
    },
  );

  it('F12 outlives a server that fails for 20 s', async () => {
    const joined = await join();
    const startedAt = performance.now();
    while (performance.now() - startedAt < 20_000) {
      await refuse({ code: 'ERR_INTERNAL', retryAfterMs: 1_000 });
      await untilAskedAgain();
    }
    await accept();
    expect(joined()).toMatchObject({ result: 'live' });
  });

  it('F12 is rejected at once where the server says no time, or one of more than 30 s', async () => {
    for (const retryAfterMs of [undefined, 30_001, 1e300, '3000', null]) {
      const joined = await join();
      await refuse({ retryAfterMs });
      expect(joined()).toBe('ERR_RATE_LIMIT');
    }
    const joined = await join();
    await refuse({ retryAfterMs: 30_000 });
    await pass(30_250);
    expect(joined()).toBe('pending');
    await accept();
    expect(joined()).toMatchObject({ result: 'live' });
  });

  it('F12 counts its refusals anew after it was accepted', async () => {
    for (let times = 0; times < 3; times += 1) {
      const joined = await join();
      for (const waitMs of [250, 500, 1_000]) {
        await refuse({ retryAfterMs: 0 });
        await pass(waitMs);
      }
      await accept();
      expect(joined()).toMatchObject({ result: 'live' });
      watch(client.channel('a').unsubscribe());
      await accept();
    }
  });

  it('F12 has no time-out while it waits for its next try', async () => {
    const joined = await join();
    await pass(4_000);
    await refuse({ retryAfterMs: 25_000 });
    await pass(25_250);
    expect(joined()).toBe('pending');
    await pass(4_000);
    await receive({ type: 'pong' });
    await pass(4_000);
    await receive({ type: 'pong' });
    await pass(1_999);
    expect(joined()).toBe('pending');
    await pass(1);
    expect(joined()).toBe('ERR_TIMEOUT');
  });

  it('F12 does not hold the messages of its channel meanwhile', async () => {
    await join();
    const sent = watch(client.channel('a').send('post'));
    expect(current().of('a.post')).toHaveLength(0);
    await refuse({ retryAfterMs: 20_000 });
    await answer('done', current().of('a.post')[0]?.id);
    expect(sent()).toBe('done');
  });

  it('F12 can be taken back while it waits, which asks the server nothing', async () => {
    const joined = await join();
    await refuse({ retryAfterMs: 1_000 });
    const left = watch(client.channel('a').unsubscribe());
    await pass(60_000);
    expect([joined(), left()]).toEqual(['ERR_UNSUBSCRIBED', undefined]);
    expect(current().of('subscribe')).toHaveLength(1);
    expect(current().of('unsubscribe')).toHaveLength(0);
  });

  it('F12 can be taken back while it waits, which leaves at once what may have been done', async () => {
    await join();
    await refuse({ code: 'ERR_INTERNAL', retryAfterMs: 20_000 });
    watch(client.channel('a').unsubscribe());
    await pass(0);
    expect(current().actions).toEqual(['subscribe', 'unsubscribe']);
  });

  it('F12 is asked at once on a connection that comes meanwhile', async () => {
    const joined = await join();
    await refuse({ retryAfterMs: 20_000 });
    await reconnect();
    expect(current().of('subscribe')).toHaveLength(1);
    await accept();
    expect(joined()).toMatchObject({ result: 'live' });
    await pass(30_000);
    expect(current().of('subscribe')).toHaveLength(1);
  });
});
