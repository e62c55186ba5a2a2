import { describe, expect, it, vi } from 'vitest';
import {
  client,
  current,
  pass,
  receive,
  start,
  subscribed,
  untilReconnected,
  useVirtualTime,
} from './virtual-time.js';

useVirtualTime();

function listen(name: string, seen: string[]) {
  return client.onState((state) => seen.push(`${name} ${state}`));
}

describe('listeners that do something to the client', () => {
  it('F11 close it: the others hear of what came before, and then of that', async () => {
    await start();
    const seen: string[] = [];
    listen('first', seen);
    client.onState((state) => {
      if (state === 'waiting') client.close();
    });
    listen('last', seen);
    current().end();
    expect(seen).toEqual(['first waiting', 'last waiting', 'first closed', 'last closed']);
    await pass(60_000);
    expect(seen).toHaveLength(4);
  });

  it('F11 close it in any state, and nothing comes after', async () => {
    for (const when of ['connecting', 'connected', 'waiting']) {
      await start();
      const seen: string[] = [];
      client.onState((state) => {
        seen.push(state);
        if (state === when) client.close();
      });
      current().end();
      await pass(60_000);
      expect(seen.slice(-2)).toEqual([when, 'closed']);
    }
  });

  it('F11 close it before it asks for a token: it is not asked', async () => {
    const token = vi.fn<() => string>().mockReturnValue('jwt');
    await start({ token });
    client.onState((state) => {
      if (state === 'connecting') client.close();
    });
    current().end();
    await pass(60_000);
    expect(token).toHaveBeenCalledTimes(1);
  });

  it('F11 take themselves and others off: those hear no more of it', async () => {
    await start();
    const seen: string[] = [];
    const offFirst = client.onState(() => {
      seen.push('first');
      offFirst();
      offLast();
    });
    listen('second', seen);
    const offLast = listen('last', seen);
    current().end();
    await pass(250);
    expect(seen).toEqual(['first', 'second waiting', 'second connecting', 'second connected']);
  });

  it('F11 add others: those hear of what comes next', async () => {
    await start();
    const seen: string[] = [];
    const off = client.onState(() => {
      off();
      listen('added', seen);
    });
    current().end();
    expect(seen).toEqual([]);
    await pass(250);
    expect(seen).toEqual(['added connecting', 'added connected']);
  });

  it('F11 hear of an event, of its consequences and of the end in the order of their frames', async () => {
    await start();
    await subscribed('a');
    const seen: string[] = [];
    const room = client.channel('a');
    room.on('message', (data) => {
      seen.push(`first ${String(data)}`);
      if (data === 1) {
        current().receive({ type: 'unsubscribed', channel: 'a', code: 'X', reason: 'x' });
        current().receive({ type: 'bye', code: 'Y', reason: 'y', reconnect: false });
      }
    });
    room.on('message', (data) => seen.push(`last ${String(data)}`));
    room.onEnd(({ code }) => seen.push(`end ${code}`));
    client.onState((state, reason) => seen.push(`${state} ${reason?.code}`));
    const event = { event: 'message', at: 0 };
    await receive({
      type: 'events',
      channel: 'a',
      events: [
        { ...event, id: '1', data: 1 },
        { ...event, id: '2', data: 2 },
      ],
    });
    expect(seen).toEqual(['first 1', 'last 1', 'end X', 'closed Y']);
  });

  it('F11 throw: the others are called, and the client goes on', async () => {
    await start();
    const reported = vi.fn<(error: unknown) => void>();
    vi.stubGlobal('reportError', reported);
    const seen: string[] = [];
    const mine = new Error('mine');
    client.onState(() => {
      throw mine;
    });
    listen('last', seen);
    client.onRefused(() => {
      throw mine;
    });
    for (let count = 0; count < 3; count += 1) {
      current().end();
      await untilReconnected();
    }
    expect(seen.filter((text) => text === 'last connected')).toHaveLength(3);
    expect(reported.mock.calls).toEqual(Array.from({ length: 10 }, () => [mine]));
    // Here, because later there is no reportError that takes what the listener throws at the end.
    client.close();
    await pass(0);
    expect(reported).toHaveBeenCalledTimes(11);
  });

  it('F11 throw: it is told once, by reportError where there is one', async () => {
    await start();
    const mine = new Error('mine');
    client.onState(() => {
      throw mine;
    });
    const thrown: unknown[] = [];
    vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((call) => {
      try {
        call();
      } catch (error) {
        thrown.push(error);
      }
    });
    vi.stubGlobal('reportError', undefined);
    current().end();
    expect(thrown).toEqual([mine]);
    const reported = vi.fn<(error: unknown) => void>();
    vi.stubGlobal('reportError', reported);
    client.close();
    expect(reported).toHaveBeenCalledExactlyOnceWith(mine);
    expect(thrown).toEqual([mine]);
  });

  it('F11 ask for the state: it is that of now', async () => {
    await start();
    const seen: string[] = [];
    client.onState((state) => {
      if (state === 'waiting') client.close();
    });
    client.onState((state) => seen.push(`${state} ${client.state}`));
    current().end();
    expect(seen).toEqual(['waiting closed', 'closed closed']);
  });
});
