import { describe, expect, it, vi } from 'vitest';
import type { Refusal } from '../src/index.js';
import {
  accept,
  client,
  current,
  farewell,
  opened,
  pass,
  receive,
  reconnect,
  ScriptedWebSocket,
  start,
  states,
  subscribed,
  untilReconnected,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();

/** What makes a connection end before it was of any use, and the code that tells of it. */
const ends: readonly [code: string, end: () => Promise<void> | void][] = [
  [
    'ERR_CONNECTION_UNKNOWN',
    () =>
      receive({
        type: 'error',
        id: current().sent.at(-1)?.id,
        error: { code: 'ERR_CONNECTION_UNKNOWN', message: 'The connection is not known.' },
      }),
  ],
  ['FULL', () => farewell('FULL')],
  ['ERR_CONNECTION_LOST', () => current().end()],
];

function listen(): Refusal[] {
  const refusals: Refusal[] = [];
  client.onRefused((refusal) => refusals.push(refusal));
  return refusals;
}

describe('connections that are of no use', () => {
  it.each(ends)('F7 are told from the third in a row on: %s', async (code, end) => {
    await start();
    const refusals = listen();
    const joined = watch(client.channel('a').subscribe());
    for (const [index, waitMs] of [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000].entries()) {
      await pass(0);
      await end();
      expect(refusals).toHaveLength(Math.max(0, index - 1));
      expect(states.at(-1)).toEqual(['waiting', code, waitMs]);
      await pass(waitMs);
    }
    expect(refusals.at(-1)).toEqual({
      error: expect.objectContaining({ name: 'ClientRequestError', code }),
      retryInMs: 10_000,
    });
    expect(joined()).toBe('pending');
    expect(opened).toHaveLength(8);
  });

  it('F7 are told as well when each lasts for a while, if the server knows none', async () => {
    await start();
    const refusals = listen();
    for (let count = 0; count < 3; count += 1) {
      await pass(60_000);
      await ends[0]?.[1]();
      await untilReconnected();
    }
    expect(refusals.map(({ error }) => error.code)).toEqual(['ERR_CONNECTION_UNKNOWN']);
  });

  it.each(ends)('F7 are few again after one that was: %s', async (code, end) => {
    await start();
    const refusals = listen();
    for (let count = 0; count < 2; count += 1) {
      await end();
      await untilReconnected();
    }
    await subscribed('a');
    await end();
    await untilReconnected();
    for (let count = 0; count < 2; count += 1) {
      await end();
      await untilReconnected();
    }
    expect(refusals).toEqual([]);
    await end();
    expect(refusals.map(({ error }) => error.code)).toEqual([code]);
  });

  it('F7 are few again after one that lasted 5 s', async () => {
    await start();
    const refusals = listen();
    for (const lastedMs of [0, 0, 5_000, 0, 0]) {
      await pass(lastedMs);
      await reconnect();
    }
    expect(refusals).toEqual([]);
    await pass(4_999);
    current().end();
    expect(refusals).toHaveLength(1);
  });

  it('F7 may be of one kind or of several', async () => {
    await start();
    const refusals = listen();
    for (const [, end] of ends) {
      await pass(0);
      await end();
      await untilReconnected();
    }
    expect(refusals.map(({ error }) => error.code)).toEqual(['ERR_CONNECTION_LOST']);
  });

  it('F7 are not those that the page itself ended', async () => {
    await start();
    const refusals = listen();
    for (let count = 0; count < 5; count += 1) {
      vi.mocked(Math.random).mockReturnValue(0);
      client.close();
      await start();
    }
    expect(refusals).toEqual([]);
  });
});

describe('where nobody listens to onRefused', () => {
  it('M2 the console is told once of a server that cannot be reached, without secrets', async () => {
    ScriptedWebSocket.opensByItself = false;
    await start({ url: 'wss://user:secret@example.com/prod?key=secret@1#secret' });
    for (let count = 1; count <= 6; count += 1) {
      current().end();
      expect(console.warn).toHaveBeenCalledTimes(count < 3 ? 0 : 1);
      await pass(20_000);
    }
    const [[text]] = vi.mocked(console.warn).mock.calls as [[string]];
    expect(text).toBe(
      'Gatecast: wss://example.com/prod: Could not connect. Check the network, the URL with its stage, the token, the allowed origins, and `handshake`: direct writes need query. A browser does not tell which: the terminal of `gatecast dev` does, and elsewhere `cause`. (ERR_HANDSHAKE)',
    );
  });

  it('M2 the console is told once of each kind', async () => {
    await start();
    for (const [, end] of [...ends, ...ends, ...ends]) {
      await end();
      await untilReconnected();
      client
        .channel('a')
        .subscribe()
        .catch(() => {});
      await pass(0);
    }
    const texts = vi.mocked(console.warn).mock.calls.map(([text]) => String(text));
    expect(texts).toHaveLength(3);
    for (const [code] of ends) expect(texts.join('\n')).toContain(`(${code})`);
    expect(new Set(texts).size).toBe(3);
  });

  it('M2 the console is told of a token that cannot be had, the first time', async () => {
    await start({
      token: () => {
        throw new Error('signed out');
      },
    });
    await pass(60_000);
    expect(vi.mocked(console.warn).mock.calls).toEqual([
      [
        'Gatecast: ws://127.0.0.1/dev: The option `token` threw, or returned something else than a string. See `cause`. (ERR_TOKEN)',
        new Error('signed out'),
      ],
    ]);
  });

  it('M2 the console is told of each channel that a new connection is refused', async () => {
    await start();
    await subscribed('a');
    await subscribed('b');
    await reconnect();
    const [frame] = current().of('subscribe');
    const error = { code: 'ERR_FORBIDDEN', message: 'No more.' };
    await receive({
      type: 'reply',
      id: frame?.id,
      data: { channels: ['a', 'b'].map((channel) => ({ channel, error })) },
    });
    expect(vi.mocked(console.warn).mock.calls).toEqual([
      ['Gatecast: a: No more. (ERR_FORBIDDEN)'],
      ['Gatecast: b: No more. (ERR_FORBIDDEN)'],
    ]);
  });

  it('M2 the console is told nothing where somebody listens, or after close()', async () => {
    await start();
    const off = client.onRefused(() => {});
    for (let count = 0; count < 4; count += 1) await reconnect();
    expect(console.warn).not.toHaveBeenCalled();
    off();
    client.onState((state) => {
      if (state === 'waiting') client.close();
    });
    current().end();
    expect(client.state).toBe('closed');
    expect(console.warn).not.toHaveBeenCalled();
  });

  it('M2 the console is told nothing of what works', async () => {
    await start();
    await subscribed('a');
    watch(client.channel('a').unsubscribe());
    await accept();
    await pass(250_000);
    expect(console.warn).not.toHaveBeenCalled();
  });
});

describe('a token', () => {
  it.each([7, {}, ['x']])('M2 that is not a string is told at once: %j', async (token) => {
    await start({ token: () => token as unknown as string });
    expect(states).toMatchObject([['waiting', 'ERR_TOKEN', 250]]);
    expect(opened).toHaveLength(0);
  });

  it.each(['', undefined, null, 0, false])('M2 is not sent if it is empty: %j', async (token) => {
    await start({ token: () => token as unknown as string });
    expect(client.state).toBe('connected');
  });

  it('M2 that never comes is an attempt that failed', async () => {
    await start({ token: () => new Promise(() => {}) });
    await pass(29_999);
    expect(client.state).toBe('connecting');
    await pass(1);
    expect(states).toEqual([['waiting', 'ERR_HANDSHAKE', 250]]);
  });

  it('M2 that comes after its attempt was given up is not used', async () => {
    let give: (token: string) => void = () => {};
    await start({ token: () => new Promise((resolve) => (give = resolve)) });
    const first = give;
    await pass(30_250);
    first('late');
    await pass(0);
    expect(opened).toHaveLength(0);
    give('in time');
    await pass(0);
    expect(opened).toHaveLength(1);
  });
});

describe('a farewell for good', () => {
  const bye = { type: 'bye', code: 'BANNED', reason: 'Spam.', reconnect: false };

  it('F7 is told, with what the server gave as the reason', async () => {
    await start();
    const refused = vi.fn<(refusal: unknown) => void>();
    client.onRefused(refused);
    await receive(bye);
    const error = expect.objectContaining({ code: 'BANNED', message: 'Spam.' }) as Error;
    expect(refused.mock.calls).toEqual([[{ error }]]);
    expect(states.at(-1)).toEqual(['closed', 'BANNED', undefined]);
  });

  it('M2 is on the console where nobody listens', async () => {
    await start();
    await receive(bye);
    expect(vi.mocked(console.warn).mock.calls).toEqual([
      ['Gatecast: ws://127.0.0.1/dev: Spam. (BANNED)'],
    ]);
  });
});
