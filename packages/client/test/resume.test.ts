import { beforeEach, describe, expect, it } from 'vitest';
import type { ChannelEvent } from '../src/index.js';
import { asked, entries, entry, outcome, page, position, push } from './channel-log.js';
import {
  accept,
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

/** The data of the events that the app got, and the resets. */
let heard: unknown[];

/** Subscribes to a channel whose log has ten events. */
async function live(fields: object = {}): Promise<void> {
  watch(client.channel('a').subscribe());
  await outcome({ result: 'live', position: position(10), ...fields });
}

beforeEach(async () => {
  await start();
  heard = [];
  client.channel('a').on('message', (data) => heard.push(data));
  client.channel('a').onReset(({ reason }) => heard.push(reason));
});

describe('events of a channel with history', () => {
  it('come in order, each once, however they were pushed', async () => {
    await live();
    await push(12, 11, 11, 14, 12, 13, 10, 9, 15, 15);
    expect(heard).toEqual([11, 12, 13, 14, 15]);
    expect(current().of('history')).toEqual([]);
  });

  it('wait while the server has not said where the log stands', async () => {
    watch(client.channel('a').subscribe());
    await pass(0);
    await push(12, 10, 11);
    expect(heard).toEqual([]);
    await outcome({ result: 'live', position: position(10) });
    expect(heard).toEqual([11, 12]);
  });

  it('are known to the app by their position', async () => {
    const events: ChannelEvent[] = [];
    const room = client.channel('a');
    room.on('message', (_, event) => {
      events.push(event);
      heard.push(room.position);
    });
    expect(room.position).toBe(undefined);
    await live();
    expect(room.position).toBe(position(10));
    await push(11);
    // It moves when the listeners have returned.
    expect(heard).toEqual([11, position(10)]);
    expect(room.position).toBe(position(11));
    expect(events[0]?.position).toBe(position(11));
  });

  it('have been handed over when subscribe() is answered', async () => {
    const joined = client
      .channel('a')
      .subscribe({ rewind: 3 })
      .then((result) => heard.push(result));
    await pass(0);
    expect(asked()).toEqual([{ channel: 'a', rewind: 3 }]);
    const events = entries(8, 9, 10);
    await outcome({ result: 'live', data: 'hi', position: position(10), events });
    await joined;
    expect(heard).toEqual([8, 9, 10, { channel: 'a', result: 'live', data: 'hi' }]);
  });

  it('with an `op` are for newer clients, and leave no hole', async () => {
    await live();
    await receive({ type: 'event', channel: 'a', position: position(11), op: 'append' });
    await push(12);
    expect(heard).toEqual([12]);
    expect(client.channel('a').position).toBe(position(12));
  });

  it('are asked for when the server has more than a frame holds', async () => {
    await live();
    await receive({ type: 'events', channel: 'a', events: entries(11, 12), more: true });
    expect(current().of('history')).toMatchObject([{ after: position(12) }]);
    await page({ position: position(13), events: entries(13) });
    expect(heard).toEqual([11, 12, 13]);
  });

  it('without a position come at once', async () => {
    await live();
    await push(12);
    await receive({ type: 'event', channel: 'a', ...entry(99), position: undefined });
    expect(heard).toEqual([99]);
    expect(client.channel('a').position).toBe(position(10));
  });
});

describe('a hole', () => {
  it('is asked for when what is missing does not come soon', async () => {
    await live();
    await push(13, 15);
    await pass(186);
    expect(current().of('history')).toEqual([]);
    await pass(1);
    expect(current().of('history')).toMatchObject([
      { channel: 'a', after: position(10), limit: 2 },
    ]);
    await page({ position: position(15), events: entries(11, 12), more: true });
    expect(heard).toEqual([11, 12, 13]);
    expect(current().of('history').at(-1)).toMatchObject({ after: position(13), limit: 1 });
    await page({ position: position(15), events: entries(14), more: true });
    expect(heard).toEqual([11, 12, 13, 14, 15]);
    await pass(10_000);
    expect(current().of('history')).toHaveLength(2);
  });

  it('is waited for longer where events often overtake each other', async () => {
    await live();
    await push(12);
    await pass(180);
    await push(11, 14);
    // Four times 180 ms, and a random part of half of that.
    await pass(899);
    expect(current().of('history')).toEqual([]);
    await pass(1);
    expect(current().of('history')).toHaveLength(1);
  });

  it('is asked for at once when more than 256 events wait behind it', async () => {
    await live();
    await push(...Array.from({ length: 256 }, (_, index) => 12 + index));
    expect(current().of('history')).toEqual([]);
    await push(268);
    expect(current().of('history')).toMatchObject([{ after: position(10) }]);
    await page({ position: position(268), events: entries(11), more: true });
    expect(heard).toHaveLength(257);
    expect(current().of('history').at(-1)).toMatchObject({ after: position(267) });
    await page({ position: position(268), events: entries(268) });
    expect(heard.at(-1)).toBe(268);
  });

  it('is asked for again while the server cannot cope', async () => {
    await live();
    await push(12);
    await pass(188);
    await refuse();
    await pass(311);
    expect(current().of('history')).toHaveLength(1);
    await pass(1);
    expect(current().of('history')).toHaveLength(2);
    await refuse({ code: 'ERR_INTERNAL', retryAfterMs: 3_000 });
    await pass(4_000);
    expect(current().of('history')).toHaveLength(2);
    await pass(1_000);
    await page({ position: position(12), events: entries(11, 12) });
    expect(heard).toEqual([11, 12]);
  });

  it('leads to a new subscription when the server refuses to fill it', async () => {
    await live();
    await push(12);
    await pass(188);
    await refuse({ code: 'ERR_FORBIDDEN' });
    expect(asked()).toEqual([{ channel: 'a', position: position(10) }]);
    await outcome({ result: 'reset', reason: 'forbidden', position: position(12) });
    await push(13);
    expect(heard).toEqual(['forbidden', 13]);
  });

  it.each([
    { result: 'reset', reason: 'trimmed', position: position(20) },
    { result: 'page', events: [], position: position(10) },
    { result: 'something new' },
    { events: 'none', more: true },
  ])('leads to a new subscription when the log has no such events: %j', async (reply) => {
    await live();
    await push(12);
    await pass(188);
    await page({ result: undefined, ...reply });
    expect(asked()).toEqual([{ channel: 'a', position: position(10) }]);
    // What had come early is not of this log.
    await outcome({ result: 'resumed', position: position(10) });
    await push(11);
    expect(heard).toEqual([11]);
    await pass(60_000);
    expect(current().of('subscribe')).toHaveLength(2);
  });
});

describe('a lost connection', () => {
  it('is made up for: the next goes on after the last event', async () => {
    await live();
    await push(11);
    await reconnect();
    expect(asked()).toEqual([{ channel: 'a', position: position(11) }]);
    await push(15);
    await outcome({ result: 'resumed', position: position(14), events: entries(12, 13, 14) });
    expect(heard).toEqual([11, 12, 13, 14, 15]);
  });

  it('may have been long: the rest comes page by page', async () => {
    await live();
    await reconnect();
    const events = entries(11, 12);
    await outcome({ result: 'resumed', position: position(15), events, more: true });
    await push(16);
    expect(heard).toEqual([11, 12]);
    expect(current().of('history')).toMatchObject([{ after: position(12) }]);
    await page({ position: position(16), events: entries(13, 14), more: true });
    await page({ position: position(16), events: entries(15, 16) });
    expect(heard).toEqual([11, 12, 13, 14, 15, 16]);
    expect(current().of('history')).toHaveLength(2);
  });

  it.each(['epoch', 'forked', 'trimmed', 'forbidden', 'no-history'])(
    'is told where it cannot be made up for: %s',
    async (reason) => {
      watch(client.channel('a').subscribe({ rewind: 2 }));
      await outcome({ result: 'live', position: position(10) });
      await reconnect();
      expect(asked()).toEqual([{ channel: 'a', position: position(10), rewind: 2 }]);
      const events = entries(19, 20);
      await outcome({ result: 'reset', reason, position: position(20), events });
      await push(21);
      expect(heard).toEqual([reason, 19, 20, 21]);
    },
  );

  it('begins anew where it cannot be made up for, also with what came before', async () => {
    watch(client.channel('a').subscribe({ rewind: 2 }));
    await outcome({ result: 'live', position: position(10) });
    await push(11, 12);
    await reconnect();
    const events = entries(11, 12);
    await outcome({ result: 'reset', reason: 'forked', position: position(12), events });
    expect(heard).toEqual([11, 12, 'forked', 11, 12]);
  });

  it('is told on a channel without history, once for each', async () => {
    await subscribed('a');
    expect(heard).toEqual([]);
    for (let times = 1; times <= 2; times += 1) {
      await reconnect();
      await outcome({ result: 'live' });
      await receive({ type: 'event', channel: 'a', ...entry(times), position: undefined });
    }
    expect(heard).toEqual(['no-history', 1, 'no-history', 2]);
    expect(client.channel('a').position).toBe(undefined);
  });

  it('is told where the server knows positions no longer', async () => {
    await live();
    await reconnect();
    await outcome({ result: 'live' });
    await receive({ type: 'event', channel: 'a', ...entry(11), position: undefined });
    expect(heard).toEqual(['no-history', 11]);
  });

  it('ends what was asked on it', async () => {
    await live();
    await push(12);
    await pass(188);
    const lost = current();
    await reconnect();
    const id = lost.of('history')[0]?.id;
    await receive({ type: 'reply', id, data: { result: 'page', events: entries(11) } });
    expect(heard).toEqual([]);
    await outcome({ result: 'resumed', position: position(12), events: entries(11, 12) });
    expect(heard).toEqual([11, 12]);
  });
});

describe('another log', () => {
  it('is noticed by its epoch, and asked about with the position', async () => {
    await live();
    const other = (offset: number): string => position(offset, 'epoch-2_____');
    await receive({ type: 'event', channel: 'a', ...entry(1, { position: other(1) }) });
    expect(heard).toEqual([]);
    expect(asked()).toEqual([{ channel: 'a', position: position(10) }]);
    await receive({ type: 'event', channel: 'a', ...entry(2, { position: other(2) }) });
    await outcome({ result: 'reset', reason: 'epoch', position: other(1) });
    expect(heard).toEqual(['epoch', 2]);
    expect(current().of('subscribe')).toHaveLength(2);
  });

  it('is noticed by the event before, where the store says it', async () => {
    await live();
    const from = (offset: number, prev: string): Promise<void> =>
      receive({ type: 'event', channel: 'a', ...entry(offset, { prev }) });
    await from(11, 'tag10');
    await from(13, 'tag12');
    await from(12, 'other');
    expect(heard).toEqual([11]);
    expect(asked()).toEqual([{ channel: 'a', position: position(11) }]);
    await outcome({ result: 'reset', reason: 'forked', position: position(12) });
    await from(13, 'tag12');
    expect(heard).toEqual([11, 'forked', 13]);
  });

  it('leads to no storm, however often it is noticed', async () => {
    await live();
    for (let count = 0; count < 100; count += 1) {
      const text = position(count + 1, 'epoch-2_____');
      await receive({ type: 'event', channel: 'a', ...entry(count, { position: text }) });
      await outcome({ result: 'resumed', position: position(10) });
      await pass(100);
    }
    expect(current().of('subscribe').length).toBeLessThan(12);
  });

  it('may be the first: history was switched on meanwhile', async () => {
    await subscribed('a');
    await push(7);
    expect(heard).toEqual([7]);
    expect(asked()).toEqual([{ channel: 'a' }]);
    await push(8);
    await outcome({ result: 'live', position: position(8) });
    await push(10, 9);
    expect(heard).toEqual([7, 8, 9, 10]);
  });
});

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

  it('does not wait behind the messages of its channel', async () => {
    watch(client.channel('a').send('post', 1));
    watch(client.channel('a').history());
    watch(client.channel('a').history({ limit: 0 }));
    await pass(0);
    expect(current().actions).toEqual(['a.post', 'history', 'history']);
  });
});
