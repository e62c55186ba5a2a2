import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  accept,
  answer,
  client,
  current,
  dispatch,
  farewell,
  opened,
  page,
  pass,
  reconnect,
  refuse,
  ScriptedWebSocket,
  signals,
  start,
  states,
  subscribed,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();

describe('keep-alive', () => {
  it('F4 pings after 4 min of silence and is content with any frame', async () => {
    await start();
    await pass(239_999);
    expect(current().actions).toEqual([]);
    await pass(1);
    expect(current().sent).toEqual([{ action: 'ping' }]);
    current().receive({ type: 'pong' });
    await pass(100_000);
    current().receive({ message: 'anything' });
    await pass(239_999);
    expect(current().actions).toEqual(['ping']);
    await pass(1);
    expect(current().actions).toEqual(['ping', 'ping']);
    expect(opened).toHaveLength(1);
  });

  it('gives a half-open connection up 10 s after the ping', async () => {
    await start();
    await pass(249_999);
    expect(client.state).toBe('connected');
    await pass(1);
    expect(states).toEqual([
      ['connected', undefined, undefined],
      ['waiting', 'ERR_CONNECTION_SILENT', 250],
    ]);
    await pass(250);
    expect(client.state).toBe('connected');
    expect(opened).toHaveLength(2);
    await pass(750);
    expect(opened[0]?.wasTerminated).toBe(true);
  });

  it('sends an unanswered message again within its deadline', async () => {
    await start();
    const sent = client.channel('a').send('post', 1);
    await pass(5_000);
    expect(current().actions).toEqual(['a.post', 'ping']);
    await pass(10_250);
    expect(opened).toHaveLength(2);
    const [again] = current().sent;
    expect(again).toEqual({ ...opened[0]?.sent[0], attempt: 2 });
    current().receive({ type: 'reply', id: again?.id, data: 'done' });
    await expect(sent).resolves.toBe('done');
  });

  it('hurries once, however many messages go', async () => {
    await start();
    const ignored = [1, 2, 3].map(() =>
      client
        .channel('a')
        .send('post')
        .catch(() => {}),
    );
    await pass(4_000);
    ignored.push(
      client
        .channel('b')
        .send('post')
        .catch(() => {}),
    );
    await pass(1_000);
    expect(current().actions).toEqual(['a.post', 'b.post', 'ping']);
    client.close();
    await Promise.all(ignored);
  });

  it.each(['online', 'pageshow'])('asks at once when the page tells of "%s"', async (type) => {
    await start();
    dispatch(type);
    dispatch(type);
    expect(current().actions).toEqual(['ping']);
    await pass(10_000);
    expect(client.state).toBe('waiting');
  });

  it('asks at once when the page becomes visible, not when it is hidden', async () => {
    await start();
    page.visibilityState = 'hidden';
    page.dispatchEvent(new Event('visibilitychange'));
    expect(current().actions).toEqual([]);
    page.visibilityState = 'visible';
    page.dispatchEvent(new Event('visibilitychange'));
    expect(current().actions).toEqual(['ping']);
  });
});

describe('the wait before another attempt', () => {
  it('is anything up to a limit that doubles from 0.5 s to 20 s', async () => {
    ScriptedWebSocket.opensByItself = false;
    await start();
    const limits = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000];
    for (const [index, limitMs] of limits.entries()) {
      const random = [0, 0.25, 0.999][index % 3] as number;
      vi.mocked(Math.random).mockReturnValue(random);
      current().end();
      expect(states.at(-1)).toEqual(['waiting', 'ERR_HANDSHAKE', Math.round(limitMs * random)]);
      await pass(limitMs);
      expect(client.state).toBe('connecting');
    }
  });

  it('is short again after a connection that lasted 5 s, and only then', async () => {
    await start();
    const waits: (number | undefined)[] = [];
    for (const lastedMs of [4_999, 4_999, 4_999, 5_000, 0]) {
      await pass(lastedMs);
      current().end();
      const waitMs = states.at(-1)?.[2];
      waits.push(waitMs);
      await pass(waitMs ?? 0);
      expect(client.state).toBe('connected');
    }
    expect(waits).toEqual([250, 500, 1_000, 250, 500]);
  });

  it('ends when the network is back', async () => {
    await start();
    ScriptedWebSocket.opensByItself = false;
    current().end();
    dispatch('online');
    expect(client.state).toBe('connecting');
    dispatch('online');
    await pass(1_000);
    expect(opened).toHaveLength(2);
  });

  it('does not end before the time that the server asked for', async () => {
    await start();
    await farewell('X', 60_000);
    expect(states.at(-1)).toEqual(['waiting', 'X', 60_250]);
    await pass(59_999);
    dispatch('online');
    expect(client.state).toBe('waiting');
    await pass(1);
    dispatch('online');
    await pass(0);
    expect(client.state).toBe('connected');
  });

  it('follows a handshake that takes more than 30 s', async () => {
    ScriptedWebSocket.opensByItself = false;
    await start();
    await pass(29_999);
    expect(client.state).toBe('connecting');
    await pass(1);
    expect(states).toEqual([['waiting', 'ERR_HANDSHAKE', 250]]);
    opened[0]?.open();
    opened[0]?.receive({ type: 'bye', reconnect: false });
    opened[0]?.end();
    expect(client.state).toBe('waiting');
  });
});

describe('closing', () => {
  it('leaves no timer and no listener', async () => {
    await start();
    const pending = [
      client.channel('a').send('post'),
      client.channel('b').subscribe(),
      client.channel('c').send('post'),
    ];
    await pass(0);
    // Of the connection: its silence, and the end of its time. Of the messages: their end, and another try.
    expect(vi.getTimerCount()).toBe(8);
    client.close();
    await Promise.allSettled(pending);
    // The one that terminates the WebSocket.
    expect(vi.getTimerCount()).toBe(1);
    await pass(1_000);
    expect(current().wasTerminated).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true, true]);
    await pass(60_000);
    expect(opened).toHaveLength(1);
  });

  it('leaves no timer of what was answered before', async () => {
    await start();
    const sent = client.channel('a').send('post');
    await answer(undefined);
    await sent;
    expect(vi.getTimerCount()).toBe(2);
    await subscribed('a');
    expect(vi.getTimerCount()).toBe(2);
    watch(client.channel('a').unsubscribe());
    await accept();
    expect(vi.getTimerCount()).toBe(2);
    client.close();
    expect(vi.getTimerCount()).toBe(1);
    await pass(1_000);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a subscription', () => {
  it('is rejected when 10 s bring no answer', async () => {
    await start();
    const outcome = watch(client.channel('a').subscribe());
    await pass(5_000);
    current().receive({ type: 'pong' });
    await pass(4_999);
    expect(outcome()).toBe('pending');
    await pass(1);
    expect(outcome()).toBe('ERR_TIMEOUT');
  });

  describe('that worked on an earlier connection', () => {
    let again: ScriptedWebSocket;

    beforeEach(async () => {
      await start();
      await subscribed('a');
      again = await reconnect();
    });

    it('is asked for again when the server cannot cope, ever more slowly', async () => {
      for (const waitMs of [250, 500, 1_000]) {
        const count = again.sent.length;
        await refuse();
        await pass(waitMs - 1);
        expect(again.sent).toHaveLength(count);
        await pass(1);
        expect(again.sent).toHaveLength(count + 1);
      }
      expect(again.actions).toEqual(['subscribe', 'subscribe', 'subscribe', 'subscribe']);
    });

    it('is asked for again no sooner than the server says', async () => {
      await refuse({ retryAfterMs: 3_000 });
      await pass(3_249);
      expect(again.sent).toHaveLength(1);
      await pass(1);
      expect(again.sent).toHaveLength(2);
    });

    it('waits little again once it was accepted', async () => {
      await refuse();
      await pass(250);
      await accept();
      again = await reconnect();
      await refuse();
      await pass(250);
      expect(again.sent).toHaveLength(2);
    });

    it('is asked for once on a connection that comes meanwhile', async () => {
      await refuse({ retryAfterMs: 5_000 });
      again = await reconnect();
      await accept();
      await pass(6_000);
      expect(again.actions).toEqual(['subscribe']);
    });

    it('is let go when it is no longer wanted, while it waits', async () => {
      await refuse();
      await client.channel('a').unsubscribe();
      await pass(20_000);
      expect(again.actions).toEqual(['subscribe']);
    });

    it('is let go when it is no longer wanted, while the server is asked', async () => {
      const refused = vi.fn<(refusal: unknown) => void>();
      client.onRefused(refused);
      const left = client.channel('a').unsubscribe();
      await refuse();
      await left;
      await pass(20_000);
      expect(again.actions).toEqual(['subscribe']);
      expect(refused).not.toHaveBeenCalled();
    });
  });
});
