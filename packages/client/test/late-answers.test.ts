import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
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
  refuse,
  ScriptedWebSocket,
  start,
  subscribed,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();
beforeEach(() => start());

/** The requests that were written, without pings. */
function requests(): string[] {
  return current().actions.filter((action) => action !== 'ping');
}

describe('subscribe() without an answer', () => {
  it('F2 is rejected after 10 s, and ended when the answer comes after all', async () => {
    const joined = watch(client.channel('a').subscribe());
    await passSeconds(9);
    expect(joined()).toBe('pending');
    await passSeconds(1);
    expect(joined()).toBe('ERR_TIMEOUT');
    expect(requests()).toEqual(['subscribe']);
    await accept();
    expect(requests()).toEqual(['subscribe', 'unsubscribe']);
    await accept();
    await passSeconds(120);
    expect(requests()).toEqual(['subscribe', 'unsubscribe']);
  });

  it('F2 is ended when no answer can come any more', async () => {
    watch(client.channel('a').subscribe());
    await passSeconds(29);
    expect(requests()).toEqual(['subscribe']);
    await passSeconds(1);
    expect(requests()).toEqual(['subscribe', 'unsubscribe']);
  });

  it('F2 is ended until the server has answered to that, with waits that grow', async () => {
    watch(client.channel('a').subscribe());
    await passSeconds(30);
    for (const [count, waitMs] of [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000].entries()) {
      await refuse({ code: 'ERR_INTERNAL' });
      await pass(waitMs - 1);
      expect(current().of('unsubscribe')).toHaveLength(count + 1);
      await pass(1);
      expect(current().of('unsubscribe')).toHaveLength(count + 2);
    }
    // Nor does it stop when nothing is answered at all.
    await passSeconds(41);
    expect(current().of('unsubscribe')).toHaveLength(9);
    await accept();
    await passSeconds(60);
    expect(current().of('unsubscribe')).toHaveLength(9);
  });

  it('F2 is over with the connection', async () => {
    const joined = watch(client.channel('a').subscribe());
    await passSeconds(12);
    await reconnect();
    await passSeconds(60);
    expect(joined()).toBe('ERR_TIMEOUT');
    expect(requests()).toEqual([]);
  });

  it('F2 counts from the frame, not from the call', async () => {
    current().end();
    const joined = watch(client.channel('a').subscribe());
    await pass(249);
    expect(joined()).toBe('pending');
    await pass(1);
    expect(requests()).toEqual(['subscribe']);
    await passSeconds(9);
    await pass(999);
    expect(joined()).toBe('pending');
    await pass(1);
    expect(joined()).toBe('ERR_TIMEOUT');
  });

  it('F2 waits for a connection as long as it takes', async () => {
    ScriptedWebSocket.opensByItself = false;
    current().end();
    const joined = watch(client.channel('a').subscribe());
    await pass(3_600_000);
    expect(joined()).toBe('pending');
    ScriptedWebSocket.opensByItself = true;
    while (client.state !== 'connected') await pass(1_000);
    await accept();
    expect(joined()).toMatchObject({ result: 'live' });
  });

  it('F2 may be called again, and takes the answer that comes', async () => {
    watch(client.channel('a').subscribe());
    await passSeconds(12);
    const again = watch(client.channel('a').subscribe());
    await passSeconds(9);
    expect(again()).toBe('pending');
    await accept();
    expect(again()).toMatchObject({ channel: 'a', result: 'live' });
    await passSeconds(60);
    expect(requests()).toEqual(['subscribe']);
  });

  it('F2 called again waits 10 s from that call', async () => {
    watch(client.channel('a').subscribe());
    await passSeconds(12);
    const again = watch(client.channel('a').subscribe());
    await passSeconds(10);
    expect(again()).toBe('ERR_TIMEOUT');
  });

  it('F2 called again when no answer can come any more is asked again', async () => {
    watch(client.channel('a').subscribe());
    await passSeconds(31);
    const again = watch(client.channel('a').subscribe());
    await refuse({ code: 'ERR_INTERNAL' });
    expect(requests()).toEqual(['subscribe', 'unsubscribe', 'subscribe']);
    await accept();
    expect(again()).toMatchObject({ result: 'live' });
  });

  it('F2 leaves the messages of the channel to go', async () => {
    watch(client.channel('a').subscribe());
    const sent = watch(client.channel('a').send('post'));
    await passSeconds(9);
    await pass(999);
    expect(requests()).toEqual(['subscribe']);
    await pass(1);
    expect(requests()).toEqual(['subscribe', 'a.post']);
    await answer('done');
    expect(sent()).toBe('done');
  });

  it('F2 is the same for an answer that does not name the channel', async () => {
    const joined = watch(client.channel('a').subscribe());
    await pass(0);
    await answer({ channels: [] });
    expect(joined()).toBe('ERR_TIMEOUT');
    expect(requests()).toEqual(['subscribe', 'unsubscribe']);
  });
});

describe('unsubscribe() while the server is asked', () => {
  it('F2 is rejected after 10 s, and asked for when the answer is lost', async () => {
    const joined = watch(client.channel('a').subscribe());
    await pass(0);
    const left = watch(client.channel('a').unsubscribe());
    expect(joined()).toBe('pending');
    await passSeconds(10);
    expect([joined(), left()]).toEqual(['ERR_UNSUBSCRIBED', 'ERR_TIMEOUT']);
    await passSeconds(20);
    expect(requests()).toEqual(['subscribe', 'unsubscribe']);
  });

  it('F2 waits for the answer, which decides', async () => {
    watch(client.channel('a').subscribe());
    await pass(0);
    const left = watch(client.channel('a').unsubscribe());
    await passSeconds(5);
    await refuse({ code: 'ERR_FORBIDDEN' });
    expect(left()).toBe(undefined);
    expect(requests()).toEqual(['subscribe']);
  });

  it.each([undefined, 20_000])(
    'F2 leaves at once after a refusal that does not say whether it was done: retryAfterMs %j',
    async (retryAfterMs) => {
      watch(client.channel('a').subscribe());
      await pass(0);
      const left = watch(client.channel('a').unsubscribe());
      await refuse({ code: 'ERR_INTERNAL', retryAfterMs });
      expect(requests()).toEqual(['subscribe', 'unsubscribe']);
      expect(left()).toBe('pending');
      await accept();
      expect(left()).toBe(undefined);
    },
  );

  it('F2 has its time although the answer to the subscription comes', async () => {
    watch(client.channel('a').subscribe());
    await pass(0);
    const left = watch(client.channel('a').unsubscribe());
    await passSeconds(5);
    await accept();
    expect(requests()).toEqual(['subscribe', 'unsubscribe']);
    await passSeconds(5);
    expect(left()).toBe('ERR_TIMEOUT');
  });

  it('F2 makes that answer worth nothing to a later subscribe()', async () => {
    watch(client.channel('a').subscribe());
    await pass(0);
    watch(client.channel('a').unsubscribe());
    await accept();
    const again = watch(client.channel('a').subscribe());
    await pass(0);
    expect(again()).toBe('pending');
    await accept();
    expect(requests()).toEqual(['subscribe', 'unsubscribe', 'subscribe']);
    await accept();
    expect(again()).toMatchObject({ result: 'live' });
  });

  it('F2 can be taken back, and once more', async () => {
    const joined = [watch(client.channel('a').subscribe())];
    await pass(0);
    watch(client.channel('a').unsubscribe());
    joined.push(watch(client.channel('a').subscribe()));
    await pass(0);
    watch(client.channel('a').unsubscribe());
    joined.push(watch(client.channel('a').subscribe()));
    await accept();
    expect(joined[0]?.()).toBe('ERR_UNSUBSCRIBED');
    expect(joined[1]?.()).toBe('ERR_UNSUBSCRIBED');
    expect(joined[2]?.()).toMatchObject({ result: 'live' });
    expect(requests()).toEqual(['subscribe']);
  });
});

describe('unsubscribe() without an answer', () => {
  beforeEach(() => subscribed('a'));

  it('F2 is rejected after 10 s, and asked again when no answer can come any more', async () => {
    const left = watch(client.channel('a').unsubscribe());
    await passSeconds(9);
    expect(left()).toBe('pending');
    await passSeconds(1);
    expect(left()).toBe('ERR_TIMEOUT');
    await passSeconds(20);
    await pass(250);
    expect(current().of('unsubscribe')).toHaveLength(2);
    await accept();
    await passSeconds(60);
    expect(current().of('unsubscribe')).toHaveLength(2);
  });

  it('F2 takes an answer that comes late', async () => {
    watch(client.channel('a').unsubscribe());
    await passSeconds(20);
    await accept();
    await passSeconds(60);
    expect(current().of('unsubscribe')).toHaveLength(1);
  });

  it('F2 resolves a second call by the answer to the first', async () => {
    const left = [1, 2].map(() => watch(client.channel('a').unsubscribe()));
    await accept();
    expect(left.map((outcome) => outcome())).toEqual([undefined, undefined]);
    expect(current().of('unsubscribe')).toHaveLength(1);
  });

  it('F2 waits as long as the server says before it asks again', async () => {
    const left = watch(client.channel('a').unsubscribe());
    await refuse({ retryAfterMs: 3_000 });
    await pass(3_249);
    expect(current().of('unsubscribe')).toHaveLength(1);
    await pass(1);
    expect(current().of('unsubscribe')).toHaveLength(2);
    expect(left()).toBe('pending');
    await accept();
    expect(left()).toBe(undefined);
  });

  it('F2 has 10 s in all, however often it is asked again', async () => {
    const left = watch(client.channel('a').unsubscribe());
    for (let times = 0; times < 3; times += 1) {
      await refuse({ retryAfterMs: 2_000 });
      await pass(3_000);
    }
    expect(current().of('unsubscribe')).toHaveLength(4);
    expect(left()).toBe('pending');
    await pass(1_000);
    expect(left()).toBe('ERR_TIMEOUT');
  });

  it('F2 is not asked again sooner because it is called again', async () => {
    watch(client.channel('a').unsubscribe());
    await refuse({ retryAfterMs: 5_000 });
    watch(client.channel('a').unsubscribe());
    await pass(5_249);
    expect(current().of('unsubscribe')).toHaveLength(1);
    await pass(1);
    expect(current().of('unsubscribe')).toHaveLength(2);
  });

  it('F2 can be taken back at once while it waits for its next try', async () => {
    const left = watch(client.channel('a').unsubscribe());
    await refuse({ retryAfterMs: 20_000 });
    const joined = watch(client.channel('a').subscribe());
    await pass(0);
    expect(left()).toBe(undefined);
    await accept();
    expect(joined()).toMatchObject({ result: 'live' });
    await passSeconds(30);
    expect(requests()).toEqual(['subscribe', 'unsubscribe', 'subscribe']);
  });

  it('F2 waits for an answer of its own each time', async () => {
    watch(client.channel('a').unsubscribe());
    await refuse();
    await subscribed('a');
    const left = watch(client.channel('a').unsubscribe());
    await pass(0);
    expect(left()).toBe('pending');
    await accept();
    expect(left()).toBe(undefined);
  });

  it('F2 can be taken back in the same tick, which asks for a fresh answer', async () => {
    const left = watch(client.channel('a').unsubscribe());
    const joined = watch(client.channel('a').subscribe());
    await pass(0);
    expect([left(), joined()]).toEqual([undefined, 'pending']);
    await accept();
    expect(joined()).toMatchObject({ result: 'live' });
    expect(requests()).toEqual(['subscribe', 'subscribe']);
  });

  it('F2 does not end a process where nobody waits for it', async () => {
    const strayed = vi.fn<(reason: unknown) => void>();
    process.once('unhandledRejection', strayed);
    onTestFinished(() => void process.off('unhandledRejection', strayed));
    void client.channel('a').unsubscribe();
    await passSeconds(10);
    void client.channel('a').unsubscribe();
    await refuse();
    await passSeconds(1);
    expect(strayed).not.toHaveBeenCalled();
  });

  it.each(['ERR_CHANNEL_NAME', 'ERR_CHANNEL_UNKNOWN'])(
    'F2 is given up where nobody can be subscribed: %s',
    async (code) => {
      const left = watch(client.channel('a').unsubscribe());
      await refuse({ code });
      expect(left()).toBe(code);
      await passSeconds(60);
      expect(current().of('unsubscribe')).toHaveLength(1);
    },
  );
});

describe('a refusal that does not say whether it was done', () => {
  it.each([
    ['ERR_INTERNAL', 1],
    ['ERR_TIMEOUT', 1],
    ['ERR_FORBIDDEN', 0],
    ['ERR_RATE_LIMIT', 0],
    ['MINE', 0],
  ])('F2 after %s the client leaves %i times', async (code, times) => {
    const joined = watch(client.channel('a').subscribe());
    await pass(0);
    await refuse({ code });
    expect(joined()).toBe(code);
    expect(current().of('unsubscribe')).toHaveLength(times);
    if (times > 0) await accept();
    await passSeconds(60);
    expect(current().of('unsubscribe')).toHaveLength(times);
  });

  it('F2 is settled by a subscription that works', async () => {
    watch(client.channel('a').subscribe());
    await pass(0);
    await refuse({ code: 'ERR_INTERNAL' });
    const again = watch(client.channel('a').subscribe());
    await accept();
    await accept();
    expect(again()).toMatchObject({ result: 'live' });
    await passSeconds(60);
    expect(requests()).toEqual(['subscribe', 'unsubscribe', 'subscribe']);
  });
});

describe('an answer that comes after another frame was written for it', () => {
  /** Two frames ask for the same, because an error of API Gateway may have been for either. */
  async function askedTwice(): Promise<void> {
    watch(client.channel('a').subscribe());
    watch(client.channel('other').send('post'));
    await pass(0);
    await gatewaySays('Internal server error');
    await receive({ type: 'pong' });
    await answer('done', current().of('other.post')[0]?.id);
    await pass(251);
    expect(current().of('subscribe')).toHaveLength(2);
  }

  it('F2 of a subscription makes the client ask once more, when the second was accepted', async () => {
    await askedTwice();
    const [first, second] = current().of('subscribe');
    await accept(second);
    await accept(first);
    expect(current().of('subscribe')).toHaveLength(3);
    await accept();
    await passSeconds(60);
    expect(requests().at(-1)).toBe('subscribe');
    expect(current().of('subscribe')).toHaveLength(3);
  });

  it('F2 that never comes makes no difference', async () => {
    await askedTwice();
    await accept();
    await passSeconds(60);
    expect(current().of('subscribe')).toHaveLength(2);
    expect(current().of('unsubscribe')).toHaveLength(0);
  });

  it('F2 is forgotten with the connection', async () => {
    await askedTwice();
    await accept(current().of('subscribe')[0]);
    await reconnect();
    await accept();
    await passSeconds(60);
    expect(requests()).toEqual(['subscribe']);
  });

  it('F2 of a subscription that is no longer wanted makes the client leave', async () => {
    await askedTwice();
    const [first, second] = current().of('subscribe');
    watch(client.channel('a').unsubscribe());
    await accept(second);
    await accept();
    expect(requests().at(-1)).toBe('unsubscribe');
    await accept(first);
    expect(current().of('unsubscribe')).toHaveLength(2);
    await accept();
    await passSeconds(60);
    expect(current().of('unsubscribe')).toHaveLength(2);
  });

  it('F2 of a subscription that comes while the client leaves makes it leave again', async () => {
    await askedTwice();
    const [first, second] = current().of('subscribe');
    watch(client.channel('a').unsubscribe());
    await accept(second);
    const [leaving] = current().of('unsubscribe');
    await accept(first);
    await accept(leaving);
    expect(current().of('unsubscribe')).toHaveLength(2);
    await accept();
    await passSeconds(60);
    expect(current().of('unsubscribe')).toHaveLength(2);
  });
});

describe('a subscription that a new connection does not answer', () => {
  it('F2 stays wanted, and is asked for again when no answer can come any more', async () => {
    await subscribed('a');
    await reconnect();
    await passSeconds(30);
    await pass(250);
    expect(requests()).toEqual(['subscribe', 'subscribe']);
    await accept();
    await expect(client.channel('a').subscribe()).resolves.toMatchObject({ result: 'live' });
  });

  it('F2 is the only one that counts: what the old one was asked is forgotten', async () => {
    const joined = watch(client.channel('a').subscribe());
    await passSeconds(5);
    await reconnect();
    await accept();
    expect(joined()).toMatchObject({ result: 'live' });
    const told = vi.fn<(refusal: unknown) => void>();
    client.onRefused(told);
    await passSeconds(60);
    expect(requests()).toEqual(['subscribe']);
    expect(told).not.toHaveBeenCalled();
  });

  it('F2 has 30 s on each connection', async () => {
    await subscribed('a');
    await reconnect();
    await passSeconds(5);
    await reconnect();
    await passSeconds(29);
    await pass(999);
    expect(requests()).toEqual(['subscribe']);
    await pass(251);
    expect(requests()).toEqual(['subscribe', 'subscribe']);
  });

  it('F2 waits as long as that one says, not the old one', async () => {
    await subscribed('a');
    await reconnect();
    await refuse({ retryAfterMs: 10_000 });
    await reconnect();
    await refuse({ retryAfterMs: 20_000 });
    await passSeconds(20);
    expect(requests()).toEqual(['subscribe']);
    await pass(250);
    expect(requests()).toEqual(['subscribe', 'subscribe']);
  });
});

describe('a name that the server does not repeat', () => {
  it('F2 is refused all the same, since answers come in the order asked', async () => {
    const names = ['a', 'x'.repeat(200), 'b'];
    const joined = names.map((name) => watch(client.channel(name).subscribe()));
    await pass(0);
    await answer({
      channels: [
        { channel: 'a', result: 'live' },
        { channel: `${'x'.repeat(198)}…`, error: { code: 'ERR_CHANNEL_NAME', message: '…' } },
        { channel: 'b', result: 'live' },
      ],
    });
    expect(joined.map((outcome) => outcome())).toMatchObject([
      { channel: 'a' },
      'ERR_CHANNEL_NAME',
      { channel: 'b' },
    ]);
    expect(requests()).toEqual(['subscribe']);
  });
});
