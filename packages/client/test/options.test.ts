import { describe, expect, it } from 'vitest';
import { type ClientOptions, createClient, type SendOptions } from '../src/index.js';
import {
  client,
  current,
  pass,
  ScriptedWebSocket,
  start,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();

const url = 'ws://127.0.0.1/dev';
const durations = [0, -1, NaN, -Infinity, '5000', true, null, {}, 5n];

/** What a call throws, as the text of a page's console has it. */
function refusal(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    const { name, message, hint } = error as Error & { hint: string };
    return { name, message, hint };
  }
}

function create(options: object): unknown {
  return refusal(() => createClient(options as ClientOptions).close());
}

function wrong(option: string, where: string, takes: string): object {
  const hint = `It takes a ${takes}.`;
  return {
    name: 'TypeError',
    message: `The option "${option}" of ${where} is wrong. ${hint}`,
    hint,
  };
}

describe('createClient()', () => {
  it('K1 refuses an option that it does not have, and names those that it has', async () => {
    await start();
    for (const name of ['tokn', 'keepAlive', 'URL', 'constructor', '__proto__x', 'toString']) {
      const hint = 'It takes: url, token, handshake, WebSocket, keepAliveMs, storage.';
      expect(create({ url, WebSocket: ScriptedWebSocket, [name]: undefined })).toEqual({
        name: 'TypeError',
        message: `createClient has no option "${name}". ${hint}`,
        hint,
      });
    }
  });

  it.each([
    ['token', ['secret', 7, {}, null, Promise.resolve('secret')], 'function'],
    ['WebSocket', ['ws', {}, null], 'function'],
    ['keepAliveMs', durations, 'number of milliseconds above 0'],
  ])('K2 refuses a wrong value of `%s`', async (name, values, takes) => {
    await start();
    for (const value of values) {
      const options = { url, WebSocket: ScriptedWebSocket, [name]: value };
      expect(create(options)).toEqual(wrong(name, 'createClient', takes));
    }
  });

  it('K2 refuses a wrong value of `handshake`, and names those that work', async () => {
    await start();
    for (const value of [
      'Query',
      'sub-protocol',
      '',
      'subprotocol or query',
      true,
      null,
      ['query'],
    ]) {
      expect(create({ url, WebSocket: ScriptedWebSocket, handshake: value })).toEqual({
        name: 'TypeError',
        message: 'The option "handshake" of createClient is wrong. It takes subprotocol or query.',
        hint: 'It takes subprotocol or query.',
      });
    }
  });

  it('K2 refuses a URL that cannot be one of a WebSocket, and shows no secret in it', async () => {
    await start();
    const example =
      'Give a URL that begins with "wss://" or "ws://", such as "ws://localhost:3000/dev".';
    const rows: [url: unknown, shown: string, hint?: string][] = [
      [undefined, ': undefined'],
      [null, ''],
      [7, ''],
      ['', ''],
      ['prod', ''],
      ['/prod', ''],
      ['wss://', ': wss://'],
      ['wss:///prod', ': wss:///prod'],
      ['wss://?key=secret', ': wss://'],
      [' wss://example.com', ':  wss://example.com'],
      [
        'https://ann:secret@example.com/prod?key=secret',
        ': https://example.com/prod',
        'Write "wss://example.com/prod".',
      ],
      [
        new URL('http://localhost:3000/dev#secret'),
        ': http://localhost:3000/dev',
        'Write "ws://localhost:3000/dev".',
      ],
    ];
    for (const [url, shown, hint = example] of rows) {
      const message = `The option "url" of createClient is wrong${shown}. ${hint}`;
      const refusal = { name: 'TypeError', message, hint };
      expect(create({ url, WebSocket: ScriptedWebSocket })).toEqual(refusal);
    }
    expect(create({})).toMatchObject({ name: 'TypeError' });
    expect(create('wss://example.com' as never)).toMatchObject({
      name: 'TypeError',
      message: "createClient takes an object. Write createClient({ url: 'wss://…' }).",
    });
  });

  it('K2 takes every value that can work', async () => {
    await start();
    for (const options of [
      { url },
      { url: 'WSS://EXAMPLE.COM' },
      { url: new URL(url) },
      { url, keepAliveMs: 0.5 },
      { url, keepAliveMs: Infinity },
      { url, token: undefined, keepAliveMs: undefined },
      { url, token: async () => 'x' },
      { url, handshake: undefined },
      { url, handshake: 'subprotocol' as const },
      { url, handshake: 'query' as const },
    ]) {
      expect(create({ WebSocket: ScriptedWebSocket, ...options })).toBe(undefined);
    }
  });
});

describe('channel()', () => {
  it('K1 refuses an option that it does not have', async () => {
    await start();
    const hint = 'It takes: as.';
    expect(refusal(() => client.channel('a', { As: 'x' } as object))).toEqual({
      name: 'TypeError',
      message: `channel has no option "As". ${hint}`,
      hint,
    });
  });

  it('K2 refuses a wrong value of `as`', async () => {
    await start();
    for (const as of [7, null, {}, ['x'], true]) {
      expect(refusal(() => client.channel('a', { as } as object))).toEqual(
        wrong('as', 'channel', 'string'),
      );
    }
    expect(client.channel('a', { as: undefined } as object)).toBe(client.channel('a', { as: 'a' }));
  });
});

describe('send()', () => {
  const send = (options: unknown): Promise<unknown> => {
    const sending = client.channel('a').send('post', 1, options as SendOptions);
    expect(sending.id).toMatch(/^[\w-]{22}$/);
    return sending.catch((error: Error & { hint?: string }) => {
      const { name, message, hint } = error;
      return { name, message, hint };
    });
  };

  it('K1 rejects an option that it does not have', async () => {
    await start();
    const hint = 'It takes: timeoutMs, reply, id.';
    expect(await send({ timeout: 5 })).toEqual({
      name: 'TypeError',
      message: `send has no option "timeout". ${hint}`,
      hint,
    });
    expect(current().sent).toEqual([]);
  });

  it('K2 rejects wrong values', async () => {
    await start();
    for (const timeoutMs of durations) {
      expect(await send({ timeoutMs })).toEqual(
        wrong('timeoutMs', 'send', 'number of milliseconds above 0'),
      );
    }
    for (const reply of ['false', 0, null, {}]) {
      expect(await send({ reply })).toEqual(wrong('reply', 'send', 'boolean'));
    }
    for (const id of ['', 'short', 'a'.repeat(65), 'not/of/these/letters', 7, null, {}]) {
      expect(await send({ id })).toMatchObject({
        message:
          'The option "id" of send is wrong. It takes 16 to 64 characters of A-Z, a-z, 0-9, - and _.',
      });
    }
    expect(current().sent).toEqual([]);
  });

  it('K2 takes every value that can work', async () => {
    await start();
    for (const options of [
      undefined,
      {},
      { timeoutMs: 0.5 },
      { timeoutMs: Infinity, reply: true },
      { timeoutMs: undefined, reply: undefined, id: undefined },
      { id: 'a-name_of16-char' },
      { id: 'Z'.repeat(64) },
    ]) {
      expect(watch(send(options))()).toBe('pending');
    }
    expect(await send({ reply: false, timeoutMs: 1 })).toBe(undefined);
  });
});

describe('subscribe() and history()', () => {
  const wrongCounts = [-1, 1.5, '1', null, NaN, Infinity, {}];

  it('reject what they do not take', async () => {
    await start();
    const room = client.channel('a');
    const takes = 'It takes a whole number of 0 or more.';
    for (const count of wrongCounts) {
      const value = count as number;
      await expect(room.subscribe({ rewind: value })).rejects.toThrow(
        `The option "rewind" of subscribe is wrong. ${takes}`,
      );
      await expect(room.history({ limit: value })).rejects.toThrow(
        `The option "limit" of history is wrong. ${takes}`,
      );
    }
    await expect(room.history({ before: 7 as never })).rejects.toThrow('It takes a string.');
    await expect(room.subscribe({ last: 1 } as never)).rejects.toThrow('It takes: rewind.');
    await expect(room.history({ from: '' } as never)).rejects.toThrow(
      'It takes: after, before, limit.',
    );
    await pass(0);
    expect(current().sent).toEqual([]);
  });
});

describe('what is not a listener or a name', () => {
  it.each([undefined, null, 'handler', {}])(
    'K2 is refused where it is given: %j',
    async (value) => {
      await start();
      const listener = value as never;
      const room = client.channel('a');
      for (const listen of [
        () => client.onState(listener),
        () => client.onRefused(listener),
        () => room.on('message', listener),
        () => room.onEnd(listener),
        () => room.onReset(listener),
      ]) {
        expect(listen).toThrow('The listener is not a function. Give a function.');
      }
    },
  );

  it.each([undefined, null, 7, ''])('K2 is refused as the name of a channel: %j', async (name) => {
    await start();
    expect(() => client.channel(name as string)).toThrow('The name of a channel is not a string.');
  });
});
