import { beforeEach, describe, expect, it } from 'vitest';
import type { ChannelEvent } from '../src/index.js';
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
      { channel: 'a', after: position(10), limit: 4 },
    ]);
    await page({ position: position(15), events: entries(11, 12, 13, 14), more: true });
    expect(heard).toEqual([11, 12, 13, 14, 15]);
    await pass(10_000);
    expect(current().of('history')).toHaveLength(1);
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

  it('is asked for in parts, if it is larger than an answer', async () => {
    await live();
    await push(15);
    await pass(187);
    await page({ position: position(15), events: entries(11, 12), more: true });
    expect(heard).toEqual([11, 12]);
    await pass(187);
    expect(current().of('history').at(-1)).toMatchObject({ after: position(12), limit: 2 });
    await page({ position: position(15), events: entries(13, 14), more: true });
    expect(heard).toEqual([11, 12, 13, 14, 15]);
  });

  it('has a time of its own, so that mere disorder asks for nothing', async () => {
    await live();
    // Each event is overtaken by the next two, and comes 120 ms late.
    for (let offset = 11; offset < 200; offset += 3) {
      await push(offset + 1, offset + 2);
      await pass(120);
      await push(offset + 4, offset);
      await pass(60);
    }
    expect(current().of('history')).toEqual([]);
  });

  it('does not hide that there is more', async () => {
    await live();
    await reconnect();
    await push(13);
    const events = entries(11);
    await outcome({ result: 'resumed', position: position(20), events, more: true });
    expect(current().of('history')).toHaveLength(1);
    expect(current().of('history')[0]).not.toHaveProperty('limit');
    await page({ position: position(20), events: entries(12, 13, 14), more: true });
    await page({ position: position(20), events: entries(15, 16, 17, 18, 19, 20) });
    expect(heard).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  });

  it('does not hide that there is more, also while it is being asked for', async () => {
    await live();
    await push(12);
    await pass(187);
    await receive({ type: 'events', channel: 'a', events: entries(13), more: true });
    await page({ position: position(14), events: entries(11), more: true });
    expect(heard).toEqual([11, 12, 13]);
    expect(current().of('history')).toHaveLength(2);
    await refuse();
    await pass(400);
    expect(current().of('history')).toHaveLength(3);
    await page({ position: position(14), events: entries(14) });
    expect(heard).toEqual([11, 12, 13, 14]);
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

  it('may have been long, and more have come before the answer than are kept', async () => {
    await live();
    await reconnect();
    await push(...Array.from({ length: 257 }, (_, index) => 11 + index));
    await outcome({ result: 'resumed', position: position(10) });
    expect(heard).toHaveLength(256);
    expect(current().of('history')).toMatchObject([{ after: position(266) }]);
    await page({ position: position(267), events: entries(267) });
    expect(heard).toHaveLength(257);
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

  it('is asked about once, however many events of it wait', async () => {
    await live();
    await reconnect();
    for (let offset = 1; offset <= 20; offset += 1) {
      const text = position(offset, 'epoch-0_____');
      await receive({ type: 'event', channel: 'a', ...entry(offset, { position: text }) });
    }
    const end = position(3, 'epoch-2_____');
    await outcome({ result: 'reset', reason: 'epoch', position: end });
    await outcome({ result: 'resumed', position: end });
    await pass(60_000);
    expect(current().of('subscribe')).toHaveLength(2);
  });

  it('is noticed by another event in the place of the last one', async () => {
    await live();
    await push(11);
    const text = position(11).replace('tag11', 'other');
    await receive({ type: 'event', channel: 'a', ...entry(11, { position: text, id: 'new' }) });
    expect(asked()).toEqual([{ channel: 'a', position: position(11) }]);
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
