import { beforeEach, describe, expect, it } from 'vitest';
import {
  accept,
  answer,
  client,
  current,
  gatewaySays,
  pass,
  passSeconds,
  receive,
  reconnect,
  start,
  subscribed,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();
beforeEach(() => start());

/** What API Gateway says, and the code that the client makes of it. */
const texts = [
  ['Internal server error', 'ERR_INTERNAL'],
  ['Endpoint request timed out', 'ERR_TIMEOUT'],
  ['Too Many Requests', 'ERR_RATE_LIMIT'],
  ['Forbidden', 'ERR_FORBIDDEN'],
  ['Something that it does not say today', 'ERR_INTERNAL'],
  ['constructor', 'ERR_INTERNAL'],
] as const;

function pong(): Promise<void> {
  return receive({ type: 'pong' });
}

/** Data of the messages that were written, in order. */
function written(): unknown[] {
  return current()
    .sent.filter(({ channel }) => channel !== undefined)
    .map(({ data, attempt = 1 }) => `${String(data)}${attempt}`);
}

describe('an error of API Gateway itself, with one request in flight', () => {
  it.each(texts)(
    'F1 leads to another try of a message, or is its answer: %s',
    async (text, code) => {
      const sent = watch(client.channel('a').send('post', 'A'));
      const maxTries = code === 'ERR_FORBIDDEN' ? 1 : 6;
      for (let tries = 1; tries <= maxTries; tries += 1) {
        expect(sent()).toBe('pending');
        expect(current().of('a.post')).toHaveLength(tries);
        await gatewaySays(text);
        await pass(250 * 2 ** (tries - 1) - 1);
        expect(current().of('a.post')).toHaveLength(tries);
        await pass(1);
      }
      const isUnknown = code === 'ERR_INTERNAL' || code === 'ERR_TIMEOUT';
      expect(sent()).toBe(isUnknown ? 'ERR_OUTCOME_UNKNOWN' : code);
      expect(
        new Set(
          current()
            .of('a.post')
            .map(({ id }) => id),
        ).size,
      ).toBe(1);
    },
  );

  it('is the end of a message that has no time for another try', async () => {
    const sent = client
      .channel('a')
      .send('post', 'A', { timeoutMs: 500 })
      .catch((error: unknown) => error);
    await pass(250);
    await gatewaySays('Internal server error');
    const cause = { code: 'ERR_INTERNAL', message: 'Internal server error' };
    expect(await sent).toMatchObject({ code: 'ERR_TIMEOUT', cause });
    const refused = watch(client.channel('a').send('post', 'A', { timeoutMs: 500 }));
    await pass(250);
    await gatewaySays('Too Many Requests');
    expect(refused()).toBe('ERR_RATE_LIMIT');
  });

  it('is not known to be refused, if an earlier try may have been handled', async () => {
    const sent = client
      .channel('a')
      .send('post', 'A')
      .catch((error: unknown) => error);
    await gatewaySays('Endpoint request timed out');
    for (let tries = 1; tries <= 5; tries += 1) {
      await pass(20_000);
      await gatewaySays('Too Many Requests');
    }
    expect(await sent).toMatchObject({
      code: 'ERR_OUTCOME_UNKNOWN',
      cause: { code: 'ERR_RATE_LIMIT' },
    });
  });

  it.each(texts.filter(([, code]) => code !== 'ERR_FORBIDDEN'))(
    'F1 leads to another try of subscribe() and unsubscribe(): %s',
    async (text) => {
      for (const action of ['subscribe', 'unsubscribe'] as const) {
        const called = watch(client.channel('a')[action]());
        await pass(0);
        await gatewaySays(text);
        await pass(250);
        expect([called(), current().of(action).length]).toEqual(['pending', 1]);
        await pass(1);
        await accept();
        expect(called()).not.toBe('pending');
        expect(current().of(action)).toHaveLength(2);
      }
    },
  );

  it('F1 is the answer to subscribe() and unsubscribe(), if it does not pass', async () => {
    const joined = watch(client.channel('a').subscribe());
    await pass(0);
    await gatewaySays('Forbidden');
    expect(joined()).toBe('ERR_FORBIDDEN');
    await subscribed('a');
    const left = watch(client.channel('a').unsubscribe());
    await pass(0);
    await gatewaySays('Forbidden');
    expect(left()).toBe('ERR_FORBIDDEN');
  });

  it('F1 is the answer to subscribe() in the end', async () => {
    const joined = watch(client.channel('a').subscribe());
    await pass(0);
    for (let tries = 1; tries <= 4; tries += 1) {
      expect([joined(), current().of('subscribe').length]).toEqual(['pending', tries]);
      await gatewaySays('Too Many Requests');
      await pass(250 * 2 ** (tries - 1) + 1);
    }
    expect(joined()).toBe('ERR_RATE_LIMIT');
  });

  it('F1 lets the message behind it go at once, whose time begins then', async () => {
    const a = watch(client.channel('a').send('post', 'A', { timeoutMs: 1_500 }));
    await pass(1_000);
    const b = watch(client.channel('a').send('post', 'B', { timeoutMs: 1_500 }));
    await pass(400);
    await gatewaySays('Forbidden');
    expect(a()).toBe('ERR_FORBIDDEN');
    expect(written()).toEqual(['A1', 'B1']);
    await pass(1_499);
    expect(b()).toBe('pending');
    await answer('fine');
    expect(b()).toBe('fine');
  });

  it('F1 is the same as an error of the server that names no request', async () => {
    const sent = watch(client.channel('a').send('post', 'A'));
    await receive({ type: 'error', error: { code: 'ERR_FRAME_INVALID', message: 'No id.' } });
    expect(sent()).toBe('ERR_FRAME_INVALID');
  });

  it('F1 is ignored without the id of a connection, and when nothing is in flight', async () => {
    await gatewaySays('Internal server error');
    const sent = watch(client.channel('a').send('post', 'A'));
    await receive({ message: 'Internal server error' });
    await receive({ message: 7, connectionId: 'c=', requestId: 'r=' });
    expect(sent()).toBe('pending');
    await answer('fine');
    expect(sent()).toBe('fine');
    expect(current().actions).toEqual(['a.post']);
  });
});

describe('an error of API Gateway itself, with several requests in flight', () => {
  it('F1 asks each again under its id, once a ping has come back', async () => {
    const sent = ['a', 'b'].map((name) => watch(client.channel(name).send('post', name)));
    await gatewaySays('Internal server error');
    expect(current().actions).toEqual(['a.post', 'b.post', 'ping']);
    await pass(1_000);
    expect(sent.map((outcome) => outcome())).toEqual(['pending', 'pending']);
    await pong();
    expect(written()).toEqual(['a1', 'b1', 'a2', 'b2']);
    const ids = current().sent.flatMap(({ id }) => id ?? []);
    expect(ids.slice(2)).toEqual(ids.slice(0, 2));
    for (const id of ids.slice(0, 2)) await answer(`${id}!`, id);
    expect(sent.map((outcome) => outcome())).toEqual(ids.slice(0, 2).map((id) => `${id}!`));
  });

  it('F1 asks none again that is answered before the ping comes back', async () => {
    const a = watch(client.channel('a').send('post', 'a'));
    const b = watch(client.channel('b').send('post', 'b'));
    await gatewaySays('Internal server error');
    await answer('fine', current().of('a.post')[0]?.id);
    await pong();
    expect(a()).toBe('fine');
    expect(written()).toEqual(['a1', 'b1', 'b2']);
    await answer('fine too');
    expect(b()).toBe('fine too');
  });

  it('F1 takes the answer to either try, and ignores the other', async () => {
    const a = watch(client.channel('a').send('post', 'a'));
    watch(client.channel('b').send('post', 'b'));
    await gatewaySays('Internal server error');
    await pong();
    const id = current().of('a.post')[0]?.id;
    await answer('first', id);
    await answer('second', id);
    expect(a()).toBe('first');
    const next = watch(client.channel('a').send('post', 'next'));
    await answer('third', id);
    expect(next()).toBe('pending');
  });

  it('F1 asks each again once for each such error, not for each ping that comes back', async () => {
    const sent = ['a', 'b'].map((name) => watch(client.channel(name).send('post', name)));
    await gatewaySays('Internal server error');
    for (let count = 0; count < 5; count += 1) await pong();
    expect(written()).toEqual(['a1', 'b1', 'a2', 'b2']);
    expect(sent.map((outcome) => outcome())).toEqual(['pending', 'pending']);
  });

  it('F1 sends one ping for all that wait, also for what is written meanwhile', async () => {
    for (const name of ['a', 'b']) watch(client.channel(name).send('post', name));
    await gatewaySays('Internal server error');
    watch(client.channel('c').send('post', 'c'));
    await gatewaySays('Internal server error');
    expect(current().of('ping')).toHaveLength(1);
    await pong();
    expect(written()).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2']);
  });

  it('F1 keeps the order of a channel, and one message of it in flight', async () => {
    for (const data of [1, 2]) watch(client.channel('a').send('post', data));
    watch(client.channel('b').send('post', 3));
    await gatewaySays('Internal server error');
    await pong();
    expect(written()).toEqual(['11', '31', '12', '32']);
    await answer('fine', current().of('a.post')[0]?.id);
    expect(written()).toEqual(['11', '31', '12', '32', '21']);
  });

  it('F1 asks for a request twice, and then waits as long as an answer may come, before it asks again', async () => {
    const options = { timeoutMs: 100_000 };
    const sent = ['a', 'b'].map((name) => watch(client.channel(name).send('post', name, options)));
    for (let times = 1; times <= 4; times += 1) {
      await gatewaySays('Internal server error');
      await pong();
      expect(current().of('a.post')).toHaveLength(2);
    }
    await answer('late', current().of('b.post')[0]?.id);
    expect(sent.map((outcome) => outcome())).toEqual(['pending', 'late']);
    await passSeconds(28);
    expect(sent[0]?.()).toBe('pending');
    expect(current().of('a.post')).toHaveLength(2);
    await passSeconds(1);
    expect(current().of('a.post')).toHaveLength(3);
    expect(sent[0]?.()).toBe('pending');
  });

  it('F1 asks a subscription again by another frame, and takes a late answer to the first', async () => {
    const joined = watch(client.channel('a').subscribe());
    const sent = watch(client.channel('b').send('post', 'b'));
    await pass(0);
    await gatewaySays('Internal server error');
    await pong();
    await pass(251);
    const [first, second] = current().of('subscribe');
    expect(second?.id).not.toBe(first?.id);
    await answer('fine', current().of('b.post')[0]?.id);
    expect([sent(), joined()]).toEqual(['fine', 'pending']);
    // Nobody knows which of the two the server handled last, so it is asked once more.
    await accept(first);
    await accept(second);
    await accept();
    expect(joined()).toMatchObject({ channel: 'a', result: 'live' });
    expect(current().of('subscribe')).toHaveLength(3);
    await pass(60_000);
    expect(current().of('subscribe')).toHaveLength(3);
    expect(current().of('unsubscribe')).toHaveLength(0);
  });

  it('F1 pings once in 5 s, however often the ping itself is refused', async () => {
    const sent = ['a', 'b'].map((name) =>
      watch(client.channel(name).send('post', name, { timeoutMs: 20_000 })),
    );
    await gatewaySays('Too Many Requests');
    for (let seconds = 1; seconds <= 19; seconds += 1) {
      for (let count = 0; count < 10; count += 1) await gatewaySays('Too Many Requests');
      await pass(1_000);
    }
    expect(current().of('ping').length).toBeLessThanOrEqual(4);
    expect(written()).toEqual(['a1', 'b1']);
    await pong();
    expect(written()).toEqual(['a1', 'b1', 'a2', 'b2']);
    await pass(1_000);
    expect(sent.map((outcome) => outcome())).toEqual(['ERR_TIMEOUT', 'ERR_TIMEOUT']);
  });

  it('F1 forgets its doubts with the connection', async () => {
    const sent = ['a', 'b'].map((name) => watch(client.channel(name).send('post', name)));
    await gatewaySays('Internal server error');
    await reconnect();
    expect(written()).toEqual(['a2', 'b2']);
    await pong();
    expect(written()).toEqual(['a2', 'b2']);
    await answer('fine', current().of('a.post')[0]?.id);
    await gatewaySays('Forbidden');
    expect(sent.map((outcome) => outcome())).toEqual(['fine', 'ERR_FORBIDDEN']);
  });
});

describe('an error of API Gateway itself, after a frame that nobody waits for', () => {
  it('F1 may belong to a message without a reply for 29 s', async () => {
    void client.channel('a').send('typing', 't', { reply: false });
    const first = watch(client.channel('a').send('post', 'A'));
    await pass(4_999);
    await gatewaySays('Internal server error');
    expect(current().actions).toEqual(['a.typing', 'a.post', 'ping']);
    await pong();
    expect(written()).toEqual(['t1', 'A1', 'A2']);
    await answer('fine');
    expect(first()).toBe('fine');
    // The second try may be answered as well, for as long again.
    await pass(28_999);
    const second = watch(client.channel('a').send('post', 'B'));
    await gatewaySays('Internal server error');
    expect(second()).toBe('pending');
    await pong();
    await answer('fine');
    await pass(29_000);
    const third = watch(client.channel('a').send('post', 'C'));
    await gatewaySays('Forbidden');
    expect(third()).toBe('ERR_FORBIDDEN');
  });

  it('F1 may belong to a message whose time was over', async () => {
    const late = watch(client.channel('a').send('post', 'late', { timeoutMs: 1_000 }));
    await pass(1_000);
    expect(late()).toBe('ERR_TIMEOUT');
    const next = watch(client.channel('a').send('post', 'next'));
    await gatewaySays('Endpoint request timed out');
    expect(next()).toBe('pending');
    await pong();
    await answer('fine');
    expect(next()).toBe('fine');
  });

  it('F1 does not belong to a message whose time was over before it was written', async () => {
    const first = watch(client.channel('a').send('post', 'first'));
    const behind = watch(client.channel('a').send('post', 'behind', { timeoutMs: 1_000 }));
    await pass(1_000);
    expect(behind()).toBe('ERR_NOT_SENT');
    await gatewaySays('Forbidden');
    expect(first()).toBe('ERR_FORBIDDEN');
  });

  it('F1 may belong to a subscription whose time was over', async () => {
    const joined = watch(client.channel('a').subscribe());
    await pass(5_000);
    await pong();
    await pass(5_000);
    await pong();
    expect(joined()).toBe('ERR_TIMEOUT');
    const sent = watch(client.channel('b').send('post', 'b'));
    await gatewaySays('Internal server error');
    expect(sent()).toBe('pending');
    await pong();
    expect(written()).toEqual(['b1', 'b2']);
  });

  it('F1 may belong to a ping, which is then asked again before anything else', async () => {
    const sent = watch(client.channel('a').send('post', 'slow'));
    await pass(5_000);
    expect(current().actions).toEqual(['a.post', 'ping']);
    await gatewaySays('Too Many Requests');
    expect(sent()).toBe('pending');
    expect(current().actions).toEqual(['a.post', 'ping']);
    await pass(5_000);
    expect(current().actions).toEqual(['a.post', 'ping', 'ping']);
    await answer('fine after 10 s');
    expect(sent()).toBe('fine after 10 s');
    await pong();
    // The ping has its answer, so the next error cannot be its own.
    const next = watch(client.channel('a').send('post', 'next'));
    await gatewaySays('Forbidden');
    expect(next()).toBe('ERR_FORBIDDEN');
  });

  it('F1 cannot belong to a message without a reply of an earlier connection', async () => {
    void client.channel('a').send('typing', 't', { reply: false });
    await reconnect();
    const sent = watch(client.channel('b').send('post', 'b'));
    await gatewaySays('Forbidden');
    expect(sent()).toBe('ERR_FORBIDDEN');
  });

  it('F1 cannot belong to a ping of an earlier connection', async () => {
    watch(client.channel('a').send('post', 'slow'));
    await pass(5_000);
    await reconnect();
    const sent = watch(client.channel('b').send('post', 'b'));
    await answer('fine', current().of('a.post')[0]?.id);
    await gatewaySays('Forbidden');
    expect(sent()).toBe('ERR_FORBIDDEN');
  });
});
