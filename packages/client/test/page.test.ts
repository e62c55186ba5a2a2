import { describe, expect, it, vi } from 'vitest';
import {
  accept,
  client,
  current,
  dispatch,
  opened,
  page,
  pass,
  receive,
  ScriptedWebSocket,
  signals,
  start,
  states,
  subscribed,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();

describe('a page that is left and comes back', () => {
  it('F4 closes its WebSocket and opens another at once', async () => {
    await start();
    await subscribed('a');
    dispatch('pagehide');
    expect(current().closedWith).toBe(1000);
    expect(states.at(-1)).toEqual(['waiting', 'ERR_PAGE_LEFT', undefined]);
    await pass(3_600_000);
    expect(opened).toHaveLength(1);
    dispatch('pageshow');
    expect(client.state).toBe('connecting');
    await pass(0);
    expect(client.state).toBe('connected');
    expect(current().of('subscribe')).toHaveLength(1);
    expect(opened).toHaveLength(2);
  });

  it('F4 sends again what had no answer', async () => {
    await start();
    const sent = watch(client.channel('a').send('post'));
    dispatch('pagehide');
    await pass(1_000);
    expect(sent()).toBe('pending');
    dispatch('pageshow');
    await pass(0);
    expect(current().sent).toEqual([{ ...opened[0]?.sent[0], attempt: 2 }]);
  });

  it('F4 gives up an attempt to connect, and a wait', async () => {
    ScriptedWebSocket.opensByItself = false;
    await start();
    dispatch('pagehide');
    expect(current().closedWith).toBe(1000);
    await pass(60_000);
    expect(opened).toHaveLength(1);
    dispatch('pageshow');
    await pass(0);
    current().end();
    expect(states.at(-1)).toEqual(['waiting', 'ERR_HANDSHAKE', 250]);
    dispatch('pagehide');
    await pass(60_000);
    expect(opened).toHaveLength(2);
  });

  it('F4 gives up an attempt that asks for a token', async () => {
    let give: (token: string) => void = () => {};
    await start({ token: () => new Promise((resolve) => (give = resolve)) });
    dispatch('pagehide');
    give('late');
    await pass(60_000);
    expect(opened).toHaveLength(0);
    dispatch('pageshow');
    await pass(0);
    give('in time');
    await pass(0);
    expect(opened).toHaveLength(1);
  });

  it('F4 before the client began does not begin until it is back', async () => {
    const starting = start();
    dispatch('pagehide');
    await starting;
    await pass(60_000);
    expect(opened).toHaveLength(0);
    dispatch('pageshow');
    await pass(0);
    expect(client.state).toBe('connected');
  });

  it('F4 before the client began, and comes back at once, makes one connection', async () => {
    const token = vi.fn<() => string>().mockReturnValue('jwt');
    const starting = start({ token });
    dispatch('pagehide');
    dispatch('pageshow');
    await starting;
    await pass(1_000);
    expect(opened).toHaveLength(1);
    expect(token).toHaveBeenCalledTimes(1);
  });

  it('F4 does not count as a failure of the connection', async () => {
    await start();
    const told = vi.fn<(refusal: unknown) => void>();
    client.onRefused(told);
    for (let count = 0; count < 5; count += 1) {
      dispatch('pagehide');
      dispatch('pageshow');
      await pass(0);
    }
    expect(client.state).toBe('connected');
    expect(told).not.toHaveBeenCalled();
    current().end();
    expect(states.at(-1)).toEqual(['waiting', 'ERR_CONNECTION_LOST', 250]);
  });

  it('F4 does not come back sooner than the server asked', async () => {
    await start();
    await receive({ type: 'bye', code: 'X', reason: 'x', reconnect: true, afterMs: 60_000 });
    dispatch('pagehide');
    await pass(20_000);
    dispatch('pageshow');
    dispatch('pageshow');
    await pass(39_999);
    expect(opened).toHaveLength(1);
    await pass(1);
    expect(opened).toHaveLength(2);
    await pass(60_000);
    expect(opened).toHaveLength(2);
  });

  it('F4 asks only once whether its connection works, however often it wakes up', async () => {
    await start();
    for (const type of ['online', 'pageshow', 'online']) dispatch(type);
    page.dispatchEvent(new Event('visibilitychange'));
    expect(current().actions).toEqual(['ping']);
    await receive({ type: 'pong' });
    dispatch('online');
    expect(current().actions).toEqual(['ping', 'ping']);
  });

  it('F4 connects at once when it wakes up while it waits', async () => {
    await start();
    ScriptedWebSocket.opensByItself = false;
    for (const wake of [
      () => dispatch('online'),
      () => dispatch('pageshow'),
      () => page.dispatchEvent(new Event('visibilitychange')),
    ]) {
      current().end();
      expect(client.state).toBe('waiting');
      wake();
      expect(client.state).toBe('connecting');
      await pass(0);
    }
    expect(opened).toHaveLength(4);
  });

  it('F10 does nothing any more after close()', async () => {
    await start();
    await subscribed('a');
    client.close();
    for (const type of ['pagehide', 'pageshow', 'online']) dispatch(type);
    page.dispatchEvent(new Event('visibilitychange'));
    await pass(60_000);
    expect(opened).toHaveLength(1);
    expect(states.at(-1)).toEqual(['closed', 'ERR_CLOSED', undefined]);
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it('F10 does not even hear of it after close()', async () => {
    const listened = vi.spyOn(page, 'addEventListener');
    await start();
    client.close();
    const [[type, , options]] = listened.mock.calls as [[string, unknown, { signal: AbortSignal }]];
    expect([type, options.signal.aborted]).toEqual(['visibilitychange', true]);
  });

  it('F4 that is left does not write to its old WebSocket', async () => {
    await start();
    await subscribed('a');
    watch(client.channel('a').unsubscribe());
    dispatch('pagehide');
    await pass(0);
    expect(current().of('unsubscribe')).toHaveLength(0);
    dispatch('pageshow');
    await pass(0);
    expect(current().actions).toEqual([]);
    watch(client.channel('a').subscribe());
    await accept();
    expect(current().of('subscribe')).toHaveLength(1);
  });
});

describe('a network that is said to be gone', () => {
  it('F4 is asked at once, and given up when it does not answer', async () => {
    await start();
    dispatch('offline');
    dispatch('offline');
    expect(current().actions).toEqual(['ping']);
    await pass(10_000);
    expect(states.at(-1)).toEqual(['waiting', 'ERR_CONNECTION_SILENT', 250]);
  });

  it('F4 starts no attempt while the client waits for the next', async () => {
    await start();
    current().end();
    dispatch('offline');
    expect(client.state).toBe('waiting');
    expect(opened).toHaveLength(1);
  });
});
