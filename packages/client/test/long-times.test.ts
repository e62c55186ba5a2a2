import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  accept,
  answer,
  client,
  current,
  farewell,
  opened,
  pass,
  receive,
  reconnect,
  refuse,
  ScriptedWebSocket,
  start,
  states,
  subscribed,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();

const DAY_MS = 86_400_000;
/** Less than the age at which a connection is handed over. */
const HOUR_MS = 3_600_000;
/** The longest that `setTimeout` takes: with more it fires at once. */
const MAX_TIMER_MS = 2_147_483_647;
/** Times that no timer can hold. */
const tooLong = [MAX_TIMER_MS + 1, 30 * DAY_MS, 1e12, Number.MAX_VALUE];
/** Values that are not times. */
const noTimes = [-1, -1e12, 0, null, '5000', '', true, {}, [250]];

beforeEach(() => {
  ScriptedWebSocket.answersPings = true;
  const setTimer = globalThis.setTimeout;
  vi.stubGlobal('setTimeout', (call: () => void, delayMs: number) => {
    if (!(delayMs <= MAX_TIMER_MS)) throw new RangeError(`A timer of ${delayMs} ms.`);
    return setTimer(call, delayMs);
  });
});

describe('a wait that the server asks for', () => {
  it.each(tooLong)(
    'F3 before another try to subscribe does not lead to a storm: %d ms',
    async (retryAfterMs) => {
      await start();
      await subscribed('a');
      await reconnect();
      await refuse({ retryAfterMs });
      await pass(HOUR_MS);
      expect(current().of('subscribe')).toHaveLength(1);
      expect(opened).toHaveLength(2);
    },
  );

  it('F3 before another try to unsubscribe does not lead to a storm', async () => {
    await start();
    await subscribed('a');
    watch(client.channel('a').unsubscribe());
    await refuse({ retryAfterMs: 30 * DAY_MS });
    await pass(HOUR_MS);
    expect(current().of('unsubscribe')).toHaveLength(1);
  });

  it.each(tooLong)(
    'F3 before another connection does not lead to a storm: %d ms',
    async (afterMs) => {
      await start();
      await farewell('X', afterMs);
      expect(states.at(-1)).toEqual(['waiting', 'X', MAX_TIMER_MS]);
      await pass(DAY_MS);
      expect(opened).toHaveLength(1);
    },
  );

  it.each(noTimes)('F3 is ignored unless it is a time: %j', async (value) => {
    await start();
    await subscribed('a');
    await reconnect();
    await refuse({ retryAfterMs: value });
    await pass(249);
    expect(current().of('subscribe')).toHaveLength(1);
    await pass(1);
    expect(current().of('subscribe')).toHaveLength(2);
    await farewell('X', value);
    expect(states.at(-1)).toEqual(['waiting', 'X', 500]);
  });
});

describe('`timeoutMs` of a message', () => {
  it.each([...tooLong, Infinity])('F3 may be %d', async (timeoutMs) => {
    await start();
    await receive({ type: 'reply', id: 'x', server: { resendWithinMs: Number.MAX_VALUE } });
    const sent = watch(client.channel('a').send('post', 1, { timeoutMs }));
    await pass(DAY_MS);
    expect(sent()).toBe('pending');
    await answer('at last');
    expect(sent()).toBe('at last');
  });
});

describe('what the server wants of its clients', () => {
  /** Tells it with the reply to a subscription. */
  async function wants(server: object): Promise<void> {
    await start();
    watch(client.channel('a').subscribe());
    await pass(0);
    const [frame] = current().of('subscribe');
    const data = { channels: [{ channel: 'a', result: 'live' }] };
    await receive({ type: 'reply', id: frame?.id, data, server });
  }

  it('F4 is a ping after another silence', async () => {
    await wants({ keepAliveMs: 60_000 });
    await pass(59_999);
    expect(current().of('ping')).toHaveLength(0);
    await pass(1);
    expect(current().of('ping')).toHaveLength(1);
    await receive({ type: 'reply', id: 'x', server: { keepAliveMs: 90_000 } });
    await pass(89_999);
    expect(current().of('ping')).toHaveLength(1);
    await pass(1);
    expect(current().of('ping')).toHaveLength(2);
  });

  it('F4 is less than what the app wants', async () => {
    await start({ keepAliveMs: 10_000 });
    await receive({ type: 'reply', id: 'x', server: { keepAliveMs: 60_000 } });
    await pass(9_999);
    expect(current().of('ping')).toHaveLength(0);
    await pass(1);
    expect(current().of('ping')).toHaveLength(1);
  });

  it.each([...tooLong, Infinity])(
    'F4 may be a silence of %d ms, as of the app',
    async (keepAliveMs) => {
      await start({ keepAliveMs });
      await pass(HOUR_MS);
      expect(current().actions).toEqual([]);
      expect(opened).toHaveLength(1);
      client.close();
      await start();
      await receive({ type: 'reply', id: 'x', server: { keepAliveMs } });
      await pass(keepAliveMs === Infinity ? 239_999 : HOUR_MS);
      expect(current().actions).toEqual([]);
    },
  );

  it.each(noTimes)('F4 is ignored unless it is a time: %j', async (value) => {
    await wants({ keepAliveMs: value, reconnectWithinMs: value, resendWithinMs: value });
    const sent = watch(client.channel('b').send('post', 1, { timeoutMs: DAY_MS }));
    await pass(299_999);
    expect(sent()).toBe('pending');
    await pass(1);
    expect(sent()).toBe('ERR_OUTCOME_UNKNOWN');
    current().receive({ type: 'pong' });
    const pings = current().of('ping').length;
    await pass(239_999);
    expect(current().of('ping')).toHaveLength(pings);
    await pass(1);
    expect(current().of('ping')).toHaveLength(pings + 1);
    current().end();
    expect(states.at(-1)).toEqual(['waiting', 'ERR_CONNECTION_LOST', 250]);
  });

  it('F4 is a first wait after the end of a connection, not of a failed attempt', async () => {
    await wants({ reconnectWithinMs: 60_000 });
    await pass(5_000);
    current().end();
    expect(states.at(-1)).toEqual(['waiting', 'ERR_CONNECTION_LOST', 30_000]);
    await pass(30_000);
    current().end();
    expect(states.at(-1)).toEqual(['waiting', 'ERR_CONNECTION_LOST', 500]);
  });

  it('F4 is a first wait of at most 2 min', async () => {
    await wants({ reconnectWithinMs: 1e300 });
    await pass(5_000);
    current().end();
    expect(states.at(-1)).toEqual(['waiting', 'ERR_CONNECTION_LOST', 60_000]);
  });

  it('F4 is a silence of at least 5 s', async () => {
    await wants({ keepAliveMs: 1 });
    await pass(4_999);
    expect(current().of('ping')).toHaveLength(0);
    await pass(1);
    expect(current().of('ping')).toHaveLength(1);
  });

  it('F4 is a limit of the time in which a message is sent again', async () => {
    await wants({ resendWithinMs: 1 });
    const sent = watch(client.channel('b').send('post', 1, { timeoutMs: 100_000 }));
    await pass(5_000);
    await reconnect();
    await accept(current().of('subscribe')[0]);
    expect(current().of('b.post')).toMatchObject([{ attempt: 2 }]);
    // At least 30 s, whatever the server says.
    await pass(5_000);
    await receive({ type: 'pong' });
    await pass(14_999);
    await receive({ type: 'pong' });
    expect(sent()).toBe('pending');
    await pass(5_000);
    expect(sent()).toBe('ERR_OUTCOME_UNKNOWN');
  });
});
