// What a newcomer reads after a typical mistake in the app: the output of `gatecast dev`, and that of tsc.
// Those that show when clients come are in typical-mistakes-at-work.test.ts.
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MistakesFolder, PATIENCE } from './mistakes-folder.js';
import type { RunningCommand } from './running-command.js';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

interface Parts {
  readonly imports?: string;
  readonly decorator?: string;
  readonly members?: string;
  readonly app?: string;
}

/** An app without a mistake, but for the given parts. The class begins in line 5, its first member is in line 6. */
function appWith({ imports = '', decorator, members, app }: Parts): string {
  return [
    "import { Channel, createApp, memoryStore, OnConnect, OnMessage, OnSubscribe } from '@gatecast/framework';",
    "import * as v from 'valibot';",
    imports,
    decorator ?? "@Channel('rooms/:roomId')",
    'export class RoomChannel {',
    members ?? '  @OnMessage() async post(message: unknown) {}',
    '}',
    app ?? appOf('channels: [RoomChannel], store: memoryStore()'),
  ].join('\n');
}

function appOf(options: string): string {
  return `export const app = createApp({ ${options} });\nexport const handler = app.handler;\n`;
}

type Mistake = readonly [name: string, parts: Parts, error: string, hint: string, line: number];

const patternHint =
  'Write something like "rooms/:roomId": segments that are joined by "/", each a literal of A-Z a-z 0-9 _ . ~ : @ = - or a ":parameter".';
const place = 'Put it on a public method that is not static: async post(message, ctx) { … }.';
const store =
  'Pass a store, made by a call: store: memoryStore(), dynamoDbStore() or redisStore().';

function patternMistake(pattern: string, problem: string): Mistake {
  return [
    `3 a wrong pattern: ${pattern}`,
    { decorator: `@Channel('${pattern}')` },
    `[ERR_PATTERN_INVALID]: The pattern "${pattern}" of RoomChannel ${problem}.`,
    patternHint,
    8,
  ];
}

function withoutParentheses(name: string): Mistake {
  return [
    `11 ${name} without parentheses`,
    { members: `  ${name} async post() {}` },
    `[ERR_DECORATOR_CALL]: ${name} on (RoomChannel.)post lacks its parentheses.`,
    `Write ${name}().`,
    6,
  ];
}

function misplaced(what: string, members: string, problem: string): Mistake {
  const error = `[ERR_HANDLER_PLACE]: @OnMessage() is on "post", which is ${problem}.`;
  return [`12 @OnMessage() on ${what}`, { members: `  @OnMessage() ${members}` }, error, place, 6];
}

const mistakes: readonly Mistake[] = [
  [
    '2 a forgotten store',
    { app: appOf('channels: [RoomChannel]') },
    '[ERR_STORE_MISSING]: createApp() was given nothing as its store.',
    store,
    8,
  ],
  [
    '2 a store that is not called',
    {
      imports: "import { dynamoDbStore } from '@gatecast/adapters/dynamodb';",
      app: appOf('channels: [RoomChannel], store: dynamoDbStore'),
    },
    '[ERR_STORE_MISSING]: createApp() was given the function dynamoDbStore as its store.',
    store,
    8,
  ],
  patternMistake('/rooms/:roomId', 'begins with "/": leave it out'),
  patternMistake('rooms/{roomId}', 'has "{roomId}": a parameter is written ":roomId"'),
  patternMistake('rooms/:', 'has a ":" without the name of a parameter'),
  [
    '3 a pattern without its "/"',
    { decorator: "@Channel('rooms:roomId')" },
    '[ERR_ROUTE_NAME]: RoomChannel.post of the pattern "rooms:roomId" makes the route key "rooms:roomId.post", which API Gateway does not allow.',
    'Use letters, digits, "_", "-" and "." in the names of channels and messages.',
    8,
  ],
  [
    '6 the fields of a schema',
    { members: '  @OnMessage({ text: v.string() }) async post() {}' },
    '[ERR_SCHEMA_FIELDS]: @OnMessage() was given the fields of a schema ("text"), not a schema.',
    "Wrap the fields in the library's object schema: v.object({ … }), z.object({ … }).",
    6,
  ],
  [
    '6 a class as a schema',
    { imports: 'class Post {}', members: '  @OnMessage(Post) async post() {}' },
    '[ERR_SCHEMA_INVALID]: The schema of @OnMessage() is not a Standard Schema.',
    "Pass a schema of valibot, zod or another such library, or dto(Class) from '@gatecast/framework/class-validator'.",
    6,
  ],
  [
    '11 @Channel without parentheses',
    { decorator: '@Channel' },
    '[ERR_DECORATOR_CALL]: @Channel on RoomChannel lacks its parentheses.',
    "Write @Channel('rooms/:roomId').",
    5,
  ],
  withoutParentheses('@OnMessage'),
  withoutParentheses('@OnConnect'),
  withoutParentheses('@OnSubscribe'),
  misplaced('a static method', 'static async post() {}', 'static'),
  misplaced('a field', 'post = 1;', 'a field'),
  misplaced('an arrow function', 'post = async () => {};', 'a field'),
  [
    '13 a class without @Channel',
    { decorator: '' },
    '[ERR_CHANNEL_NOT_DECORATED]: RoomChannel is in the list of channels but has no @Channel.',
    "Put @Channel('pattern') on the class, or pass what defineChannel() returns.",
    8,
  ],
  [
    '13 the same class twice',
    { app: appOf('channels: [RoomChannel, RoomChannel], store: memoryStore()') },
    '[ERR_CHANNEL_DUPLICATE]: RoomChannel is in the list of channels twice.',
    'Remove one of them from createApp({ channels }).',
    8,
  ],
  [
    '13 a class in place of a list',
    { app: appOf('channels: RoomChannel, store: memoryStore()') },
    '[ERR_OPTION_VALUE]: createApp() was given the class RoomChannel as "channels".',
    'It takes a list of channels: [RoomChannel].',
    8,
  ],
  [
    '13 a class whose constructor needs something',
    { members: '  constructor(readonly database: object) {}' },
    '[ERR_CHANNEL_DEPENDENCIES]: The constructor of RoomChannel has 1 parameter(s), but createApp() has no values for them.',
    'Pass an instance, or the option resolve: (type) => container.get(type).',
    8,
  ],
];

describe.each([true, false])(
  'with "experimentalDecorators": %s, gatecast dev names',
  (isLegacy) => {
    let folder: MistakesFolder;
    let dev: RunningCommand;

    beforeAll(async () => {
      const settings = { compilerOptions: { target: 'es2022', experimentalDecorators: isLegacy } };
      const files = { 'app.ts': appWith({}), 'tsconfig.json': JSON.stringify(settings) };
      folder = await MistakesFolder.with(files);
      dev = folder.dev(['app.ts', '--port', '0']);
      await dev.prints(/^Inspect/m, PATIENCE);
    });

    afterAll(async () => {
      await dev[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });

    // A class that is loaded again tells the same as one that is loaded first, without a start for each.
    it.each(mistakes)('%s', async (_name, parts, error, hint, line) => {
      const before = dev.output.stdout.length;
      await folder.write('app.ts', appWith(parts));
      await vi.waitFor(() => {
        const printed = dev.output.stdout.slice(before);
        expect(printed).toContain('not reloaded; the last good version keeps running.\n');
        const known = error.replace('(RoomChannel.)', isLegacy ? 'RoomChannel.' : '');
        expect(printed).toContain(`ConfigurationError ${known}\n  ${hint}\n    at `);
        // The first line of the stack is the newcomer's own.
        expect(printed.split(`  ${hint}\n`)[1]).toMatch(
          new RegExp(`^    at .*\\bapp\\.ts:${line}:\\d+\\)?\n`),
        );
        expect(printed).not.toMatch(/node:internal|environment[\\/]process/);
      }, PATIENCE);
    });
  },
);

const standardSettings = '{ "compilerOptions": { "emitDecoratorMetadata": true } }';

it('1 class-validator without "experimentalDecorators"', async () => {
  const members = '  @OnMessage() async post(message: unknown) {}';
  const imports =
    "import { IsString } from 'class-validator'; class Post { @IsString() text!: string; }";
  const app = appWith({ imports, members });
  await using folder = await MistakesFolder.with({
    'app.ts': app,
    'tsconfig.json': standardSettings,
  });
  await using dev = folder.dev(['app.ts', '--port', '0']);
  expect(await dev.ended).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(
      'class-validator does not work with standard decorators. Set "experimentalDecorators": true in the ' +
        'tsconfig.json that covers "app.ts", or use a Standard Schema library such as valibot or zod.\n',
    ),
  });
});

describe('7 a handler that is not exported:', () => {
  const make = 'createApp({ channels: [RoomChannel], store: memoryStore() })';
  const found = (names: string): string =>
    `"app.ts" does not export a function "handler". It exports ${names}.\n`;
  const add =
    'Lambda calls an export with that name: in a Gatecast app, add export const handler = app.handler;\n';
  const write =
    'Its "handler" is not a function: in a Gatecast app, write export const handler = app.handler;\n';

  it.each([
    ['only by default', `export default ${make}.handler;`, found('"RoomChannel", "default"') + add],
    ['only the app', `export const app = ${make};`, found('"RoomChannel", "app"') + add],
    [
      'the app in its place',
      `export const handler = ${make};`,
      found('"RoomChannel", "handler"') + write,
    ],
  ])('%s', async (_what, app, stderr) => {
    await using folder = await MistakesFolder.with({ 'app.ts': appWith({ app }) });
    await using dev = folder.dev(['app.ts', '--port', '0']);
    expect(await dev.ended).toMatchObject({ code: 1, stderr });
  });
});

it('8 a port that is taken', async () => {
  await using folder = await MistakesFolder.with({ 'app.ts': appWith({}) });
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, 'localhost', resolve));
  const { port } = other.address() as AddressInfo;
  try {
    await using dev = folder.dev(['app.ts', '--port', String(port)]);
    expect(await dev.ended).toMatchObject({
      code: 1,
      stderr:
        `Port ${port} is taken by another program.\n` +
        'Choose another one with --port, or 0 for any free one (option port of startGateway()).\n',
    });
  } finally {
    other.close();
  }
});

const mistyped = `
import { Channel, type ChannelType, createApp, type MessageContext, OnMessage } from '@gatecast/framework';
import { createClient } from '@gatecast/client';
type Room = ChannelType<'rooms/:roomId', { message: { text: string } }>;
@Channel('room/:roomId')
class Mistyped {
  @OnMessage() async post(_: unknown, ctx: MessageContext<Room>) {
    await ctx.channel.publish('mesage', { text: 'hi' });
    await ctx.channel.publish('message', { txt: 'hi' });
  }
}
class RoomChannel {
  async post(message: { text: string }, ctx: MessageContext<Room>) {}
}
createApp({ channels: [RoomChannel] });
const room = createClient({ url: 'ws://localhost:3000/dev' }).channel<RoomChannel>('rooms/1');
room.on('mesage', () => {});
room.send('pots', { text: 'hi' });
room.send('post', { txt: 'hi' });
`;

it('3 4 6 TypeScript names typos in patterns, events, messages and data', async () => {
  const settings = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  };
  await using folder = await MistakesFolder.with({
    'app.ts': mistyped,
    'package.json': '{ "type": "module" }',
    'tsconfig.json': JSON.stringify({ compilerOptions: settings, files: ['app.ts'] }),
  });
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [tsc, '-p', folder.path], { cwd: folder.path }, (_error, stdout) =>
      resolve(stdout),
    );
  });
  const lines = output.split('\n');
  const at = (line: number): string =>
    lines.slice(lines.findIndex((text) => text.startsWith(`app.ts(${line},`))).join('\n');
  expect(at(5)).toContain(
    `'the handlers of this class are typed for another pattern': "rooms/:roomId"`,
  );
  const event = `Argument of type '"mesage"' is not assignable to parameter of type '"message"'`;
  expect(at(8)).toContain(event);
  expect(at(9)).toContain("'txt' does not exist in type '{ text: string; }'");
  expect(at(15)).toContain("Property 'store' is missing");
  expect(at(17)).toContain(event);
  expect(at(18)).toContain(`'"pots"' is not assignable to parameter of type '"post"'`);
  expect(at(19)).toContain("'txt' does not exist in type '{ text: string; }'");
});
