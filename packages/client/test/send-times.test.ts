import { describe, expect, it } from 'vitest';
import {
  accept,
  answer,
  client,
  current,
  gatewaySays,
  pass,
  receive,
  reconnect,
  refuse,
  ScriptedWebSocket,
  start,
  subscribed,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();

describe('a message that is not written in time', () => {
  it('F1 is ERR_NOT_SENT: there was no connection', async () => {
    ScriptedWebSocket.opensByItself = false;
    await start();
    const sent = watch(client.channel('a').send('post', 1, { timeoutMs: 3_000 }));
    await pass(2_999);
    expect(sent()).toBe('pending');
    await pass(1);
    expect(sent()).toBe('ERR_NOT_SENT');
    current().open();
    await pass(0);
    expect(current().sent).toEqual([]);
  });

  it('F1 is ERR_NOT_SENT: one before it had no answer', async () => {
    await start();
    const first = watch(client.channel('a').send('post', 1, { timeoutMs: 4_000 }));
    const second = watch(client.channel('a').send('post', 2, { timeoutMs: 3_999 }));
    await pass(3_999);
    expect([first(), second()]).toEqual(['pending', 'ERR_NOT_SENT']);
    await answer('done');
    expect(first()).toBe('done');
    expect(current().of('a.post')).toHaveLength(1);
  });

  it('F1 is ERR_NOT_SENT: a subscription of its channel was under way', async () => {
    await start();
    watch(client.channel('a').subscribe());
    const sent = watch(client.channel('a').send('post', 1, { timeoutMs: 3_000 }));
    await pass(3_000);
    expect(sent()).toBe('ERR_NOT_SENT');
    await accept();
    expect(current().of('a.post')).toHaveLength(0);
  });

  it('waits for a connection for hours, unless it says otherwise', async () => {
    ScriptedWebSocket.opensByItself = false;
    await start();
    const sent = watch(client.channel('a').send('post', 'patient'));
    await pass(5 * 3_600_000);
    expect(sent()).toBe('pending');
    ScriptedWebSocket.opensByItself = true;
    await pass(60_000);
    expect(current().of('a.post')).toMatchObject([{ data: 'patient' }]);
    await answer('at last');
    expect(sent()).toBe('at last');
  });
});

describe('a message that is not answered in time', () => {
  it('F1 is ERR_TIMEOUT, counted from when it was written', async () => {
    ScriptedWebSocket.answersPings = true;
    await start();
    watch(client.channel('a').send('post', 1, { timeoutMs: 20_000 }));
    const second = watch(client.channel('a').send('post', 2, { timeoutMs: 30_000 }));
    await pass(20_000);
    expect(current().of('a.post')).toHaveLength(2);
    await pass(29_999);
    expect(second()).toBe('pending');
    await pass(1);
    expect(second()).toBe('ERR_TIMEOUT');
  });

  it('F1 is ERR_TIMEOUT although it could not be written again: the server may have had it', async () => {
    await start();
    const sent = watch(client.channel('a').send('post', 1, { timeoutMs: 3_000 }));
    ScriptedWebSocket.opensByItself = false;
    await reconnect();
    await pass(2_749);
    expect(sent()).toBe('pending');
    await pass(1);
    expect(sent()).toBe('ERR_TIMEOUT');
    current().open();
    await pass(0);
    expect(current().sent).toEqual([]);
  });

  it('F1 has the time of its first writing, however often it is written', async () => {
    await start();
    const sent = watch(client.channel('a').send('post', 1, { timeoutMs: 3_000 }));
    await pass(1_000);
    await reconnect();
    await pass(1_000);
    await reconnect();
    expect(current().of('a.post')).toMatchObject([{ attempt: 3 }]);
    await pass(249);
    expect(sent()).toBe('pending');
    await pass(1);
    expect(sent()).toBe('ERR_TIMEOUT');
  });

  it('F1 is no longer waited for: the next of its channel goes at once', async () => {
    await start();
    watch(client.channel('a').send('post', 1, { timeoutMs: 1_000 }));
    watch(client.channel('a').send('post', 2));
    await pass(999);
    expect(current().of('a.post')).toHaveLength(1);
    await pass(1);
    expect(current().of('a.post')).toHaveLength(2);
  });

  it.each([undefined, 3_600_000])(
    'F1 is sent again for 5 min at most, as long as the server knows it: %j',
    async (timeoutMs) => {
      ScriptedWebSocket.answersPings = true;
      await start();
      const options = timeoutMs === undefined ? {} : { timeoutMs };
      const sent = watch(client.channel('a').send('post', 1, options));
      await pass(299_999);
      expect(sent()).toBe('pending');
      // API Gateway sends no answer after 29 s.
      const written = current().of('a.post');
      expect(written.map(({ attempt }) => attempt)).toEqual([
        undefined,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        11,
      ]);
      expect(new Set(written.map(({ id }) => id)).size).toBe(1);
      await pass(1);
      expect(sent()).toBe('ERR_OUTCOME_UNKNOWN');
    },
  );

  it('is sent again when the server does not know the outcome', async () => {
    await start();
    const sent = watch(client.channel('a').send('post', 1));
    const behind = watch(client.channel('a').send('post', 2));
    await refuse({ code: 'ERR_OUTCOME_UNKNOWN' });
    await pass(249);
    expect(current().of('a.post')).toHaveLength(1);
    await pass(1);
    const [first, second] = current().of('a.post');
    expect(second).toEqual({ ...first, attempt: 2 });
    await answer('published');
    expect([sent(), behind()]).toEqual(['published', 'pending']);
    expect(current().of('a.post')).toHaveLength(3);
  });
});

describe('a message that is refused for a while', () => {
  it('has its answer, if it was not sent before', async () => {
    await start();
    const sent = watch(client.channel('a').send('post', 1));
    await refuse({ retryAfterMs: 1_000 });
    expect(sent()).toBe('ERR_RATE_LIMIT');
  });

  it('goes again, if an earlier try may have been handled', async () => {
    await start();
    const sent = watch(client.channel('a').send('post', 1));
    const behind = watch(client.channel('a').send('post', 2));
    await reconnect();
    await refuse({ retryAfterMs: 1_000 });
    await pass(1_249);
    expect(current().of('a.post')).toHaveLength(1);
    await pass(1);
    expect(current().of('a.post')).toMatchObject([
      { data: 1, attempt: 2 },
      { data: 1, attempt: 3 },
    ]);
    await answer('done');
    expect([sent(), behind()]).toEqual(['done', 'pending']);
  });
});

describe('a read that is refused for a while', () => {
  const page = { result: 'page', position: 'e:0:', events: [], more: false };

  it('goes again after the time that the server says', async () => {
    await start();
    const read = watch(client.channel('a').history());
    for (const waitMs of [1_250, 1_500, 2_000]) {
      await refuse({ code: 'ERR_INTERNAL', retryAfterMs: 1_000 });
      await pass(waitMs);
    }
    expect(current().of('history')).toHaveLength(4);
    await answer(page);
    expect(read()).toMatchObject({ events: [], more: false });
  });

  it('has the answer of the server when its 30 s would be over', async () => {
    await start();
    const read = watch(client.channel('a').history());
    await refuse({ code: 'ERR_INTERNAL', retryAfterMs: 20_000 });
    await pass(20_250);
    await refuse({ code: 'ERR_INTERNAL', retryAfterMs: 20_000 });
    expect(read()).toBe('ERR_INTERNAL');
    expect(current().of('history')).toHaveLength(2);
  });

  it('has its answer at once where the server says no time', async () => {
    await start();
    const read = watch(client.channel('a').history());
    await refuse({ code: 'ERR_INTERNAL', retryAfterMs: undefined });
    expect(read()).toBe('ERR_INTERNAL');
  });
});

describe('a message and the subscription of its channel', () => {
  it('F1 does not overtake it, whichever was called first in a tick', async () => {
    await start();
    watch(client.channel('a').subscribe());
    watch(client.channel('a').send('post'));
    watch(client.channel('b').send('post'));
    await pass(0);
    expect(current().actions).toEqual(['b.post', 'subscribe']);
    await accept();
    expect(current().actions).toEqual(['b.post', 'subscribe', 'a.post']);
  });

  it('F1 does not overtake it on a new connection', async () => {
    await start();
    await subscribed('a');
    watch(client.channel('a').send('post', 1));
    watch(client.channel('b').send('post', 1));
    await reconnect();
    expect(current().actions).toEqual(['subscribe', 'b.post']);
    await accept(current().sent[0]);
    expect(current().actions).toEqual(['subscribe', 'b.post', 'a.post']);
  });

  it('F1 does not overtake it when it is asked again', async () => {
    await start();
    await subscribed('a');
    await reconnect();
    await refuse();
    // While the client waits, a message goes.
    watch(client.channel('a').send('post', 1));
    expect(current().of('a.post')).toHaveLength(1);
    await answer('done', current().of('a.post')[0]?.id);
    await pass(250);
    expect(current().of('subscribe')).toHaveLength(2);
    watch(client.channel('a').send('post', 2));
    expect(current().of('a.post')).toHaveLength(1);
    await accept(current().of('subscribe')[1]);
    expect(current().of('a.post')).toHaveLength(2);
  });

  it('F1 goes as soon as the subscription is refused, ended, or no longer wanted', async () => {
    await start();
    watch(client.channel('a').subscribe());
    watch(client.channel('a').send('post', 1));
    await refuse({ code: 'ERR_FORBIDDEN' });
    expect(current().of('a.post')).toHaveLength(1);
    await answer('done');
    await subscribed('a');
    await reconnect();
    watch(client.channel('a').send('post', 2));
    expect(current().of('a.post')).toHaveLength(0);
    await receive({ type: 'unsubscribed', channel: 'a', code: 'X', reason: 'x' });
    expect(current().of('a.post')).toHaveLength(1);
    watch(client.channel('b').subscribe());
    watch(client.channel('b').send('post', 3));
    await pass(0);
    watch(client.channel('b').unsubscribe());
    await pass(0);
    expect(current().of('b.post')).toHaveLength(1);
  });

  it('F1 does not wait for the subscription of another channel, nor for the end of its own', async () => {
    await start();
    await subscribed('a');
    watch(client.channel('b').subscribe());
    watch(client.channel('a').unsubscribe());
    watch(client.channel('a').send('post'));
    await pass(0);
    expect(current().of('a.post')).toHaveLength(1);
  });

  it('F1 waits for the first of two frames of one channel', async () => {
    await start();
    const sent = [1, 2, 3].map((data) => watch(client.channel('a').send('post', data)));
    for (const count of [1, 2, 3]) {
      expect(current().of('a.post')).toHaveLength(count);
      await answer(count);
    }
    expect(sent.map((outcome) => outcome())).toEqual([1, 2, 3]);
  });
});

describe('a message without a reply', () => {
  it('F1 overtakes what waits, and gets no answer', async () => {
    await start();
    watch(client.channel('a').subscribe());
    watch(client.channel('a').send('post'));
    const typing = watch(client.channel('a').send('typing', 1, { reply: false }));
    await pass(0);
    expect(typing()).toBe(undefined);
    expect(current().actions).toEqual(['a.typing', 'subscribe']);
    await gatewaySays('Internal server error');
    await pass(4_000);
    expect(current().of('a.typing')).toHaveLength(1);
  });

  it('F9 that cannot be written is refused at once, and not kept', async () => {
    ScriptedWebSocket.opensByItself = false;
    await start();
    const offline = watch(client.channel('a').send('typing', 1, { reply: false }));
    await pass(0);
    expect(offline()).toBe('ERR_NOT_CONNECTED');
    current().open();
    await pass(0);
    expect(current().sent).toEqual([]);
    current().readyState = 2;
    const closing = watch(client.channel('a').send('typing', 1, { reply: false }));
    await pass(0);
    expect(closing()).toBe('ERR_NOT_CONNECTED');
    client.close();
    const closed = watch(client.channel('a').send('typing', 1, { reply: false }));
    await pass(0);
    expect(closed()).toBe('ERR_CLOSED');
  });
});
