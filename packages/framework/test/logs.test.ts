import {
  ClientError,
  createApp,
  defineChannel,
  event,
  memoryStore,
  type Plugin,
} from '@gatecast/framework';
import { jwtAuthorizer } from '@gatecast/framework/jwt';
import { logger } from '@gatecast/framework/plugins/logger';
import { makeAuthorizerEvent } from '@gatecast/framework/testing';
import * as v from 'valibot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { contextOf, eventOf, gatewayWith, never, runSimulated } from './lambda.js';

/** Most bytes of a line about a refusal, for any input of the client. */
const MOST_REFUSAL_BYTES = 700;

const SECRETS = {
  body: 'words-of-a-body',
  token: 'words-of-a-token',
  header: 'words-of-a-header',
  query: 'words-of-a-query',
  claim: 'words-of-a-claim',
};

interface Line {
  readonly level: string;
  readonly route?: string;
  readonly outcome: string;
  readonly count?: number;
  readonly durationMs?: number;
  readonly error?: { readonly code?: string; readonly reason?: string; readonly stack?: string };
}

const rooms = defineChannel('rooms/:id', {
  events: { x: event<unknown>() },
  access: ({ params }) => !params.id?.startsWith('closed'),
  onSubscribe: ({ params }) => {
    if (params.id?.startsWith('broken')) throw new Error(`broken ${params.id}`);
    if (/^full.*[02468]$/.test(params.id ?? '')) throw new ClientError('ERR_ROOM_FULL', 'Full.');
    if (params.id?.startsWith('full')) throw new ClientError('ERR_ROOM_FULL', 'The room is full.');
  },
  onUnsubscribe: ({ params }) => {
    if (params.id?.startsWith('sad')) throw new Error(`sad ${params.id}`);
    if (params.id?.startsWith('no')) throw new ClientError('ERR_STAY', 'Nobody leaves.');
  },
  messages: ({ message }) => ({
    say: message(v.object({ text: v.string() }), (data, ctx) => ctx.channel.publish('x', data)),
    fail: message(() => {
      throw new Error('The disk is full.');
    }),
    tell: message(
      () => {
        throw new ClientError('ERR_NO', 'No.');
      },
      { reply: false },
    ),
    hang: message(() => never()),
  }),
});

function makeApp(more: object = {}, plugins: Plugin[] = []) {
  const texts: string[] = [];
  const write = (_level: string, line: string): void => {
    texts.push(line);
  };
  const app = createApp({
    channels: [rooms],
    store: memoryStore(),
    gateway: gatewayWith(),
    plugins: [logger({ level: 'debug', write }), ...plugins],
    ...more,
  });
  const linesOf = async (...events: unknown[]): Promise<Line[]> => {
    texts.length = 0;
    for (const one of events) await Promise.resolve(app.handler(one)).catch(() => undefined);
    return texts.map((text) => JSON.parse(text) as Line);
  };
  return { app, texts, linesOf };
}

const many = (name: string): string[] => Array.from({ length: 50 }, (_, at) => `${name}${at}`);

describe('D4 one frame writes few lines', () => {
  it.each([
    ['names that are not legal', many('rooms/!!!'), 1],
    ['long names that are not legal', many(`rooms/${'!'.repeat(400)}`), 1],
    ['names of no class', many('other/'), 1],
    ['channels that are closed', many('rooms/closed'), 1],
    ['channels that are full', many('rooms/full'), 1],
    ['handlers that fail', many('rooms/broken'), 1],
    ['a mixture of all', [...many('rooms/full').slice(0, 20), ...many('!').slice(0, 20), '1'], 3],
  ])('D4 a subscribe frame with %s', async (_what, channels, most) => {
    const { app, texts, linesOf } = makeApp();
    await app.handler(eventOf.connect('c1'));
    const lines = await linesOf(eventOf.subscribe('c1', ...channels));
    const about = lines.filter(({ outcome }) => outcome !== 'ok');
    expect(about.length).toBeLessThanOrEqual(most);
    const counted = about.reduce((sum, { count = 1 }) => sum + count, 0);
    expect(counted).toBe(channels.length);
    for (const [at, { outcome }] of lines.entries()) {
      const bytes = Buffer.byteLength(texts[at] ?? '');
      expect(bytes).toBeLessThan(outcome === 'failed' ? 4_000 : MOST_REFUSAL_BYTES);
    }
  });

  it.each([
    ['handlers that fail', 'rooms/sad', 'failed'],
    ['handlers that refuse', 'rooms/no', 'refused'],
  ])('D4 an unsubscribe frame with %s', async (_what, name, outcome) => {
    const { app, linesOf } = makeApp();
    await app.handler(eventOf.connect('c1'));
    await app.handler(eventOf.subscribe('c1', ...many(name)));
    expect(await linesOf(eventOf.unsubscribe('c1', ...many(name)))).toMatchObject([
      { outcome, count: 50 },
      { outcome: 'ok', route: 'unsubscribe' },
    ]);
  });

  it('D4 the end of a connection whose handlers fail', async () => {
    const { app, linesOf } = makeApp();
    await app.handler(eventOf.connect('c1'));
    await app.handler(eventOf.subscribe('c1', ...many('rooms/sad')));
    expect(await linesOf(eventOf.disconnect('c1'))).toMatchObject([
      { outcome: 'failed', count: 50 },
      { outcome: 'ok', route: '$disconnect' },
    ]);
  });

  it('D4 handlers that hang', async () => {
    vi.useFakeTimers();
    const { app, texts } = makeApp({
      channels: [defineChannel('rooms/:id', { access: 'public', onSubscribe: () => never() })],
    });
    await app.handler(eventOf.connect('c1'));
    texts.length = 0;
    await runSimulated(app.handler, eventOf.subscribe('c1', ...many('rooms/')), 900);
    vi.useRealTimers();
    expect(texts.map((text) => JSON.parse(text) as Line)).toMatchObject([
      { outcome: 'failed', count: 50, error: { code: 'ERR_HANDLER_TIMEOUT' } },
      { outcome: 'ok', route: 'subscribe' },
    ]);
  });

  it.each([
    ['a long action', { action: 'x'.repeat(30_000), id: 'f1' }],
    ['an action with line breaks', { action: 'x\n'.repeat(10_000), id: 'f1' }],
    ['a long id', { action: 'rooms.say', id: 'x'.repeat(30_000) }],
    ['a long channel', { action: 'rooms.say', id: 'f1', channel: `rooms/${'x'.repeat(30_000)}` }],
    ['a long foreign channel', { action: 'rooms.say', id: 'f1', channel: 'x/'.repeat(10_000) }],
    [
      'long data that do not fit',
      { action: 'rooms.say', id: 'f1', channel: 'rooms/1', data: 'x'.repeat(30_000) },
    ],
    [
      'too many channels',
      { action: 'subscribe', id: 'f1', channels: many('x'.repeat(600)).concat('x') },
    ],
    ['no list', { action: 'subscribe', id: 'f1', channels: 'x'.repeat(30_000) }],
  ])('D4 a frame with %s is one short line', async (_what, frame) => {
    const { app, texts, linesOf } = makeApp();
    await app.handler(eventOf.connect('c1'));
    const lines = await linesOf(eventOf.frame('c1', frame));
    expect(lines).toMatchObject([{ level: 'WARN', outcome: 'refused' }]);
    expect(lines[0]?.error?.stack).toBeUndefined();
    expect(Buffer.byteLength(texts.join())).toBeLessThan(MOST_REFUSAL_BYTES);
  });
});

describe('D4 every line says how long it took', () => {
  it('D4 for success, refusal and failure on every route', async () => {
    const { linesOf } = makeApp({
      authorizer: ({ token }: { token?: string }) => {
        if (token === undefined) throw new ClientError('ERR_UNAUTHORIZED', 'A token is needed.');
        return { userId: token };
      },
    });
    const query = { token: 'ann' };
    const lines = await linesOf(
      makeAuthorizerEvent({ connectionId: 'c0' }),
      eventOf.connect('c0'),
      eventOf.connect('c1', { query }),
      eventOf.subscribe('c1', 'rooms/1', 'rooms/closed', 'rooms/broken'),
      eventOf.message('c1', 'rooms.say', { data: { text: 'x' } }),
      eventOf.message('c1', 'rooms.say'),
      eventOf.message('c1', 'rooms.fail'),
      eventOf.message('c1', 'rooms.tell'),
      eventOf.message('c1', 'nothing'),
      eventOf.frame('c1', { action: 'ping' }),
      eventOf.unsubscribe('c1', 'rooms/1', '!'),
      eventOf.disconnect('c1'),
    );
    expect(lines.length).toBeGreaterThan(12);
    expect(lines.filter(({ durationMs }) => typeof durationMs !== 'number')).toEqual([]);
    expect(new Set(lines.map(({ outcome }) => outcome))).toEqual(
      new Set(['ok', 'refused', 'failed']),
    );
  });

  it('D4 for an invocation that ran out of time', async () => {
    vi.useFakeTimers();
    const { app, texts } = makeApp();
    await app.handler(eventOf.connect('c1'));
    texts.length = 0;
    await runSimulated(app.handler, eventOf.message('c1', 'rooms.hang'), 900);
    vi.useRealTimers();
    expect(JSON.parse(texts[0] ?? '')).toMatchObject({
      route: 'rooms.hang',
      outcome: 'failed',
      durationMs: 400,
    });
  });
});

describe('D4 a token that is refused', () => {
  const token = (claims: object): string =>
    [{ alg: 'RS256', kid: 'k' }, claims, 'signature']
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');

  it.each([
    ['is not a token', 'a.b.c'],
    ['is one part of JSON', Buffer.from(`{"${SECRETS.token}`).toString('base64url')],
    ['has an unknown key', token({ sub: SECRETS.claim })],
  ])(
    'D4 that %s is logged in one line, with the reason and without a stack',
    async (_what, bad) => {
      const { app, texts, linesOf } = makeApp({
        authorizer: jwtAuthorizer({
          issuer: 'https://issuer.example.com',
          audience: 'chat',
          jwks: { keys: [{ kty: 'RSA', kid: 'other', n: 'AQAB', e: 'AQAB', alg: 'RS256' }] },
        }),
      });
      const handshake = { connectionId: 'c1', query: { token: bad } };
      const [line, ...others] = await linesOf(makeAuthorizerEvent(handshake));
      expect(others).toEqual([]);
      expect(line).toMatchObject({ level: 'WARN', route: 'authorizer', outcome: 'refused' });
      expect(JSON.stringify(line?.error)).toMatch(/The token is not valid: ./);
      expect(Buffer.byteLength(texts.join())).toBeLessThan(MOST_REFUSAL_BYTES);
      expect(texts.join()).not.toMatch(/ {4}at |words-of/);
      // Lambda logs the stack of a rejection.
      const thrown = await Promise.resolve(app.handler(makeAuthorizerEvent(handshake))).catch(
        (error: unknown) => error as Error,
      );
      expect(thrown).toMatchObject({ message: 'Unauthorized', stack: 'Error: Unauthorized' });
    },
  );

  it('D4 with a long reason is logged with the beginning of its first line', async () => {
    const cause = new Error(`expired\n${'x'.repeat(500)}`);
    const long = new Error('y'.repeat(5_000));
    for (const [reason, text] of [
      [cause, 'expired'],
      [long, 'y'.repeat(200)],
    ] as const) {
      const { linesOf } = makeApp({
        authorizer: () => {
          throw new ClientError('ERR_UNAUTHORIZED', 'No.', { cause: reason });
        },
      });
      const [line] = await linesOf(makeAuthorizerEvent({ connectionId: 'c1' }));
      expect(line?.error?.reason).toBe(text);
    }
  });
});

describe('D4 secrets are never logged', () => {
  const consoles = () =>
    (['debug', 'info', 'log', 'warn', 'error'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => undefined),
    );
  let spies: ReturnType<typeof consoles>;
  beforeEach(() => {
    spies = consoles();
  });
  afterEach(() => {
    for (const spy of spies) spy.mockRestore();
    vi.useRealTimers();
  });

  it.each([
    ['by the logger', true],
    ['by the console without a logger', false],
  ])('D4 %s', async (_what, hasLogger) => {
    vi.useFakeTimers();
    const { app, texts } = makeApp({
      authorizer: ({ query }: { query: Record<string, string> }) => {
        if (query['refuse'] !== undefined) throw new ClientError('ERR_UNAUTHORIZED', 'No.');
        if (query['fail'] !== undefined) throw new Error('The issuer is down.');
        return { userId: 'ann', claims: { secret: SECRETS.claim } };
      },
      ...(!hasLogger && { plugins: [] }),
    });
    const { token, body, header } = SECRETS;
    const handshake = (more: object = {}) => ({
      headers: { Authorization: `Bearer ${token}`, Cookie: header },
      query: { token, other: SECRETS.query, ...more },
    });
    const data = { text: body };
    const say = (more: object) => eventOf.message('c1', 'rooms.say', { data, ...more });
    const events = [
      ...[{}, { refuse: '1' }, { fail: '1' }].flatMap((more) => [
        makeAuthorizerEvent({ connectionId: 'c0', ...handshake(more) }),
        eventOf.connect('c0', handshake(more)),
      ]),
      eventOf.connect('c1', handshake()),
      eventOf.subscribe('c1', 'rooms/1', 'rooms/closed', 'rooms/broken'),
      say({}),
      say({ data: { text: { body } } }),
      say({ channel: 'rooms/closed' }),
      say({ channel: 'nowhere' }),
      say({ id: 7 }),
      say({ action: 'rooms.fail' }),
      say({ action: 'rooms.tell' }),
      say({ action: 'unknown' }),
      say({ data: { ['__proto__x']: body, constructor: { prototype: body } } }),
      { ...say({}), body: `{"data":"${body}` },
      { ...say({}), body: `["${body}"]` },
      eventOf.unsubscribe('c1', 'rooms/1'),
    ];
    for (const one of events) await Promise.resolve(app.handler(one)).catch(() => undefined);
    await runSimulated(app.handler, say({ action: 'rooms.hang' }), 900);
    await Promise.resolve(app.handler(eventOf.disconnect('c1'), contextOf(900)));
    const written = [...texts, ...spies.flatMap((spy) => spy.mock.calls.flat().map(shown))].join(
      '\n',
    );
    expect(written).toContain('The disk is full.');
    for (const secret of Object.values(SECRETS)) {
      expect(written).not.toContain(secret);
      expect(written).not.toContain(Buffer.from(secret).toString('base64url'));
    }
  });

  it('D4 without a logger, a refusal is one line without a stack, or nothing if the client was told', async () => {
    const { linesOf } = makeApp({ plugins: [] });
    await linesOf(eventOf.connect('c1'));
    const written = (): string[] => spies.flatMap((spy) => spy.mock.calls.flat().map(shown));
    await linesOf(
      eventOf.message('c1', 'rooms.say'),
      eventOf.message('c1', 'x'.repeat(5_000)),
      eventOf.subscribe('c1', ...many('rooms/full'), 'x'),
    );
    expect(written()).toEqual([]);
    for (let count = 0; count < 100; count += 1) {
      await linesOf(eventOf.message('c1', 'rooms.tell'));
    }
    expect(written()).toHaveLength(100);
    for (const text of written()) {
      expect(text).toBe('Gatecast: rooms.tell on connection c1 was refused: ERR_NO');
    }
  });

  function shown(value: unknown): string {
    if (!(value instanceof Error)) return String(value);
    return `${value.stack} ${JSON.stringify(value)} ${String((value.cause as Error)?.stack)}`;
  }
});

it('the logger has a line for whatever is thrown', () => {
  const lines: { error: unknown }[] = [];
  const plugin = logger({ write: (_level, line) => void lines.push(JSON.parse(line)) });
  for (const thrown of [Object.create(null), null, 'a text', Symbol('s'), { message: 'm' }]) {
    plugin.onError?.(thrown, { route: 'rooms.post', isAnswered: true });
  }
  expect(lines.map(({ error }) => error)).toEqual([
    { message: 'an object' },
    { message: 'null' },
    { message: 'a text' },
    { message: 'Symbol(s)' },
    { message: 'm' },
  ]);
});
