import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CelEngine } from '@aws/cloudformation-validate';
import { iamActions, logActions } from '@gatecast/adapters/dynamodb';
import { createClient } from '@gatecast/client';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type CollectionTag, parse, type ScalarTag } from 'yaml';
import { startGateway } from '../src/dev/start-gateway.js';
import { writeTemplate } from '../src/dev/template/write-template.js';
import type { PolicyDocument } from '../src/index.js';
import { openConnection } from './open-connection.js';
import { gatecast, WEBSOCKET } from './run-command.js';
import { TemplateFolder } from './template-folder.js';

const TIME = { timeout: 90_000 };

/** An app that lets in two users, with a message that answers and one that does not. */
function appOf(store = 'dynamoDbStore()', more = '', options = ''): string {
  return `
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { redisStore } from '@gatecast/adapters/redis';
import { ClientError, composeStore, createApp, defineChannel, memoryStore } from '@gatecast/framework';
const rooms = defineChannel('rooms/:roomId', {
  ${options}
  messages: ({ message }) => ({
    post: message(async (text, ctx) => {
      await ctx.channel.publish('posted', { text, user: ctx.connection.userId });
      return { length: text.length };
    }),
    typing: message((_message, ctx) => ctx.channel.publish('typing', {}), { reply: false }),
  }),
});
function authorizer({ token }) {
  if (token !== 'ann' && token !== 'bob') throw new ClientError('ERR_UNAUTHORIZED', 'No.');
  return { userId: token };
}
export const app = createApp({ channels: [rooms], store: ${store}, authorizer });
export const handler = app.handler;
console.log('loading');
${more}
`;
}

/** Messages of the validator of AWS, except for those about style. */
function problemsOf(text: string): readonly string[] {
  const engine = new CelEngine();
  try {
    return engine
      .validateStandard({ path: 'template.yaml', readBytes: () => Buffer.from(text) })
      .diagnostics.filter(({ severity }) => severity !== 'INFO')
      .map(({ ruleId, message }) => `${ruleId} ${message}`);
  } finally {
    engine.free();
  }
}

/** Runs `gatecast template` in a folder with the app. */
async function written(app: string, args: readonly string[] = []) {
  await using folder = await TemplateFolder.with({ 'app.mjs': app });
  await using running = gatecast(['template', 'app.mjs', ...args], folder.path);
  return { code: await running.code, ...running.output };
}

/** Bundles with exactly the properties that a template has for `sam build`. */
async function buildAsTold(text: string, folder: string): Promise<void> {
  const { Resources } = parsed(text) as {
    readonly Resources: {
      readonly Function: { readonly Metadata: { readonly BuildProperties: BuildProperties } };
    };
  };
  const told = Resources.Function.Metadata.BuildProperties;
  const { EntryPoints, Target, Minify, MainFields, External, Format, ...others } = told;
  expect(others).toEqual({ Supported: ['dynamic-import=false'] });
  await build({
    absWorkingDir: folder,
    entryPoints: [...EntryPoints],
    target: Target,
    minify: Minify,
    mainFields: MainFields.split(','),
    external: [...External],
    format: Format,
    supported: { 'dynamic-import': false },
    bundle: true,
    platform: 'node',
    write: false,
    logLevel: 'silent',
  });
}

interface BuildProperties {
  readonly EntryPoints: readonly string[];
  readonly Target: string;
  readonly Minify: boolean;
  readonly MainFields: string;
  readonly External: readonly string[];
  readonly Format: 'cjs' | 'esm';
}

/** A session of two users: refusal, subscription, event, answer, one-way message, ping. */
async function session(url: string): Promise<void> {
  await expect(openConnection(`${url}?token=eve`)).rejects.toThrow('401');
  const [ann, bob] = ['ann', 'bob'].map((token) =>
    createClient({ url, WebSocket, token: () => token }),
  );
  const heard: unknown[] = [];
  const room = bob?.channel('rooms/1');
  room?.on('posted', (data) => heard.push(data));
  const typing = new Promise((resolve) => room?.on('typing', resolve));
  await room?.subscribe();
  const own = ann?.channel('rooms/1');
  await own?.subscribe();
  expect(await own?.send('post', 'hello')).toEqual({ length: 5 });
  await own?.send('typing', {}, { reply: false });
  expect(await typing).toEqual({});
  expect(heard).toEqual([{ text: 'hello', user: 'ann' }]);
  ann?.close();
  bob?.close();
  await using connection = await openConnection(`${url}?token=ann`);
  connection.send('{"action":"ping"}');
  expect(await connection.receive()).toBe('{"type":"pong"}');
}

describe('gatecast template', () => {
  it('L3 writes a template that gatecast dev --template runs', TIME, async () => {
    await using folder = await TemplateFolder.with({
      'src/app.mjs': appOf(),
      'package.json': '{}',
    });
    await mkdir(join(folder.path, 'infra'));
    const args = ['template', 'src/app.mjs', '--out', 'infra/template.yaml'];
    await using writing = gatecast(args, folder.path);
    expect([await writing.code, writing.output.stdout]).toEqual([0, '']);
    const text = await readFile(join(folder.path, 'infra/template.yaml'), 'utf8');
    expect(text).toContain('CodeUri: ".."\n');
    expect(text).toContain('EntryPoints: ["src/app.mjs"]\n');
    expect(problemsOf(text)).toEqual([]);
    const run = ['dev', '--template', 'infra/template.yaml', '--port', '0', '--ephemeral'];
    await using running = gatecast(run, folder.path);
    const url = await running.printed(WEBSOCKET);
    expect(url).toMatch(/\/prod$/);
    await session(url);
    expect(running.output.stderr).not.toContain('Warning');
  });

  it('allows the function what it does, and no more than that', TIME, async () => {
    await using folder = await TemplateFolder.with({ 'app.mjs': appOf() });
    await using writing = gatecast(['template', 'app.mjs'], folder.path);
    expect(await writing.code).toBe(0);
    await writeFile(join(folder.path, 'template.yaml'), writing.output.stdout);
    const policy = policyIn(writing.output.stdout);
    expect(policy.Statement.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      [
        'execute-api:ManageConnections',
        ['POST', 'DELETE'].map(
          (method) =>
            `arn:aws:execute-api:us-east-1:123456789012:local00000/prod/${method}/@connections/*`,
        ),
      ],
      [iamActions, 'Table.Arn'],
    ]);
    const { options } = await folder.read();
    await using gateway = await startGateway({ ...options, permissions: policy, quiet: true });
    await session(gateway.url);
  });

  it('lets the function log lines that a metric filter can read', TIME, async () => {
    const { stdout } = await written(appOf());
    expect(parsed(stdout)).toMatchObject({
      Resources: { Function: { Properties: { LoggingConfig: { LogFormat: 'JSON' } } } },
    });
  });

  it('prints only the template', TIME, async () => {
    const { code, stdout, stderr } = await written(appOf());
    expect(code).toBe(0);
    expect(stdout).toMatch(/^# Written by "gatecast template"/);
    expect(stdout).not.toContain('loading');
    expect(stderr).toContain('loading');
  });

  it('builds an ES module if the app needs one', TIME, async () => {
    const { stdout } = await written(appOf('dynamoDbStore()', 'await 0;'));
    expect(stdout).toContain('Format: esm\n        OutExtension: [.js=.mjs]\n        Banner:\n');
    expect(problemsOf(stdout)).toEqual([]);
  });

  it('bundles from the main fields that the app needs', TIME, async () => {
    const twice = { main: 'main.cjs', module: 'module.mjs' };
    await using folder = await TemplateFolder.with({
      'app.mjs': `import { one } from 'twice';\nimport 'twice/main.cjs';\n${appOf('dynamoDbStore()', 'one();')}`,
      'node_modules/twice/package.json': JSON.stringify(twice),
      'node_modules/twice/main.cjs': 'exports.one = () => {};',
      'node_modules/twice/module.mjs': 'export const one = () => {};',
    });
    await using running = gatecast(['template', 'app.mjs'], folder.path);
    expect(await running.code).toBe(0);
    expect(running.output.stdout).toContain('MainFields: main,module\n');
    expect(problemsOf(running.output.stdout)).toEqual([]);
  });

  it('leaves out of the bundle what is optional and not there', TIME, async () => {
    const peers = { 'optional-one': { optional: true }, '@optional/two': { optional: true } };
    await using folder = await TemplateFolder.with({
      'app.mjs': `import { load } from 'flexible';\n${appOf('dynamoDbStore()', 'load();')}`,
      'node_modules/flexible/package.json': JSON.stringify({
        main: 'index.js',
        peerDependenciesMeta: peers,
      }),
      'node_modules/flexible/index.js': `
        const loadIfThere = (load) => { try { load(); } catch {} };
        exports.load = () => {
          loadIfThere(() => require('optional-one/at/all.js'));
          loadIfThere(() => require('@optional/two'));
        };`,
    });
    await using running = gatecast(['template', 'app.mjs'], folder.path);
    expect(await running.code).toBe(0);
    const { stdout, stderr } = running.output;
    expect(stderr).toContain('are left out: @optional/two, optional-one\n');
    expect(problemsOf(stdout)).toEqual([]);
    await buildAsTold(stdout, folder.path);
    await using describing = gatecast(['manifest', 'app.mjs'], folder.path);
    expect(await describing.code).toBe(0);
    expect(JSON.parse(describing.output.stdout)).toMatchObject({
      external: ['@optional/two', 'optional-one'],
    });
  });

  it('asks for the URL of Redis', TIME, async () => {
    const { stdout } = await written(appOf("redisStore({ url: 'redis://localhost' })"));
    expect(stdout).toContain('GATECAST_REDIS_URL: !Ref RedisUrl\n');
    expect(stdout).toContain('GATECAST_KEY_PREFIX: !Ref KeyPrefix\n');
    expect(parsed(stdout)).toMatchObject({ Parameters: { RedisUrl: { NoEcho: true } } });
    expect(stdout).not.toContain('DynamoDB');
    expect(problemsOf(stdout)).toEqual([]);
  });

  it(
    'has both parts of a composed store, and of the table only what the log calls',
    TIME,
    async () => {
      const store = 'composeStore({ connections: redisStore(), log: dynamoDbStore() })';
      const { stdout } = await written(appOf(store, '', 'history: { retentionSeconds: 600 },'));
      expect(stdout).toContain('GATECAST_REDIS_URL: !Ref RedisUrl\n');
      expect(stdout).toContain('GATECAST_TABLE: !Ref Table\n');
      expect(stdout).toContain(
        'RouteKey: "history"\n      RouteResponseSelectionExpression: $default',
      );
      expect(stdout).toContain(
        'RouteKey: "sync"\n      RouteResponseSelectionExpression: $default',
      );
      expect(policyIn(stdout).Statement[1]).toMatchObject({ Action: logActions });
      expect(problemsOf(stdout)).toEqual([]);
    },
  );

  it('refuses an app with its state in memory', TIME, async () => {
    const { code, stdout, stderr } = await written(appOf('memoryStore()'));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(
      'The store of "app.mjs" (memory) is in the memory of one process, but Lambda runs several.\nUse a store that they share, such as dynamoDbStore()',
    );
  });
});

describe('the text of a template', () => {
  const write = (routeKeys: readonly string[], authorizer = false): string =>
    writeTemplate({
      manifest: {
        version: 1,
        authorizer,
        singleEnvironment: false,
        routes: routeKeys.map((routeKey) => ({ routeKey, integration: 'lambda', twoWay: true })),
      },
      format: 'cjs',
      mainFields: 'module,main',
      external: [],
      codeFolder: '.',
      entryPoint: 'app.ts',
      handler: 'app.handler',
      table: undefined,
    });

  it('gives every resource an id of its own', () => {
    const keys = ['$connect', 'a.b-c', 'a-b.c', 'a_b.c', 'connect', '12.5', 'ping.integration'];
    const text = write(keys);
    expect(problemsOf(text)).toEqual([]);
    const { Resources } = parsed(text) as { Resources: Record<string, { Properties: object }> };
    const found = Object.values(Resources).flatMap(({ Properties }) =>
      'RouteKey' in Properties ? [Properties.RouteKey] : [],
    );
    expect(found).toEqual(keys);
  });

  it('has an authorizer only if the app has one', () => {
    expect(write(['$connect'])).not.toContain('Authoriz');
    expect(write(['$connect'], true)).toContain('AuthorizationType: CUSTOM\n');
  });

  it('would be refused by the validator if it were wrong', () => {
    const text = write(['$connect']).replace('RouteKey:', 'RoutKey:');
    expect(problemsOf(text)).toContainEqual(expect.stringContaining("'RoutKey' was unexpected"));
  });
});

/** A template, with `!Sub` resolved as `gatecast dev` does and other functions as their argument. */
function parsed(text: string): unknown {
  const values: Readonly<Record<string, string>> = {
    'AWS::Partition': 'aws',
    'AWS::Region': 'us-east-1',
    'AWS::AccountId': '123456789012',
    Api: 'local00000',
    StageName: 'prod',
  };
  const customTags: (ScalarTag | CollectionTag)[] = [
    {
      tag: '!Sub',
      resolve: (from) =>
        from.replaceAll(/\$\{([^}]+)\}/g, (_, name: string) => values[name] ?? name),
    },
    { tag: '!Ref', resolve: (name) => name },
    { tag: '!GetAtt', resolve: (name) => name },
  ];
  return parse(text, { customTags, uniqueKeys: true });
}

/** The policy of the function in a template. */
function policyIn(text: string): PolicyDocument & {
  readonly Statement: readonly { readonly Action: unknown; readonly Resource: unknown }[];
} {
  const { Resources } = parsed(text) as {
    Resources: { Function: { Properties: { Policies: [ReturnType<typeof policyIn>] } } };
  };
  return Resources.Function.Properties.Policies[0];
}
