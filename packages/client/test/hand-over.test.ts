import { beforeEach, describe, expect, it } from 'vitest';
import {
  asked,
  entries,
  entry,
  heard,
  live,
  outcome,
  position,
  push,
  startListening,
} from './channel-log.js';
import {
  accept,
  answer,
  channelsOf,
  client,
  current,
  farewell,
  gatewaySays,
  opened,
  pass,
  receive,
  refuse,
  ScriptedWebSocket,
  states,
  subscribed,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();

/** Random numbers are 0.5 here, so it is 110 min. */
const AGE_MS = 110 * 60_000;

beforeEach(async () => {
  ScriptedWebSocket.answersPings = true;
  // No pings, for which the server would have to be there.
  await startListening({ keepAliveMs: AGE_MS });
  states.length = 0;
});

function first(): ScriptedWebSocket {
  return opened[0] as ScriptedWebSocket;
}

async function arrive(on: ScriptedWebSocket | undefined, offset: number): Promise<void> {
  on?.receive({ type: 'event', channel: 'a', ...entry(offset) });
  await pass(0);
}

describe('a connection before its end of 2 h', () => {
  it('is followed by another one, and nobody sees it', async () => {
    await live();
    await pass(AGE_MS - 1);
    expect(opened).toHaveLength(1);
    await pass(1);
    expect(opened).toHaveLength(2);
    expect(asked()).toEqual([{ channel: 'a', position: position(10) }]);
    await arrive(first(), 11);
    await push(12);
    await outcome({ result: 'resumed', position: position(12), events: entries(11, 12) });
    await arrive(first(), 13);
    await push(13);
    expect(heard).toEqual([11, 12, 13]);
    await pass(4_999);
    expect(first().closedWith).toBe(undefined);
    await pass(1);
    expect(first().closedWith).toBe(1000);
    await push(14);
    expect(heard).toEqual([11, 12, 13, 14]);
    expect(states).toEqual([]);
    await pass(AGE_MS - 5_000);
    expect(opened).toHaveLength(3);
  });

  it('leads to no double and no `onReset` on a channel without history', async () => {
    await subscribed('a');
    await pass(AGE_MS);
    const plain = (n: number): object => ({
      type: 'event',
      channel: 'a',
      ...entry(n),
      position: undefined,
    });
    first().receive(plain(1));
    first().receive(plain(2));
    await receive(plain(2));
    await accept();
    await receive(plain(3));
    first().receive(plain(3));
    expect(heard).toEqual([1, 2, 3]);
  });

  it.each([
    ['it ends', () => first().end()],
    [
      'the server does not know it',
      () =>
        first().receive({
          type: 'error',
          id: 'x',
          error: { code: 'ERR_CONNECTION_UNKNOWN', message: 'Unknown.' },
        }),
    ],
    ['30 s are over', () => {}],
  ])(
    'may miss events without history before the other one is subscribed, and says so: %s',
    async (_, end) => {
      await subscribed('a');
      await pass(AGE_MS);
      end();
      await pass(31_000);
      await outcome({ result: 'live' });
      expect(heard).toEqual(['no-history']);
      expect(states).toEqual([]);
    },
  );

  it('misses nothing for those who may not read the history', async () => {
    await live();
    await pass(AGE_MS);
    for (const offset of [11, 12, 13]) await arrive(first(), offset);
    await outcome({ result: 'reset', reason: 'forbidden', position: position(12) });
    await push(13, 14);
    expect(heard).toEqual([11, 12, 13, 14]);
  });

  it('is asked about what it may have lost, for those who may not read the history', async () => {
    await live();
    await arrive(first(), 11);
    await pass(AGE_MS);
    const forbidden = { result: 'reset', reason: 'forbidden' };
    await outcome({ ...forbidden, position: position(12), tailCheck: { afterMs: 1_000 } });
    const second = watch(client.channel('a').subscribe());
    await pass(0);
    expect([second(), heard]).toEqual([expect.objectContaining({ result: 'resumed' }), [11]]);
    await pass(1_000);
    expect(current().of('sync')).toMatchObject([{ positions: { a: position(11) } }]);
    await answer({ channels: [{ channel: 'a', result: 'behind' }] });
    await refuse({ code: 'ERR_FORBIDDEN' });
    await outcome({ ...forbidden, position: position(12) });
    expect(heard).toEqual([11, 'forbidden']);
  });

  it('may be ended by the app as the first of two, which is not the end of the client', async () => {
    await subscribed('a');
    ScriptedWebSocket.opensByItself = false;
    await pass(AGE_MS);
    first().receive({ type: 'bye', code: 'ERR_ONE_ONLY', reason: 'One.', reconnect: false });
    expect(client.state).toBe('connected');
    current().open();
    await pass(0);
    first().receive({ type: 'bye', code: 'ERR_ONE_ONLY', reason: 'One.', reconnect: false });
    expect(first().closedWith).toBe(1000);
    expect(states).toEqual([]);
    await receive({ type: 'bye', code: 'BANNED', reason: 'Spam.', reconnect: false });
    expect(states).toEqual([['closed', 'BANNED', undefined]]);
  });

  it('stays until a message has its answer, which is not sent again', async () => {
    await pass(AGE_MS - 5_000);
    const sent = watch(client.channel('b').send('post', 1));
    const behind = watch(client.channel('b').send('post', 2));
    await pass(5_000);
    expect(opened).toHaveLength(2);
    await pass(10_000);
    expect(first().closedWith).toBe(undefined);
    first().receive({ type: 'reply', id: first().of('b.post')[0]?.id, data: 'done' });
    await pass(0);
    expect(sent()).toBe('done');
    expect(current().of('b.post')).toMatchObject([{ data: 2 }]);
    await answer('done, too');
    expect(behind()).toBe('done, too');
    await pass(5_000);
    expect(first().closedWith).toBe(1000);
    expect(first().of('b.post')).toHaveLength(1);
  });

  it('ends after 30 s at most, and what it still owes is asked for again', async () => {
    await pass(AGE_MS - 5_000);
    const sent = watch(client.channel('b').send('post', 1));
    await pass(5_000 + 24_000);
    // After 29 s no answer can come from there.
    expect(current().of('b.post')).toMatchObject([{ attempt: 2 }]);
    watch(client.channel('a').subscribe());
    await pass(5_999);
    expect(first().closedWith).toBe(undefined);
    await pass(1);
    expect(first().closedWith).toBe(1000);
    await answer('done', current().of('b.post')[0]?.id);
    expect(sent()).toBe('done');
    expect(states).toEqual([]);
  });

  it('may end meanwhile: what it owes is asked for again', async () => {
    await pass(AGE_MS - 5_000);
    const sent = watch(client.channel('b').send('post', 1));
    await pass(5_000);
    first().end();
    await pass(0);
    expect(current().of('b.post')).toMatchObject([{ attempt: 2 }]);
    await answer('done');
    expect(sent()).toBe('done');
    expect(states).toEqual([]);
  });

  it('is kept while no other one can be opened', async () => {
    await subscribed('a');
    ScriptedWebSocket.opensByItself = false;
    await pass(AGE_MS);
    expect(opened).toHaveLength(2);
    current().end();
    await pass(500);
    expect(opened).toHaveLength(3);
    await pass(30_000);
    expect(opened[2]?.closedWith).toBe(1000);
    await arrive(first(), 1);
    ScriptedWebSocket.opensByItself = true;
    await pass(1_000);
    expect(opened).toHaveLength(4);
    expect(channelsOf(current().of('subscribe')[0])).toEqual(['a']);
    expect(states).toEqual([]);
  });

  it('gives way to no other one when it is lost before that one has opened', async () => {
    await subscribed('a');
    ScriptedWebSocket.opensByItself = false;
    await pass(AGE_MS);
    const second = current();
    first().end();
    expect(states).toEqual([['waiting', 'ERR_CONNECTION_LOST', 250]]);
    expect(second.closedWith).toBe(1000);
    second.open();
    expect(client.state).toBe('waiting');
    ScriptedWebSocket.opensByItself = true;
    await pass(250);
    expect(client.state).toBe('connected');
    await outcome({ result: 'live' });
    expect(heard).toEqual(['no-history']);
  });

  it('takes a subscription along that had no answer yet', async () => {
    await pass(AGE_MS - 1_000);
    const joined = watch(client.channel('a').subscribe());
    await pass(1_000);
    expect(asked()).toEqual([{ channel: 'a' }]);
    // The answer on the first one says nothing of the second.
    const { id } = first().of('subscribe')[0] ?? {};
    const channels = [{ channel: 'a', result: 'live' }];
    first().receive({ type: 'reply', id, data: { channels } });
    await pass(0);
    expect(joined()).toBe('pending');
    await accept();
    expect(joined()).toMatchObject({ result: 'live' });
  });

  it('brings nothing of a channel that was left meanwhile', async () => {
    await subscribed('a');
    await pass(AGE_MS);
    await accept();
    watch(client.channel('a').unsubscribe());
    await accept();
    await arrive(first(), 1);
    expect(heard).toEqual([]);
    await pass(5_000);
    expect(first().closedWith).toBe(1000);
    await push(2);
    expect(heard).toEqual([]);
    // What was left before the connection can no longer bring anything.
    await pass(AGE_MS);
    await pass(5_000);
    expect(opened).toHaveLength(3);
    await push(3);
    expect(heard).toEqual([3]);
  });

  it('may be where the server ends a subscription: the other one ends it, too', async () => {
    const ends: unknown[] = [];
    client.channel('a').onEnd((end) => ends.push(end));
    await subscribed('a');
    await pass(AGE_MS);
    await accept();
    const frame = { type: 'unsubscribed', channel: 'a', code: 'ERR_REMOVED', reason: 'Out.' };
    first().receive(frame);
    await pass(0);
    expect(channelsOf(current().of('unsubscribe')[0])).toEqual(['a']);
    await accept();
    await receive(frame);
    expect(ends).toHaveLength(1);
  });

  it('takes its own errors with it', async () => {
    await pass(AGE_MS - 5_000);
    const old = watch(client.channel('b').send('post', 'old'));
    await pass(5_000);
    const young = watch(client.channel('c').send('post', 'young'));
    first().receive({ message: 'Forbidden', connectionId: 'x' });
    await pass(0);
    expect([old(), young()]).toEqual(['ERR_FORBIDDEN', 'pending']);
    await gatewaySays('Forbidden');
    expect(young()).toBe('ERR_FORBIDDEN');
  });

  it('is let go when the server does not know it', async () => {
    await subscribed('a');
    await pass(AGE_MS);
    const error = { code: 'ERR_CONNECTION_UNKNOWN', message: 'Unknown.' };
    first().receive({ type: 'error', id: 'x', error });
    expect(first().closedWith).toBe(1000);
    expect(states).toEqual([]);
    expect(current().closedWith).toBe(undefined);
    await refuse({ code: 'ERR_CONNECTION_UNKNOWN' });
    expect(states).toEqual([['waiting', 'ERR_CONNECTION_UNKNOWN', 250]]);
  });

  it('leaves nothing open when the client is closed', async () => {
    await subscribed('a');
    await pass(AGE_MS);
    client.close();
    expect(opened.map(({ closedWith }) => closedWith)).toEqual([1000, 1000]);
  });
});

describe('a farewell', () => {
  it('leads to another connection while the first works', async () => {
    await live();
    await receive({ type: 'bye', code: 'DEPLOYED', reason: 'New code.', reconnect: true });
    await pass(249);
    expect(opened).toHaveLength(1);
    await pass(1);
    expect(asked()).toEqual([{ channel: 'a', position: position(10) }]);
    await outcome({ result: 'resumed', position: position(10) });
    first().end();
    await push(11);
    expect(heard).toEqual([11]);
    expect(states).toEqual([]);
  });

  it('is the reason when the connection ends before', async () => {
    await farewell('DEPLOYED', 1_000);
    expect(states).toEqual([['waiting', 'DEPLOYED', 1_250]]);
    await pass(1_250);
    expect(client.state).toBe('connected');
    current().end();
    expect(states.at(-1)?.[1]).toBe('ERR_CONNECTION_LOST');
  });

  it('is heeded, also when the connection ends for another reason', async () => {
    await receive({ type: 'bye', code: 'FULL', reason: 'x', reconnect: true, afterMs: 60_000 });
    await pass(10_000);
    await refuse({ code: 'ERR_CONNECTION_UNKNOWN' });
    expect(states).toEqual([['waiting', 'FULL', 50_250]]);
  });

  it('is heeded, also when another connection is being opened', async () => {
    ScriptedWebSocket.opensByItself = false;
    await pass(AGE_MS);
    const second = current();
    first().receive({ type: 'bye', code: 'FULL', reason: 'x', reconnect: true, afterMs: 60_000 });
    expect(second.closedWith).toBe(1000);
    await pass(60_249);
    expect(opened).toHaveLength(2);
    await pass(1);
    expect(opened).toHaveLength(3);
    expect(states).toEqual([]);
  });

  it('is replaced by a later one', async () => {
    const bye = { type: 'bye', code: 'FULL', reason: 'x', reconnect: true };
    await receive({ ...bye, afterMs: 60_000 });
    await receive({ ...bye, code: 'DEPLOYED', afterMs: 1_000 });
    current().end();
    expect(states).toEqual([['waiting', 'DEPLOYED', 1_250]]);
  });

  it('does not lead to a storm, if each connection gets one', async () => {
    let greeted: unknown;
    for (let count = 0; count < 100; count += 1) {
      if (current() !== greeted)
        await receive({ type: 'bye', code: 'DEPLOYED', reason: 'New code.', reconnect: true });
      greeted = current();
      await pass(1_000);
    }
    expect(opened.length).toBeLessThan(20);
    expect(opened.filter(({ closedWith }) => closedWith === undefined).length).toBeLessThan(3);
  });
});
