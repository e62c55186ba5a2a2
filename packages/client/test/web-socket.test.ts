import { inspect } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import type { Refusal } from '../src/index.js';
import {
  client,
  current,
  opened,
  pass,
  reconnect,
  ScriptedWebSocket,
  start,
  states,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();

describe('a WebSocket that fails', () => {
  it.each([
    [
      'what `ws` says',
      { error: new Error('ECONNREFUSED'), message: 'x' },
      new Error('ECONNREFUSED'),
    ],
    [
      "what Node's own and React Native say",
      { message: 'Received network error.' },
      'Received network error.',
    ],
    ['nothing, in a browser', {}, undefined],
    ['nothing at all', undefined, undefined],
  ])('M2 is told with %s', async (_, event, cause) => {
    ScriptedWebSocket.opensByItself = false;
    await start();
    const refusals: Refusal[] = [];
    client.onRefused((refusal) => refusals.push(refusal));
    for (let count = 0; count < 3; count += 1) {
      current().fire('error', event);
      current().end();
      await pass(20_000);
    }
    expect(refusals.map(({ error }) => [error.code, error.cause])).toEqual([
      ['ERR_HANDSHAKE', cause],
    ]);
  });

  it('M2 is told without the URL if that has a token', async () => {
    class ForbiddenWebSocket extends ScriptedWebSocket {
      constructor(url: string, protocols: string[]) {
        super();
        expect(protocols).toEqual([]);
        throw new DOMException(`The policy of the page forbids ${url}.`, 'SecurityError');
      }
    }
    await start({
      WebSocket: ForbiddenWebSocket,
      handshake: 'query',
      token: () => 'secret',
    });
    const refusals: Refusal[] = [];
    client.onRefused((refusal) => refusals.push(refusal));
    await pass(60_000);
    expect(refusals[0]?.error).toMatchObject({
      code: 'ERR_HANDSHAKE',
      cause: new Error('SecurityError'),
    });
    for (const { error } of refusals) expect(inspect(error, { depth: 9 })).not.toContain('secret');
  });

  it('M2 is told with what ended it once it was open', async () => {
    await start();
    const refusals: Refusal[] = [];
    client.onRefused((refusal) => refusals.push(refusal));
    for (let count = 0; count < 3; count += 1) {
      current().fire('error', { message: 'reset' });
      await reconnect();
    }
    expect(refusals.map(({ error }) => [error.code, error.cause])).toEqual([
      ['ERR_CONNECTION_LOST', 'reset'],
    ]);
  });
});

describe('a WebSocket that has ended', () => {
  it('F10 is heard no more, whatever it still tells', async () => {
    await start();
    const [first] = opened;
    const seen: unknown[] = [];
    client.channel('a').on('message', (data) => seen.push(data));
    const event = { type: 'event', channel: 'a', event: 'message', data: 1, id: '1', at: 0 };
    await reconnect();
    const before = states.length;
    first?.end();
    first?.open();
    first?.receive(event);
    first?.fire('error', {});
    expect(states).toHaveLength(before);
    expect(seen).toEqual([]);
  });

  it('F10 by itself is not closed or terminated', async () => {
    await start();
    const [first] = opened;
    const terminate = vi.spyOn(current(), 'terminate');
    await reconnect();
    await pass(5_000);
    expect(first?.closedWith).toBe(undefined);
    expect(terminate).not.toHaveBeenCalled();
  });

  it('F10 is not written to, whatever it says of its state', async () => {
    await start();
    const [first] = opened;
    client.close();
    if (first) first.readyState = 1;
    const sent = watch(client.channel('a').send('typing', 1, { reply: false }));
    await pass(0);
    expect(sent()).toBe('ERR_CLOSED');
    expect(first?.sent).toEqual([]);
  });

  it('F10 is not terminated when the other end has agreed to the close', async () => {
    await start();
    const terminate = vi.spyOn(current(), 'terminate');
    client.close();
    await pass(999);
    current().end();
    await pass(60_000);
    expect(terminate).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('F10 is waited for by nothing that keeps a process alive', async () => {
    await start();
    const timers: NodeJS.Timeout[] = [];
    const setTimer = globalThis.setTimeout;
    vi.stubGlobal('setTimeout', (call: () => void, ms: number) => {
      const timer = setTimer(call, ms);
      timers.push(timer);
      return timer;
    });
    client.close();
    expect(timers.map((timer) => timer.hasRef())).toEqual([false]);
  });

  it('F10 needs no timer where it cannot be terminated, as in a browser', async () => {
    class Plain extends ScriptedWebSocket {
      override terminate = undefined as never;
    }
    await start({ WebSocket: Plain });
    client.close();
    expect(current().closedWith).toBe(1000);
    expect(vi.getTimerCount()).toBe(0);
  });
});
