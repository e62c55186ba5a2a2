import { describe, expect, it, vi } from 'vitest';
import {
  client,
  current,
  pass,
  receive,
  start,
  subscribed,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();

type Frame = Readonly<Record<string, unknown>>;

const server = { keepAliveMs: 1, reconnectWithinMs: 2, resendWithinMs: 3, now: 4 };
const event = { event: 'message', data: { text: 'x' }, id: 'e1', at: 0 };
const error = { code: 'ERR_INTERNAL', message: 'x', details: ['x'], retryAfterMs: 1 };
const outcome = { channel: 'a', result: 'live', data: 1 };

/** Frames as they should be. The id is that of the request that waits. */
const frames: readonly ((id: string) => Frame)[] = [
  (id) => ({ type: 'reply', id, data: { channels: [outcome] }, server }),
  (id) => ({ type: 'reply', id, data: { channels: [{ channel: 'a', error }] } }),
  (id) => ({ type: 'error', id, error }),
  () => ({ type: 'error', error }),
  () => ({ type: 'event', channel: 'b', ...event }),
  () => ({ type: 'events', channel: 'b', events: [event, event] }),
  () => ({ type: 'unsubscribed', channel: 'b', code: 'ERR_REMOVED', reason: 'x' }),
  () => ({ type: 'bye', code: 'X', reason: 'x', reconnect: true, afterMs: 1 }),
  () => ({ type: 'pong' }),
  () => ({ message: 'Internal server error', connectionId: 'c=', requestId: 'r=' }),
];

/** What may stand where something else should. */
const values: readonly unknown[] = [
  null,
  true,
  -1,
  2 ** 53,
  '__proto__',
  '9'.repeat(400),
  [null],
  {},
  // Neither a text nor a number can be made of it.
  { toString: 1, valueOf: 1 },
];

/** Everything that one value, or its absence, may do to a frame. */
function* spoiled(value: unknown): Generator {
  yield undefined;
  yield* values;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    for (const other of spoiled(inner)) {
      yield Array.isArray(value)
        ? value.with(Number(key), other)
        : { ...(value as Frame), [key]: other };
    }
  }
}

/** A client with a live channel, a subscription and a message that wait. Returns their ids. */
async function busy(): Promise<{ subscribe: string; send: string; heard: unknown[] }> {
  await start();
  await subscribed('b');
  const heard: unknown[] = [];
  client.channel('b').on('message', (data) => heard.push(data));
  client.channel('b').onEnd(() => {});
  client.onRefused(() => {});
  watch(client.channel('a').subscribe());
  watch(client.channel('c').send('post'));
  await pass(0);
  const idOf = (action: string): string => current().of(action).at(-1)?.id ?? '';
  return { subscribe: idOf('subscribe'), send: idOf('c.post'), heard };
}

/** Whether a client survives a text, and hears what comes after it. */
async function survives(frame: unknown, which: 'subscribe' | 'send'): Promise<boolean> {
  const ids = await busy();
  try {
    current().receiveText(JSON.stringify(frame)?.replace('$ID', ids[which]) ?? '');
    await pass(1_000);
    // A farewell may end it.
    if (client.state !== 'connected') return (frame as Frame)['type'] === 'bye';
    ids.heard.length = 0;
    await receive({ type: 'event', channel: 'b', ...event, data: 'still here', id: 'e2' });
    return ids.heard[0] === 'still here';
  } catch {
    return false;
  } finally {
    client.close();
  }
}

describe('a frame that makes no sense', () => {
  it.each(frames.map((frame) => [JSON.stringify(frame('…')).slice(0, 60), frame('$ID')] as const))(
    'F8 is survived: %s',
    async (_, frame) => {
      const ended: unknown[] = [];
      for (const spoilt of spoiled(frame)) {
        if (!(await survives(spoilt, 'subscribe'))) ended.push(spoilt);
        if (frame['id'] && !(await survives(spoilt, 'send'))) ended.push(spoilt);
      }
      expect(ended).toEqual([]);
    },
  );

  it('F8 ends no more than the connection, unless it is a farewell that forbids another', async () => {
    for (const reconnect of [undefined, null, 1, 'false', true, {}]) {
      await start();
      await receive({ type: 'bye', code: 'X', reason: 'x', reconnect });
      current().end();
      expect(client.state).toBe('waiting');
      client.close();
    }
    await start();
    await receive({ type: 'bye', code: 'X', reason: 'x', reconnect: false });
    expect(client.state).toBe('closed');
  });

  it('F8 is told of as an error with a code and a text', async () => {
    const { subscribe } = await busy();
    const caught = client
      .channel('a')
      .subscribe()
      .catch((reason: unknown) => reason);
    await receive({ type: 'error', id: subscribe, error: { code: 7, message: {} } });
    expect(await caught).toMatchObject({
      name: 'ClientRequestError',
      code: 'ERR_INTERNAL',
      message: 'The server gave no reason.',
    });
  });

  it('F8 may hold a number that is too large for JavaScript', async () => {
    const { subscribe } = await busy();
    const joined = watch(client.channel('a').subscribe());
    const error = '{"code":"X","message":"x","retryAfterMs":1e999}';
    current().receiveText(`{"type":"error","id":"${subscribe}","error":${error}}`);
    await pass(0);
    expect(joined()).toBe('X');
  });
});

describe('what is not known yet', () => {
  it('F8 frames of a type that nobody knows are ignored, whatever else they name', async () => {
    const { subscribe, send, heard } = await busy();
    const before = current().sent.length;
    for (const type of ['presence', 'patch', 'EVENT', '', 'constructor', '__proto__']) {
      for (const id of [subscribe, send]) {
        await receive({ ...event, ...error, type, id, channel: 'b', events: [event], data: {} });
      }
    }
    expect(heard).toEqual([]);
    expect(current().sent).toHaveLength(before);
    expect(client.state).toBe('connected');
  });

  it('F8 a frame is what its type says, whatever else is in it', async () => {
    const { subscribe, send, heard } = await busy();
    const outcomes = [
      watch(client.channel('a').subscribe()),
      watch(client.channel('c').send('next')),
    ];
    const more = [{ ...event, id: 'e2' }];
    const all = { channel: 'b', error, data: { channels: [outcome] }, reconnect: false };
    await receive({ type: 'event', id: send, event: 'other', at: 0, ...all, events: more });
    await receive({ type: 'events', id: send, ...all, events: [] });
    await receive({
      type: 'pong',
      id: subscribe,
      ...all,
      message: 'Forbidden',
      connectionId: 'c=',
    });
    await receive({ type: 'error', id: 'unknown', ...all, events: more });
    await receive({ type: 'reply', id: 'unknown', ...all, events: more });
    expect(client.state).toBe('connected');
    expect(heard).toEqual([]);
    expect(outcomes.map((settled) => settled())).toEqual(['pending', 'pending']);
    expect(current().of('c.next')).toEqual([]);
    await expect(client.channel('b').subscribe()).resolves.toMatchObject({ channel: 'b' });
  });

  it('F8 events with an `op` are handed to nobody, the others of their frame are', async () => {
    const { heard } = await busy();
    await receive({ type: 'event', channel: 'b', ...event, op: 'append' });
    await receive({
      type: 'events',
      channel: 'b',
      events: [
        { ...event, id: 'e2', op: null },
        { ...event, id: 'e3', data: 'plain' },
        { ...event, id: 'e4', op: 'remove' },
      ],
    });
    expect(heard).toEqual(['plain']);
  });

  it('F8 fields that nobody knows are ignored', async () => {
    const { subscribe, heard } = await busy();
    await receive({ type: 'event', channel: 'b', ...event, position: 'p', prev: 'q', later: [] });
    expect(heard).toEqual([{ text: 'x' }]);
    const joined = watch(client.channel('a').subscribe());
    await receive({
      type: 'reply',
      id: subscribe,
      data: { channels: [{ ...outcome, tailCheck: { afterMs: 1 } }], more: true },
      server: { ...server, later: 1 },
      later: 1,
    });
    expect(joined()).toMatchObject({ channel: 'a', data: 1 });
  });

  it('F8 warns nobody of what names no channel', async () => {
    await start();
    const told = vi.fn<(refusal: unknown) => void>();
    for (const channel of [undefined, null, 7, {}, { toString: 1 }]) {
      await receive({ type: 'unsubscribed', channel, code: 'ERR_REMOVED', reason: 'x' });
    }
    client.onRefused(told);
    await receive({ type: 'unsubscribed', code: 'ERR_REMOVED', reason: 'x' });
    expect(told).not.toHaveBeenCalled();
    expect(console.warn).not.toHaveBeenCalled();
  });
});
