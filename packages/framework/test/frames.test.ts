import { ClientError, defineChannel, type FrameContext } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it, vi } from 'vitest';
import { listen, outcomeOf } from './heard.js';
import { eventOf } from './lambda.js';

const echo = defineChannel('echo', {
  messages: ({ message }) => ({
    back: message((data) => data),
    never: message((data) => data),
  }),
});
const frameOf = (data: string) => `{"action":"echo.back","id":"m","channel":"echo","data":${data}}`;

async function connectToEcho() {
  return await createTestApp({ channels: [echo], plugins: [listen().plugin] }).connect();
}

const escape = (text: string): string =>
  text.replaceAll(/./g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * Spellings of a key in JSON: plain, with each single character escaped, and with all of them escaped.
 */
function spellings(key: string): string[] {
  const one = Array.from(key, (c, at) => key.slice(0, at) + escape(c) + key.slice(at + 1));
  const capitals = escape(key).replaceAll(/[a-f]/g, (digit) => digit.toUpperCase());
  return [key, escape(key), capitals, ...one];
}

describe('C13 a forbidden key', () => {
  const places = [
    (member: string) => `{"action":"echo.back","id":"m","channel":"echo",${member}}`,
    (member: string) => frameOf(`{${member}}`),
    (member: string) => frameOf(`[[{"deep":{${member}}}]]`),
    (member: string) => frameOf(`{"a":1,${member},"b":2}`),
    (member: string) => frameOf(`{"text":"\\u00e9","list":[{},{${member}}]}`),
  ];

  it.each(spellings('__proto__'))('C13 is found in any spelling: %s', async (key) => {
    const ann = await connectToEcho();
    for (const place of places) {
      for (const value of ['{"isAdmin":true}', 'null', '1', '[]']) {
        const frame = place(`"${key}":${value}`);
        expect(outcomeOf(await ann.sendFrame(frame))).toBe('ERR_FRAME_INVALID');
        expect(ann.received.at(-1)).toMatchObject({ id: 'm' });
      }
    }
    expect(Object.prototype).not.toHaveProperty('isAdmin');
  });

  it.each(spellings('constructor'))('C13 is found in any spelling: %s', async (key) => {
    const ann = await connectToEcho();
    for (const place of places) {
      for (const inner of spellings('prototype').slice(0, 3)) {
        const frame = place(`"${key}":{"${inner}":{"isAdmin":true}}`);
        expect(outcomeOf(await ann.sendFrame(frame))).toBe('ERR_FRAME_INVALID');
        expect(ann.received.at(-1)).toMatchObject({ id: 'm' });
      }
    }
  });

  it('C13 is not the same word in a string or in another key', async () => {
    const ann = await connectToEcho();
    for (const data of [
      '"__proto__"',
      '"constructor"',
      '{"text":"\\"__proto__\\":{}"}',
      '["constructor","\\u005f_proto__"]',
      '{"__proto":1,"proto__":2,"_proto_":3}',
      '{"constructor":"Ferrari"}',
      '{"constructor":{"name":"Ferrari"}}',
      '{"prototype":{}}',
      '{"\\u00e9":"\\ud83d\\ude00"}',
    ]) {
      expect(outcomeOf(await ann.sendFrame(frameOf(data)))).toEqual(JSON.parse(data));
    }
  });
});

describe('C13 a frame', () => {
  it('C13 is parsed like JSON.parse does, unless it has a forbidden key', async () => {
    const ann = await connectToEcho();
    const key = fc.oneof(
      fc.string({ maxLength: 8 }),
      fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', '\u00e9', '"'),
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(null, true, 0, '__proto__', 'constructor', '\u2028', '\ud800'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.array(fc.tuple(key, tie('value')), { maxLength: 3 }).map((entries) => {
          const object = Object.create(null) as Record<string, unknown>;
          for (const [name, inner] of entries) object[name] = inner;
          return object;
        }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(value, fc.boolean(), async (data, isEscaped) => {
        const plain = JSON.stringify(data);
        const text = isEscaped ? plain.replaceAll('o', '\\u006f') : plain;
        const answer = outcomeOf(await ann.sendFrame(frameOf(text)));
        expect(JSON.stringify(answer)).toBe(isForbidden(data) ? '"ERR_FRAME_INVALID"' : plain);
      }),
      { numRuns: 300 },
    );
  });

  function isForbidden(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    if (!Array.isArray(value) && Object.hasOwn(value, '__proto__')) return true;
    const { constructor: made } = value as { constructor?: unknown };
    const isMade = Object.hasOwn(value, 'constructor') && typeof made === 'object' && made !== null;
    if (isMade && Object.hasOwn(made, 'prototype')) return true;
    return Object.values(value).some(isForbidden);
  }

  it.each(['"\\u0041"', 'null', '7', '[{"__proto__":1}]', '"constructor"', '\\u007b}'])(
    'C13 that is not an object is refused: %s',
    async (text) => {
      expect(outcomeOf(await (await connectToEcho()).sendFrame(text))).toBe('ERR_FRAME_INVALID');
    },
  );
});

describe('the id of a frame', () => {
  const frame = (id: unknown) =>
    JSON.stringify({ action: 'echo.back', id, channel: 'echo', data: 1 });

  it('has 1 to 64 characters', async () => {
    const ann = await connectToEcho();
    for (const id of ['i', 'i'.repeat(64)]) {
      expect(await ann.sendFrame(frame(id))).toEqual({ type: 'reply', id, data: 1 });
    }
    for (const id of ['', 'i'.repeat(65), 7, null, undefined, ['i']]) {
      const answer = await ann.sendFrame(frame(id));
      expect(answer).toMatchObject({ type: 'error', error: { code: 'ERR_FRAME_INVALID' } });
      expect(answer).not.toHaveProperty('id');
    }
  });

  it('C13 is in the refusal of a forbidden key, if the frame has one', async () => {
    const ann = await connectToEcho();
    const answer = await ann.sendFrame('{"id":"m","__proto__":{}}');
    expect(answer).toMatchObject({ type: 'error', id: 'm' });
    for (const text of ['{"__proto__":{}}', '[{"__proto__":{}}]', '', '"id', 'null']) {
      expect(await ann.sendFrame(text)).toEqual({
        type: 'error',
        error: { code: 'ERR_FRAME_INVALID', message: expect.any(String) },
      });
    }
  });
});

describe('an answer that is too large', () => {
  const big = defineChannel('big', {
    messages: ({ message }) => ({
      reply: message((length) => 'x'.repeat(Number(length))),
      refuse: message((length) => {
        const details = 'x'.repeat(Number(length));
        throw new ClientError('ERR_BIG', 'm'.repeat(2_000), { details });
      }),
    }),
  });
  const connect = async () => {
    const ear = listen();
    const ann = await createTestApp({ channels: [big], plugins: [ear.plugin] }).connect();
    return { ann, ear };
  };
  const ofReply = (data: string) =>
    Buffer.byteLength(JSON.stringify({ type: 'reply', id: 'm', data }));

  it('is refused, even if only by one byte', async () => {
    const { ann, ear } = await connect();
    const most = 32_768 - ofReply('');
    const frame = (data: number) =>
      JSON.stringify({ action: 'big.reply', id: 'm', channel: 'big', data });
    for (const length of [most - 1, most]) {
      expect(await ann.sendFrame(frame(length))).toMatchObject({ data: 'x'.repeat(length) });
    }
    for (const length of [most + 1, 3 * most]) {
      expect(await ann.sendFrame(frame(length))).toMatchObject({
        type: 'error',
        id: 'm',
        error: { code: 'ERR_INTERNAL' },
      });
    }
    expect(ear.codes()).toEqual(['ERR_REPLY_TOO_LARGE', 'ERR_REPLY_TOO_LARGE']);
    expect(String(ear.errors[0])).toContain('big.reply');
  });

  it('is sent without details and with at most 1,000 characters of its message if it is an error', async () => {
    const { ann } = await connect();
    const frame = (data: number) =>
      JSON.stringify({ action: 'big.refuse', id: 'm', channel: 'big', data });
    expect(await ann.sendFrame(frame(1))).toMatchObject({ error: { details: 'x' } });
    expect(await ann.sendFrame(frame(40_000))).toEqual({
      type: 'error',
      id: 'm',
      error: { code: 'ERR_BIG', message: 'm'.repeat(1_000) },
    });
  });
});

describe("a client's text in an answer to the client", () => {
  it.each([
    ['whole', 'a'.repeat(80), 'a'.repeat(80)],
    ['cut', 'a'.repeat(81), `${'a'.repeat(80)}…`],
    ['without control characters', 'a\u0000b\nc\u2028d', 'a?b?c?d'],
    ['without half a pair', '\ud800a\udc00', '?a?'],
    ['with whole pairs', '\u{1f600}', '\u{1f600}'],
  ])('appears %s', async (_how, action, shown) => {
    const ann = await connectToEcho();
    const answer = await ann.sendFrame(JSON.stringify({ action, id: 'm' }));
    expect(answer).toMatchObject({ error: { message: `There is no action "${shown}".` } });
  });
});

describe('D2 a plugin sees every frame', () => {
  const rule = vi.fn(() => false);
  const validate = vi.fn();
  const authorizer = vi.fn(() => ({ userId: 'ann' }));
  const open = defineChannel('open', {
    access: 'public',
    messages: ({ message }) => ({
      post: message(v.object({ text: v.pipe(v.string(), v.check(validate)) }), () => 'posted'),
      quiet: message(() => 'never seen', { reply: false }),
    }),
  });
  const locked = defineChannel('locked', {
    access: rule,
    messages: ({ message }) => ({ post: message(() => 'posted') }),
  });

  type Hook = (ctx: FrameContext, next: () => Promise<void>) => unknown;

  function makeApp(onFrame?: Hook) {
    vi.clearAllMocks();
    validate.mockReturnValue(true);
    const ear = listen();
    const app = createTestApp({
      channels: [open, locked],
      authorizer,
      isAuthorizerDeployed: false,
      plugins: [{ name: 'quota', ...(onFrame && { onFrame }) }, ear.plugin],
    });
    return { app, ear };
  }

  const fifty = Array.from({ length: 50 }, (_, n) => `locked/${n}`);
  const post = (channel: string, data: unknown) => ({
    action: 'open.post',
    id: 'm',
    channel,
    data,
  });
  const frames: [string, object | string, string | undefined][] = [
    ['a good message', post('open', { text: 'hi' }), 'open.post'],
    ['a message that fails its schema', post('open', { text: 7 }), 'open.post'],
    ['a large one', post('open', { text: 'é'.repeat(15_000) }), 'open.post'],
    [
      'a message to a locked channel',
      { ...post('locked', {}), action: 'locked.post' },
      'locked.post',
    ],
    ['a message of another class', post('locked', {}), 'open.post'],
    [
      'a subscription to a locked channel',
      { action: 'subscribe', id: 'm', channels: ['locked'] },
      'subscribe',
    ],
    ['leaving fifty', { action: 'unsubscribe', id: 'm', channels: fifty }, 'unsubscribe'],
    ['an unknown action', { action: 'nope', id: 'm' }, 'nope'],
    ['an action that is not a string', { action: 7, id: 'm' }, undefined],
    ['no action', { id: 'm' }, undefined],
    ['what is not JSON', '{"action":"open.post","id":"m"', undefined],
    ['a forbidden key', '{"action":"open.post","id":"m","__proto__":{}}', undefined],
    ['no object', '[]', undefined],
    ['nothing', '', undefined],
  ];

  it.each(frames)('D2 before any other work: %s', async (_what, frame, action) => {
    const seen: object[] = [];
    const { app, ear } = makeApp(({ action: asked, bytes, connectionId, connection, event }) => {
      seen.push({ action: asked, bytes, connectionId, connection, body: event.body });
      throw new ClientError('ERR_RATE_LIMIT', 'Slow down.', { retryAfterMs: 700 });
    });
    const ann = await app.connect();
    const get = vi.spyOn(app.store.connections, 'get');
    const unsubscribe = vi.spyOn(app.store.connections, 'unsubscribe');
    const body = typeof frame === 'string' ? frame : JSON.stringify(frame);
    const hasId = typeof frame === 'object' || frame.includes('__proto__');
    expect(await ann.sendFrame(frame)).toEqual({
      type: 'error',
      ...(hasId && { id: 'm' }),
      error: { code: 'ERR_RATE_LIMIT', message: 'Slow down.', retryAfterMs: 700 },
    });
    expect(seen).toEqual([
      { action, bytes: Buffer.byteLength(body), connectionId: ann.id, connection: undefined, body },
    ]);
    for (const spent of [get, unsubscribe, rule, validate]) expect(spent).not.toHaveBeenCalled();
    expect(ear.codes()).toEqual(['ERR_RATE_LIMIT']);
  });

  it.each(frames)(
    'D2 and does not change the answer by calling next(): %s',
    async (_what, frame) => {
      const answerWith = async (onFrame?: Hook) => {
        const answer = await (await makeApp(onFrame).app.connect()).sendFrame(frame);
        // Each of the two apps has its own clock.
        return JSON.stringify(answer)?.replace(/"now":\d+/, '"now":0');
      };
      const answer = await answerWith();
      expect(await answerWith((_ctx, next) => next())).toEqual(answer);
      const seen: unknown[] = [];
      const looking: Hook = async (ctx, next) => {
        await next();
        seen.push(ctx.connection?.userId);
      };
      expect(await answerWith(looking)).toEqual(answer);
      expect(seen.filter((userId) => userId !== 'ann')).toEqual([]);
    },
  );

  it('D2 with its size, which is 0 without a body', async () => {
    const sizes: number[] = [];
    const { app } = makeApp(({ bytes }) => void sizes.push(bytes));
    for (const body of [null, undefined, '', 'é']) {
      await app.app.handler({ ...eventOf.frame('c1', {}), body });
    }
    expect(sizes).toEqual([0, 0, 0, 2]);
  });

  it('D2 refuses a frame by not calling next()', async () => {
    const { app } = makeApp(() => undefined);
    const ann = await app.connect();
    for (const [, frame] of frames) {
      expect(outcomeOf(await ann.sendFrame(frame))).toBe('ERR_FORBIDDEN');
    }
    expect(rule).not.toHaveBeenCalled();
  });

  it('D2 sends no answer on a one-way route', async () => {
    const { app, ear } = makeApp(() => {
      throw new ClientError('ERR_RATE_LIMIT', 'Slow down.');
    });
    const ann = await app.connect();
    await ann.sendOneWay('open.quiet', 'open');
    expect(ann.received).toEqual([]);
    expect(ear.codes()).toEqual(['ERR_RATE_LIMIT']);
  });
});
