import { beforeEach, describe, expect, it } from 'vitest';
import {
  asked,
  entries,
  entry,
  heard,
  live,
  outcome,
  page,
  position,
  push,
  startListening,
} from './channel-log.js';
import {
  accept,
  answer,
  client,
  current,
  pass,
  receive,
  reconnect,
  refuse,
  subscribed,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();

beforeEach(() => startListening());

describe('the last events', () => {
  const tailCheck = { afterMs: 1_000, windowMs: 4_000 };
  const synced = async (result: string): Promise<void> => {
    const id = current().of('sync').at(-1)?.id;
    await receive({ type: 'reply', id, data: { channels: [{ channel: 'a', result }] } });
  };

  it('are asked about once after each, where the server wants it', async () => {
    await live({ tailCheck });
    await pass(60_000);
    expect(current().of('sync')).toEqual([]);
    await push(11);
    await pass(2_999);
    expect(current().of('sync')).toEqual([]);
    await pass(1);
    expect(current().of('sync')).toMatchObject([{ positions: { a: position(11) } }]);
    await synced('current');
    await pass(60_000);
    expect(current().of('sync')).toHaveLength(1);
    expect(current().actions).not.toContain('history');
    expect(current().of('subscribe')).toHaveLength(1);
  });

  it('are asked for when they were missed', async () => {
    await live({ tailCheck });
    await push(11);
    await pass(3_000);
    await synced('behind');
    expect(current().of('history')).toMatchObject([{ after: position(11) }]);
    await page({ position: position(12), events: entries(12) });
    expect(heard).toEqual([11, 12]);
  });

  it.each(['resubscribe', 'not-subscribed', 'something new'])(
    'lead to a new subscription: %s',
    async (result) => {
      await live({ tailCheck });
      await push(11);
      await pass(3_000);
      await synced(result);
      expect(asked()).toEqual([{ channel: 'a', position: position(11) }]);
    },
  );

  it('are asked about although the channel is subscribed to again meanwhile', async () => {
    await live({ tailCheck });
    await push(11);
    await reconnect();
    await outcome({ result: 'resumed', position: position(11), tailCheck });
    await pass(3_000);
    expect(current().of('sync')).toEqual([]);
    await push(12);
    await pass(1_000);
    watch(client.channel('a').unsubscribe());
    await accept();
    await pass(60_000);
    expect(current().of('sync')).toEqual([]);
  });

  it('are asked about although they led to a reset', async () => {
    await live();
    await push(12);
    await pass(300);
    await refuse({ code: 'ERR_FORBIDDEN' });
    const tailCheck = { afterMs: 1_000, windowMs: 0 };
    await outcome({ result: 'reset', reason: 'forbidden', position: position(12), tailCheck });
    await pass(1_000);
    expect(current().of('sync')).toMatchObject([{ positions: { a: position(12) } }]);
    expect(heard).toEqual(['forbidden']);
  });

  it('of a channel that no JSON object may have as a key are not asked about', async () => {
    await live();
    watch(client.channel('__proto__').subscribe());
    await pass(0);
    await answer({ channels: [{ channel: '__proto__', result: 'live', position: position(5) }] });
    for (let times = 1; times <= 4; times += 1) {
      await pass(240_000);
      await receive({ type: 'pong' });
    }
    expect(current().of('sync')).toMatchObject([{ positions: { a: position(10) } }]);
  });

  it('are asked about once, however many come', async () => {
    await live({ tailCheck });
    for (const offset of [11, 12, 13]) {
      await push(offset);
      await pass(2_000);
    }
    expect(current().of('sync')).toEqual([]);
    await pass(1_000);
    expect(current().of('sync')).toHaveLength(1);
  });

  it('are told apart by the name of the channel', async () => {
    await live();
    watch(client.channel('42').subscribe());
    await pass(0);
    const channels = [{ channel: '42', result: 'live', position: position(5) }];
    await answer({ channels });
    for (let times = 1; times <= 4; times += 1) {
      await pass(240_000);
      await receive({ type: 'pong' });
    }
    const [sync] = current().of('sync');
    const outcomes = [
      { channel: '42', result: 'current' },
      { channel: 'a', result: 'behind' },
    ];
    await receive({ type: 'reply', id: sync?.id, data: { channels: outcomes } });
    expect(current().of('history')).toMatchObject([{ channel: 'a' }]);
  });

  it('lead to a new subscription when the server refuses to say', async () => {
    await live({ tailCheck });
    await push(11);
    await pass(3_000);
    const error = { code: 'ERR_FORBIDDEN', message: 'No longer.' };
    const id = current().of('sync').at(-1)?.id;
    await receive({ type: 'reply', id, data: { channels: [{ channel: 'a', error }] } });
    expect(asked()).toEqual([{ channel: 'a', position: position(11) }]);
  });

  it('are asked about again when there was no answer', async () => {
    await live({ tailCheck });
    await push(11);
    await pass(3_000);
    await refuse();
    await pass(3_000);
    expect(current().of('sync')).toHaveLength(2);
  });

  it('are asked about again after the time that the server says', async () => {
    await live({ tailCheck });
    await push(11);
    await pass(3_000);
    const refused = async (): Promise<void> => {
      const id = current().of('sync').at(-1)?.id;
      const error = { code: 'ERR_INTERNAL', message: 'It is away.', retryAfterMs: 4_000 };
      await receive({ type: 'reply', id, data: { channels: [{ channel: 'a', error }] } });
    };
    await refused();
    await pass(4_249);
    expect(current().of('sync')).toHaveLength(1);
    await pass(1);
    expect(current().of('sync')).toHaveLength(2);
    await refused();
    await pass(4_499);
    expect(current().of('sync')).toHaveLength(2);
    await pass(1);
    expect(current().of('sync')).toHaveLength(3);
    await synced('behind');
    expect(current().of('history')).toHaveLength(1);
  });

  it('of all channels are asked about with every fourth ping', async () => {
    await live();
    await push(11);
    await subscribed('b');
    for (let times = 1; times <= 4; times += 1) {
      expect(current().of('sync')).toEqual([]);
      await pass(240_000);
      await receive({ type: 'pong' });
    }
    expect(current().of('sync')).toMatchObject([{ positions: { a: position(11) } }]);
  });
});

describe('a subscription without an answer', () => {
  it('asks nothing else about its events: the answer will say it', async () => {
    await live();
    await push(11);
    await reconnect();
    for (let times = 1; times <= 4; times += 1) {
      await pass(5_000);
      await receive({ type: 'pong' });
    }
    expect(current().of('ping')).toHaveLength(4);
    expect(current().of('sync')).toEqual([]);
    await outcome({ result: 'resumed', position: position(12), events: entries(12) });
    expect(heard).toEqual([11, 12]);
  });
});

describe('the latest events of channels that share an answer', () => {
  async function joinBoth(): Promise<(() => unknown)[]> {
    client.channel('b').on('message', (data) => heard.push(data));
    const joined = ['a', 'b'].map((name) => watch(client.channel(name).subscribe({ rewind: 1 })));
    await pass(0);
    return joined;
  }
  const empty = { result: 'live', position: position(20), events: [], more: true };

  it('are asked for again where there was no room for any', async () => {
    const joined = await joinBoth();
    const full = { ...empty, channel: 'a', events: entries(20) };
    await answer({ channels: [full, { ...empty, channel: 'b' }] });
    await receive({ type: 'event', channel: 'b', ...entry(31) });
    expect([joined[1]?.(), heard]).toEqual(['pending', [20]]);
    expect(asked()).toEqual([{ channel: 'b', rewind: 1 }]);
    await answer({
      channels: [{ ...empty, channel: 'b', position: position(30), events: entries(30) }],
    });
    expect(joined.map((one) => Object(one()).result)).toEqual(['live', 'live']);
    expect(heard).toEqual([20, 30, 31]);
    expect(current().of('subscribe')).toHaveLength(2);
  });

  it('are not asked for again where there is no room without the others either', async () => {
    const joined = await joinBoth();
    await answer({ channels: ['a', 'b'].map((channel) => ({ ...empty, channel })) });
    expect(joined.map((one) => Object(one()).result)).toEqual(['live', 'live']);
    expect(current().of('subscribe')).toHaveLength(1);
  });
});

describe('a subscription that was left', () => {
  it('hands nothing over from then on, and forgets where it was', async () => {
    await live();
    await push(11);
    watch(client.channel('a').unsubscribe());
    await push(12);
    expect(heard).toEqual([11]);
    expect(client.channel('a').position).toBe(undefined);
    await accept();
    await push(13);
    await receive({ type: 'event', channel: 'a', ...entry(14), position: undefined });
    expect(heard).toEqual([11]);
    watch(client.channel('a').subscribe());
    await pass(0);
    expect(asked()).toEqual([{ channel: 'a' }]);
  });

  it('may have been handed over what a later one hands over again', async () => {
    await live();
    await push(11, 12);
    watch(client.channel('a').unsubscribe());
    await accept();
    watch(client.channel('a').subscribe({ rewind: 2 }));
    await outcome({ result: 'live', position: position(12), events: entries(11, 12) });
    expect(heard).toEqual([11, 12, 11, 12]);
  });

  it('has an answer of its own when it is made again before the first was answered', async () => {
    await live();
    await reconnect();
    const first = current().of('subscribe')[0];
    watch(client.channel('a').unsubscribe());
    const joined = watch(client.channel('a').subscribe({ rewind: 1 }));
    await pass(0);
    const channels = [
      { channel: 'a', result: 'resumed', position: position(12), events: entries(11, 12) },
    ];
    await receive({ type: 'reply', id: first?.id, data: { channels } });
    expect([joined(), heard]).toEqual(['pending', []]);
    expect(asked()).toEqual([{ channel: 'a', rewind: 1 }]);
    await outcome({ result: 'live', position: position(12), events: entries(12) });
    expect(heard).toEqual([12]);
    expect(joined()).toMatchObject({ result: 'live' });
  });

  it('may be made by the server on the next connection', async () => {
    await live();
    watch(client.channel('a').unsubscribe());
    await accept();
    await push(11);
    expect(heard).toEqual([]);
    await reconnect();
    await push(12);
    expect(heard).toEqual([12]);
  });

  it('hides no event that came before the answer', async () => {
    const first = watch(client.channel('a').subscribe());
    await pass(0);
    await push(11);
    watch(client.channel('a').unsubscribe());
    await live();
    expect(current().of('subscribe')).toHaveLength(2);
    await outcome({ result: 'resumed', position: position(11), events: entries(11) });
    expect([heard, first()]).toEqual([[11], 'ERR_UNSUBSCRIBED']);
  });

  it('may be left by the listener of a reset', async () => {
    await live({ tailCheck: { afterMs: 1_000, windowMs: 1_000 } });
    client.channel('a').onReset(() => client.close());
    const lost = current();
    await reconnect();
    const events = entries(19, 20);
    await outcome({ result: 'reset', reason: 'trimmed', position: position(20), events });
    expect(heard).toEqual(['trimmed']);
    await pass(60_000);
    expect([...lost.of('sync'), ...current().of('sync')]).toEqual([]);
  });

  it('may be left by a listener, between two events of one frame', async () => {
    await live();
    client.channel('a').on('message', (data) => {
      if (data === 12) watch(client.channel('a').unsubscribe());
    });
    await receive({ type: 'events', channel: 'a', events: entries(11, 12, 13) });
    expect(heard).toEqual([11, 12]);
  });
});

describe('history()', () => {
  it('reads a part, and moves nothing', async () => {
    await live();
    const read = client.channel('a').history({ before: position(10), limit: 2 });
    await pass(0);
    expect(current().of('history')).toMatchObject([
      { channel: 'a', before: position(10), limit: 2 },
    ]);
    const events = [entry(8), { ...entry(7), op: 'append' }, entry(9)];
    await page({ events, more: true, position: position(10) });
    expect(await read).toEqual({
      events: [8, 9].map((data) => ({ ...entry(data), at: new Date(1_000_000 - data) })),
      more: true,
      position: position(10),
    });
    expect(heard).toEqual([]);
    expect(client.channel('a').position).toBe(position(10));
  });

  it('says why a position is of no use', async () => {
    const read = client.channel('a').history({ after: position(3) });
    await pass(0);
    await page({ result: 'reset', reason: 'trimmed', position: position(10) });
    expect(await read).toEqual({
      events: [],
      more: false,
      position: position(10),
      reset: 'trimmed',
    });
  });

  it('waits for a connection, and asks again on the next', async () => {
    const read = watch(client.channel('a').history());
    await pass(0);
    await reconnect();
    expect(current().of('history')).toMatchObject([{ attempt: 2 }]);
    await page({ events: [], position: position(0) });
    expect(read()).toMatchObject({ more: false });
  });

  it('is rejected with what the server says, and after 30 s', async () => {
    const refused = watch(client.channel('a').history());
    await refuse({ code: 'ERR_FORBIDDEN' });
    expect(refused()).toBe('ERR_FORBIDDEN');
    const late = watch(client.channel('a').history());
    await pass(10_000);
    await receive({ type: 'pong' });
    await pass(20_000);
    expect(late()).toBe('ERR_TIMEOUT');
  });

  it('is refused when it is larger than a frame', async () => {
    const read = watch(client.channel('a').history({ after: 'x'.repeat(40_000) }));
    await pass(0);
    expect(read()).toBe('ERR_MESSAGE_INVALID');
    expect(current().sent).toEqual([]);
  });

  it('does not wait behind the messages of its channel', async () => {
    watch(client.channel('a').send('post', 1));
    watch(client.channel('a').history());
    watch(client.channel('a').history({ limit: 0 }));
    await pass(0);
    expect(current().actions).toEqual(['a.post', 'history', 'history']);
  });
});
