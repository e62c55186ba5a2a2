import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
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
  start,
  subscribed,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();
beforeEach(() => start());

/** Lets time pass on a connection that works. */
async function passSeconds(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await pass(1_000);
    await receive({ type: 'pong' });
  }
}

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
    expect(requests()).toEqual(['subscribe']);
    await passSeconds(1);
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
