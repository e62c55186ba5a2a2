import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  accept,
  answer,
  client,
  current,
  dispatch,
  opened,
  pass,
  receive,
  reconnect,
  ScriptedWebSocket,
  start,
  states,
  subscribed,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();
beforeEach(() => start());

/** The clock goes on while timers stand still, as in a page that is left and on a machine that sleeps. */
function sleep(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

describe('timers that stood still', () => {
  it('F1 let no message be sent again when its time is over', async () => {
    const sent = watch(client.channel('a').send('post', 1, { timeoutMs: 5_000 }));
    dispatch('pagehide');
    sleep(320_000);
    dispatch('pageshow');
    await pass(0);
    expect(sent()).toBe('ERR_TIMEOUT');
    expect(current().of('a.post')).toHaveLength(0);
  });

  it('F1 let no message be sent at all when its time was over before', async () => {
    dispatch('pagehide');
    const sent = watch(client.channel('a').send('post', 1, { timeoutMs: 5_000 }));
    sleep(5_000);
    dispatch('pageshow');
    await pass(0);
    expect(sent()).toBe('ERR_NOT_SENT');
    expect(current().of('a.post')).toHaveLength(0);
  });
});

describe('a subscription that the server ends while its answer is on the way', () => {
  const removed = { type: 'unsubscribed', channel: 'a', code: 'ERR_REMOVED', reason: 'Out.' };

  it('F2 is told after the first answer, and left', async () => {
    const ends: string[] = [];
    client.channel('a').onEnd(({ code }) => ends.push(code));
    const joined = watch(client.channel('a').subscribe());
    await pass(0);
    await receive(removed);
    await accept();
    expect(joined()).toMatchObject({ result: 'live' });
    expect(ends).toEqual(['ERR_REMOVED']);
    expect(current().of('unsubscribe')).toHaveLength(1);
  });

  it('F2 is asked for anew where the app subscribes again at once', async () => {
    await subscribed('a');
    await reconnect();
    const room = client.channel('a');
    room.onEnd(() => watch(room.subscribe()));
    await receive(removed);
    await accept(current().of('subscribe')[0]);
    expect(current().of('subscribe')).toHaveLength(2);
  });
});

describe('a channel', () => {
  it('F5 with a name that no frame can hold is refused, and the others live on', async () => {
    await subscribed('a');
    const long = watch(client.channel(`rooms/${'x'.repeat(33_000)}`).subscribe());
    await pass(0);
    expect(long()).toBe('ERR_CHANNEL_NAME');
    expect(current().of('subscribe')).toHaveLength(1);
    expect(client.state).toBe('connected');
  });

  it('F13 keeps its `as` while it is used, however many others are opened', async () => {
    client.channel('orgs/1/rooms/2', { as: 'chat' }).on('message', () => {});
    for (let index = 0; index < 1_000; index += 1) client.channel(`other/${index}`);
    watch(client.channel('orgs/1/rooms/2').send('post'));
    await pass(0);
    expect(current().of('chat.post')).toHaveLength(1);
  });

  it('F2 holds no message back while it waits for the answer to an unsubscribe', async () => {
    await subscribed('a');
    watch(client.channel('a').unsubscribe());
    await pass(0);
    watch(client.channel('a').subscribe());
    watch(client.channel('a').send('post'));
    await pass(0);
    expect(current().of('a.post')).toHaveLength(1);
  });
});

describe('a connection that is closing', () => {
  it('F10 is given up when it takes a frame no more, and the frame goes on the next', async () => {
    current().readyState = 2;
    const sent = watch(client.channel('a').send('post'));
    const joined = watch(client.channel('b').subscribe());
    await pass(0);
    expect(states.at(-1)).toEqual(['waiting', 'ERR_CONNECTION_LOST', 250]);
    await pass(250);
    expect(opened).toHaveLength(2);
    await accept(current().of('subscribe')[0]);
    await answer('done', current().of('a.post')[0]?.id);
    expect([sent(), joined()]).toMatchObject(['done', { channel: 'b' }]);
  });
});

describe('an attempt that hangs', () => {
  it('F7 gives way to another when the network is back', async () => {
    ScriptedWebSocket.opensByItself = false;
    current().end();
    await pass(250);
    expect(opened).toHaveLength(2);
    await pass(4_999);
    dispatch('online');
    expect(opened).toHaveLength(2);
    await pass(1);
    dispatch('online');
    await pass(0);
    expect(opened).toHaveLength(3);
  });
});

describe('frames and listeners', () => {
  it('F8 of an unknown type are ignored, whatever they hold', async () => {
    const sent = watch(client.channel('a').send('post'));
    await receive({ type: 'presence', message: 'is typing', connectionId: 'c=', id: 'x' });
    expect(sent()).toBe('pending');
  });

  it('M2 that take themselves off have heard of an end all the same', async () => {
    await subscribed('a');
    const off = client.channel('a').onEnd(() => off());
    await receive({ type: 'unsubscribed', channel: 'a', code: 'ERR_REMOVED', reason: 'Out.' });
    expect(console.warn).not.toHaveBeenCalled();
  });
});
