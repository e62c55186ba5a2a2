import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  Channel,
  ClientError,
  composeStore,
  createApp,
  createPublisher,
  defineChannel,
  definePlugin,
  type HistoryByPattern,
  type LogSettings,
  memoryStore,
  OnConnect,
  OnMessage,
  type Plugin,
} from '@gatecast/framework';
import { cognitoAuthorizer, jwtAuthorizer } from '@gatecast/framework/jwt';
import { logger } from '@gatecast/framework/plugins/logger';
import { createTestApp } from '@gatecast/framework/testing';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const store = memoryStore();
const channels = [defineChannel('pub')];
const extra = { noSuchOption: 1 } as object;
const refusal = (code: string) =>
  expect.objectContaining({ name: 'ConfigurationError', code, hint: expect.any(String) });

/** A call of each public function with options, with an unknown option. */
const calls: Readonly<Record<string, () => unknown>> = {
  createApp: () => createApp({ channels, store, ...extra }),
  createPublisher: () => createPublisher({ store, ...extra }),
  composeStore: () => composeStore({ connections: store, ...extra }),
  memoryStore: () => memoryStore(extra),
  Channel: () => {
    class Rooms {}
    Channel('rooms', extra)(Rooms);
    return createApp({ channels: [Rooms], store });
  },
  defineChannel: () => defineChannel('pub', extra),
  OnMessage: () => OnMessage(extra),
  definePlugin: () => definePlugin({ name: 'p', ...extra }),
  logger: () => logger(extra),
  jwtAuthorizer: () => jwtAuthorizer(extra),
  cognitoAuthorizer: () => cognitoAuthorizer(extra),
  createTestApp: () => createTestApp({ channels, ...extra }),
};

/**
 * Functions whose object is not a set of options: the details of a test event, a time limit, another
 * store.
 */
const withoutOptions = new Set([
  'connectionStoreContract',
  'connectionStoreInterleavings',
  'messageLogContract',
  'messageLogInterleavings',
  'makeAuthorizerEvent',
  'makeConnectEvent',
  'makeDisconnectEvent',
  'makeMessageEvent',
  'timeLeftMs',
  'withinTime',
]);

/** Names of the public functions that take an object with optional members. */
function functionsWithOptions(): readonly string[] {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    exports: Readonly<Record<string, { readonly types: string }>>;
  };
  const files = Object.values(exports).map(({ types }) => root + types);
  const program = ts.createProgram(files, {
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
  });
  const checker = program.getTypeChecker();
  const takesOptions = (parameter: ts.Symbol): boolean => {
    const type = checker.getNonNullableType(checker.getTypeOfSymbol(parameter));
    if (type.getCallSignatures().length > 0 || checker.isArrayLikeType(type)) return false;
    const isObject = (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) !== 0;
    return (
      isObject &&
      (parameter.name === 'parts' ||
        type.getProperties().some(({ flags }) => flags & ts.SymbolFlags.Optional))
    );
  };
  return files
    .flatMap((file) => {
      const source = program.getSourceFile(file);
      const module = source && checker.getSymbolAtLocation(source);
      if (!module) throw new Error(`"${file}" is not a module. Run "npm run build".`);
      return checker.getExportsOfModule(module);
    })
    .filter((symbol) => {
      const type = checker.getTypeOfSymbol(
        symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
      );
      return type.getCallSignatures().some(({ parameters }) => parameters.some(takesOptions));
    })
    .map(({ name }) => name);
}

describe('K1 unknown options', () => {
  it.each(Object.keys(calls))('K1 are refused by %s', (name) => {
    const code = name === 'definePlugin' ? 'ERR_PLUGIN_HOOK_UNKNOWN' : 'ERR_OPTION_UNKNOWN';
    expect(calls[name]).toThrow(refusal(code));
    expect(calls[name]).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/noSuchOption/) }),
    );
  });

  it.each([
    [{ retentionSeconds: 599 }, 'ERR_OPTION_VALUE'],
    [{ retentionSeconds: 600.5 }, 'ERR_OPTION_VALUE'],
    [{ retentionSeconds: '600' }, 'ERR_OPTION_VALUE'],
    [{ retentionSeconds: 600, maxEntries: 0 }, 'ERR_OPTION_VALUE'],
    [{ maxEntries: 10 }, 'ERR_OPTION_VALUE'],
    [{ retentionSeconds: 600, maxEntry: 1 }, 'ERR_OPTION_UNKNOWN'],
    [true, 'ERR_OPTION_VALUE'],
  ])('K1 are refused if they are a wrong history: %j', (history, code) => {
    const options = { history } as object;
    class News {}
    const make = [
      () => createApp({ channels: [defineChannel('news', options)], store }),
      () => {
        Channel('news', options)(News);
        createApp({ channels: [News], store });
      },
      () => createPublisher({ store, history: { news: history as LogSettings } }),
    ];
    for (const call of make) expect(call).toThrow(refusal(code));
  });

  it('G3 are refused if they need a log that the store does not have', () => {
    const { name, connections } = store;
    const history = { retentionSeconds: 600 };
    const without = { name, connections };
    for (const call of [
      () => createApp({ channels: [defineChannel('news', { history })], store: without }),
      () => createPublisher({ store: without, history: { news: history } }),
    ]) {
      expect(call).toThrow(refusal('ERR_HISTORY_STORE'));
    }
    for (const [patterns, code] of [
      [{ '/': history }, 'ERR_PATTERN_INVALID'],
      [{ 'rooms/:a': history, 'rooms/:b': false }, 'ERR_PATTERN_DUPLICATE'],
    ] as const) {
      expect(() =>
        createPublisher({ store, history: patterns as object as HistoryByPattern }),
      ).toThrow(refusal(code));
    }
  });

  it.each([
    ['settings without a pattern', { retentionSeconds: 86_400 }, '86400 as "retentionSeconds"'],
    ['true instead of settings', { 'rooms/:id': true }, 'true as "rooms/:id"'],
    ['a list of patterns', { 'rooms/:id': ['a'] }, 'a list as "rooms/:id"'],
  ])('show how the history of a publisher is written: %s', (_what, history, given) => {
    expect(() =>
      createPublisher({ store, history: history as object as HistoryByPattern }),
    ).toThrow(
      expect.objectContaining({
        message: `The history of createPublisher() was given ${given}.`,
        hint: "It takes the settings by the channel's pattern: { 'rooms/:roomId': { retentionSeconds: 86_400 } }.",
      }),
    );
  });

  it('K1 are tested for every public function with options', () => {
    const found = functionsWithOptions().filter((name) => !withoutOptions.has(name));
    expect(new Set(found)).toEqual(new Set(Object.keys(calls)));
  });

  it.each<[string, () => unknown]>([
    [
      'of a message of defineChannel',
      () => defineChannel('pub', { messages: ({ message }) => ({ x: message(() => 1, extra) }) }),
    ],
    ['of a lifecycle decorator', () => Reflect.apply(OnConnect, undefined, [extra])],
  ])('K1 are also refused if they are those %s', (_what, call) => {
    expect(call).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_OPTION_(UNKNOWN|VALUE)$/) }),
    );
  });
});

it('K1 those of a connection to a test app are checked, too', async () => {
  const test = createTestApp({ channels });
  await expect(test.connect(extra)).rejects.toEqual(refusal('ERR_OPTION_UNKNOWN'));
  for (const wrong of [{ token: 7 }, { headers: 'none' }, { query: [] }] as object[]) {
    await expect(test.connect(wrong)).rejects.toEqual(refusal('ERR_OPTION_VALUE'));
  }
});

describe('K2 wrong values', () => {
  const any = (value: unknown) => value as never;
  it.each<[string, () => unknown]>([
    [
      'createApp of channels that are not a list',
      () => createApp({ channels: any('rooms'), store }),
    ],
    ['createApp of nothing', () => createApp(any(undefined))],
    ...[undefined, Number.NaN, Number.POSITIVE_INFINITY, '60000'].map(
      (byMs): [string, () => unknown] => [
        `the clock of a test app that is advanced by ${byMs}`,
        () => createTestApp({ channels }).clock.advance(any(byMs)),
      ],
    ),
    [
      'createApp of a plugin that is not a list',
      () => createApp({ channels, store, plugins: any({}) }),
    ],
    [
      'createApp of an authorizer that is a string',
      () => createApp({ channels, store, authorizer: any('jwt') }),
    ],
    [
      'createPublisher of a gateway that is a function',
      () => createPublisher({ store, gateway: any(() => 1) }),
    ],
    [
      'createPublisher of an address without a Region',
      () =>
        createPublisher({ store, address: any({ apiId: 'a', stage: 'dev', region: undefined }) }),
    ],
    [
      'createPublisher of an address that is a URL',
      () =>
        createPublisher({
          store,
          address: any('https://a.execute-api.us-east-1.amazonaws.com/dev'),
        }),
    ],
    ['logger of an unknown level', () => logger({ level: any('verbose') })],
    ['logger of something that cannot write', () => logger({ write: any('console') })],
    ['a message whose reply is a string', () => OnMessage({ reply: any('no') })],
    [
      'a message without a handler',
      () =>
        defineChannel('a', {
          messages: ({ message }) => ({ x: message(any({ '~standard': {} }), any(undefined)) }),
        }),
    ],
    [
      'messages that were not made by message()',
      () => defineChannel('a', { messages: () => any({ x: () => 1 }) }),
    ],
    ['a promise of messages', () => defineChannel('a', { messages: any(async () => ({})) })],
    [
      'a handler of a channel that is a string',
      () => defineChannel('a', { onSubscribe: any('join') }),
    ],
    ['an empty name of a channel', () => defineChannel('a', { name: '' })],
    ['a plugin without a name', () => definePlugin(any({ onConnect() {} }))],
    [
      'a plugin whose hook is not a function',
      () => definePlugin({ name: 'p', onMessage: any(true) }),
    ],
    ['a plugin whose requires is a string', () => definePlugin({ name: 'p', requires: any('q') })],
    ['a plugin that is a string', () => createApp({ channels, store, plugins: [any('logger')] })],
  ])('K2 are refused: %s', (_what, call) => {
    expect(call).toThrow(refusal('ERR_OPTION_VALUE'));
  });

  it.each(['members-only', true, null, '', []])('A12 an access rule of %j is refused', (access) => {
    expect(() => defineChannel('a', { access: any(access) })).toThrow(refusal('ERR_OPTION_VALUE'));
    class Rooms {}
    Channel('rooms', { access: any(access) })(Rooms);
    expect(() => createApp({ channels: [Rooms], store })).toThrow(refusal('ERR_OPTION_VALUE'));
  });

  it("A12 access: 'authenticated' needs an authorizer", () => {
    const closed = [defineChannel('a'), defineChannel('b', { access: 'authenticated' })];
    expect(() => createApp({ channels: closed, store })).toThrow(
      expect.objectContaining({
        code: 'ERR_ACCESS_UNREACHABLE',
        message:
          "defineChannel('b') lets in signed-in users only, but the app has no authorizer to sign them in.",
      }),
    );
    expect(() => createApp({ channels: closed, store, authorizer: () => ({}) })).not.toThrow();
  });
});

it.each([Number.NaN, Number.POSITIVE_INFINITY])(
  'K2 a refusal with retryAfterMs of %s is sent without it',
  async (retryAfterMs) => {
    const full = defineChannel('pub', {
      onSubscribe() {
        throw new ClientError('ERR_ROOM_FULL', 'The room is full.', { retryAfterMs });
      },
    });
    const app = createTestApp({ channels: [full], plugins: [{ name: 'quiet', onError() {} }] });
    const ann = await app.connect();
    expect(await ann.subscribe('pub')).toEqual([
      { channel: 'pub', error: { code: 'ERR_ROOM_FULL', message: 'The room is full.' } },
    ]);
  },
);

describe('D3 an unknown hook', () => {
  const members =
    'setup, onFrame, onConnect, onSubscribe, onUnsubscribe, onMessage, onHistory, onPublish';
  it.each(['onMesage', 'onmessage', 'onPresence', 'Setup', 'options'])(
    'D3 is refused: %s',
    (hook) => {
      const plugin = { name: 'p', [hook]() {} } as Plugin;
      expect(() => createApp({ channels, store, plugins: [plugin] })).toThrow(
        expect.objectContaining({
          code: 'ERR_PLUGIN_HOOK_UNKNOWN',
          message: `Plugin "p" has "${hook}", which is not a hook.`,
          hint: expect.stringContaining(members),
        }),
      );
    },
  );

  it.each<[string, unknown]>([
    ['a list with a value that is not a string', ['q', 7]],
    ['a text', 'q'],
    ['an object', { 0: 'q' }],
  ])('D3 is not the only check: requires may not be %s', (_what, requires) => {
    const plugin = { name: 'p', requires } as unknown as Plugin;
    expect(() => createApp({ channels, store, plugins: [plugin] })).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_VALUE',
        message: expect.stringMatching(/^Plugin "p" was given .* as "requires"\.$/),
      }),
    );
  });

  it('D3 is refused in an object without a prototype, and in one without a name', () => {
    const bare = Object.assign(Object.create(null) as object, { name: 'p', refill() {} });
    expect(() => createApp({ channels, store, plugins: [bare as Plugin] })).toThrow(
      'Plugin "p" has "refill", which is not a hook.',
    );
    const nameless = { onMesage() {} };
    expect(() => createApp({ channels, store, plugins: [nameless as never] })).toThrow(
      'Plugin "" has "onMesage", which is not a hook.',
    );
    expect(() => createApp({ channels, store, plugins: [{ onError() {} } as never] })).toThrow(
      expect.objectContaining({ message: expect.stringContaining('"name"') }),
    );
  });

  it('D3 is also refused in an instance of a class, which may have other members', () => {
    class Quota {
      readonly name = 'quota';
      readonly buckets = new Map<string, number>();
      onMessage() {
        this.refill();
      }
      refill() {
        this.buckets.clear();
      }
    }
    class Misspelt extends Quota {
      onMesage() {}
    }
    expect(() => createApp({ channels, store, plugins: [new Quota()] })).not.toThrow();
    expect(() => createApp({ channels, store, plugins: [new Misspelt()] })).toThrow(
      refusal('ERR_PLUGIN_HOOK_UNKNOWN'),
    );
    const early = Object.assign(new Quota(), { setup: 7 });
    expect(() => createApp({ channels, store, plugins: [early as never] })).toThrow(
      'Plugin "quota" was given 7 as "setup".',
    );
  });

  it('D3 is not looked for in what is not a plugin', () => {
    expect(() => createApp({ channels, store, plugins: [7 as never] })).toThrow(
      'The app was given a list with 7 as "plugins".',
    );
  });
});

describe('K5 a store', () => {
  const broken: [string, unknown, string, string][] = [
    ['is missing', undefined, 'ERR_STORE_MISSING', 'was given nothing as its store.'],
    [
      'was not called',
      memoryStore,
      'ERR_STORE_MISSING',
      'was given the function memoryStore as its store.',
    ],
    ['is something else', {}, 'ERR_STORE_MISSING', 'was given an object as its store.'],
    ['is null', null, 'ERR_STORE_MISSING', 'was given null as its store.'],
    [
      'is promised',
      Promise.resolve(store),
      'ERR_STORE_MISSING',
      'was given a promise as its store.',
    ],
    [
      'is of another version',
      { name: 'x', connections: { contract: 7 } },
      'ERR_STORE_CONTRACT',
      'version 7',
    ],
  ];
  it.each(broken)(
    'K5 that %s is refused by every function that takes a store',
    (_what, given, code, text) => {
      const any = given as never;
      for (const take of [
        () => createApp({ channels, store: any }),
        () => createPublisher({ store: any }),
        () => composeStore({ connections: any }),
      ]) {
        expect(take).toThrow(refusal(code));
        expect(take).toThrow(text);
      }
    },
  );
});
