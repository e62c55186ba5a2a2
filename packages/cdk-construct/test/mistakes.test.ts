import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Duration, SecretValue, Stack } from 'aws-cdk-lib';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { afterAll, describe, expect, test } from 'vitest';
import { ConnectionWrites, type GatecastApiProps, RouteManifest, Store } from '../lib/index.js';
import {
  entry,
  manifest,
  manifestJson,
  newApi,
  newFunction,
  newStack,
  toldBy,
} from './synthesized.js';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('../../..', import.meta.url)).replace(/.$/, '');
const folder = mkdtempSync(join(tmpdir(), 'gatecast-mistakes-'));
afterAll(() => rmSync(folder, { recursive: true }));

function mistakeOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('No mistake was found.');
}

function fileWith(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

/** The message for a stack with its own resources. */
function messageOf(props: (stack: Stack) => Partial<GatecastApiProps>): string {
  const stack = newStack({ env: { region: 'us-east-1', account: '123456789012' } });
  return mistakeOf(() => newApi(props(stack), stack));
}

describe('refuses', () => {
  test.each<[string, (stack: Stack) => Partial<GatecastApiProps>]>([
    ['an entry that does not exist', () => ({ entry: 'no/such/app.ts', routes: undefined })],
    ['handler and entry', (stack) => ({ handler: newFunction(stack), entry: 'server/app.ts' })],
    ['neither handler nor entry', () => ({ entry: undefined })],
    [
      'handler with settings of another function',
      (stack) => ({
        handler: newFunction(stack),
        handlerOptions: { timeout: Duration.seconds(5) },
      }),
    ],
    ['a domain without a certificate', () => ({ domain: { domainName: 'chat.example.com' } })],
    ['a domain without a name', () => ({ domain: {} })],
    [
      'a domain that exists and is new',
      (stack) => ({
        domain: {
          domainName: 'chat.example.com',
          existing: apigwv2.DomainName.fromDomainNameAttributes(stack, 'Domain', {
            name: 'old.example.com',
            regionalDomainName: 'd-1.execute-api.us-east-1.amazonaws.com',
            regionalHostedZoneId: 'Z1',
          }),
        },
      }),
    ],
    [
      'an imported API whose endpoint is to be disabled',
      (stack) => ({
        api: apigwv2.WebSocketApi.fromWebSocketApiAttributes(stack, 'Api', { webSocketId: 'a1' }),
        domain: {
          existing: apigwv2.DomainName.fromDomainNameAttributes(stack, 'Domain', {
            name: 'old.example.com',
            regionalDomainName: 'd-1.execute-api.us-east-1.amazonaws.com',
            regionalHostedZoneId: 'Z1',
          }),
          disableExecuteApiEndpoint: true,
        },
      }),
    ],
    [
      'an API with another route selection expression',
      (stack) => ({
        api: new apigwv2.WebSocketApi(stack, 'Api', {
          routeSelectionExpression: '$request.body.type',
        }),
      }),
    ],
    ['a stage name with a dot', () => ({ stageName: 'my.stage' })],
    [
      'an API with routes',
      (stack) => {
        const api = new apigwv2.WebSocketApi(stack, 'Api');
        new apigwv2.CfnRoute(api, 'Own', { apiId: api.apiId, routeKey: '$connect' });
        return { api };
      },
    ],
    [
      'security groups without a VPC',
      (stack) => ({
        securityGroups: [ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-1')],
      }),
    ],
    [
      'throttling of an unknown route',
      () => ({ routeThrottle: { 'rooms.pots': { rateLimit: 1, burstLimit: 1 } } }),
    ],
  ])('%s', (_name, props) => {
    expect(messageOf(props).replaceAll(process.cwd(), '.')).toMatchSnapshot();
  });
});

const url = 'rediss://cache.example.com:6379';

describe('refuses as a store', () => {
  test.each<[string, (stack: Stack) => Partial<GatecastApiProps>]>([
    [
      'a table without a prefix',
      (stack) => ({
        store: Store.dynamoDb({ table: dynamodb.Table.fromTableName(stack, 'T', 'chat') }),
      }),
    ],
    [
      'a table with other keys',
      (stack) => ({
        store: Store.dynamoDb({
          table: new dynamodb.Table(stack, 'T', {
            partitionKey: { name: 'id', type: dynamodb.AttributeType.STRING },
            timeToLiveAttribute: 'ttl',
          }),
          keyPrefix: 'chat#',
        }),
      }),
    ],
    [
      'a table without time to live',
      (stack) => ({
        store: Store.dynamoDb({
          table: new dynamodb.Table(stack, 'T', {
            partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
            sortKey: { name: 'sk', type: dynamodb.AttributeType.STRING },
          }),
          keyPrefix: 'chat#',
        }),
      }),
    ],
    [
      'a TableV2 with keys that are numbers',
      (stack) => ({
        store: Store.dynamoDb({
          table: new dynamodb.TableV2(stack, 'T', {
            partitionKey: { name: 'pk', type: dynamodb.AttributeType.STRING },
            sortKey: { name: 'sk', type: dynamodb.AttributeType.NUMBER },
            timeToLiveAttribute: 'ttl',
          }),
          keyPrefix: 'chat#',
        }),
      }),
    ],
    [
      'a Redis address without a scheme',
      (stack) => ({
        routes: manifest({ store: 'redis' }),
        store: Store.redis({ vpc: new ec2.Vpc(stack, 'Vpc'), url: 'cache.example.com:6379' }),
      }),
    ],
    [
      'a Redis address without a host',
      () => ({
        routes: manifest({ store: 'redis' }),
        store: Store.redis({ url: 'redis://:6379' }),
      }),
    ],
    ['another store than the app has', () => ({ routes: manifest({ store: 'redis' }) })],
    [
      'no log where the app has one',
      () => ({ routes: manifest({ store: 'redis+dynamodb' }), store: Store.redis({ url }) }),
    ],
    [
      'a log where the app has none',
      () => ({
        routes: manifest({ store: 'redis' }),
        store: Store.redis({ url, log: Store.dynamoDb() }),
      }),
    ],
    ['the parts the other way round', () => ({ routes: manifest({ store: 'dynamodb+redis' }) })],
    ['a log in another Redis', () => ({ store: Store.redis({ url, log: Store.redis({ url }) }) })],
    [
      'a log with another prefix',
      (stack) => ({
        store: Store.redis({
          url,
          keyPrefix: 'chat:',
          log: Store.dynamoDb({
            table: dynamodb.Table.fromTableName(stack, 'T', 'chat'),
            keyPrefix: 'chat#',
          }),
        }),
      }),
    ],
    [
      'a log in a table without a prefix',
      (stack) => ({
        store: Store.redis({
          url,
          log: Store.dynamoDb({ table: dynamodb.Table.fromTableName(stack, 'T', 'chat') }),
        }),
      }),
    ],
    [
      'a store in memory',
      () => ({ routes: manifest({ store: 'memory', singleEnvironment: true }) }),
    ],
  ])('%s', (_name, props) => {
    expect(messageOf(props)).toMatchSnapshot();
  });

  test('a table of this stack for a handler of another one', () => {
    const stack = newStack();
    const handler = newFunction(new Stack(stack.node.scope, 'Functions'));
    expect(mistakeOf(() => newApi({ handler }, stack))).toMatchSnapshot();
  });
});

describe('a Redis in a VPC', () => {
  const withRedis = (stack: Stack): Partial<GatecastApiProps> => ({
    routes: manifest({ store: 'redis' }),
    store: Store.redis({ url, vpc: new ec2.Vpc(stack, 'Vpc') }),
  });

  test('has no handler outside of it', () => {
    expect(
      messageOf((stack) => ({ ...withRedis(stack), handler: newFunction(stack) })),
    ).toMatchInlineSnapshot(
      `"GatecastApi "Test/Chat": the function "Test/Function" is in no VPC, and the cluster of Store.redis() is in "Test/Vpc". Put the function into that VPC."`,
    );
  });

  test('has no publisher outside of it', () => {
    const stack = newStack();
    const chat = newApi(withRedis(stack), stack);
    expect(mistakeOf(() => chat.connectPublisher(newFunction(stack)))).toContain(
      'the function "Test/Function" is in no VPC',
    );
  });

  test('has functions inside of it', () => {
    const stack = newStack();
    const props = withRedis(stack);
    const vpc = stack.node.findChild('Vpc') as ec2.Vpc;
    const chat = newApi({ ...props, handler: newFunction(stack, 'Handler', { vpc }) }, stack);
    expect(() => chat.connectPublisher(newFunction(stack, 'Other', { vpc }))).not.toThrow();
  });
});

test.each([
  ['rediss://:secret@cache.example.com:6379', true],
  ['rediss://ann:secret@cache.example.com', true],
  ['rediss://ann@cache.example.com:6379', false],
  ['rediss://cache.example.com:6379/1', false],
  [SecretValue.secretsManager('cache').unsafeUnwrap(), false],
])('warns of a password in the template', (address, isWarned) => {
  const stack = newStack();
  newApi({ routes: manifest({ store: 'redis' }), store: Store.redis({ url: address }) }, stack);
  expect(toldBy(stack).includes('passwordInTemplate')).toBe(isWarned);
  expect(toldBy(stack)).not.toContain('secret@');
});

describe('refuses as a manifest', () => {
  const masked = (text: string): string => text.replaceAll(folder, 'FOLDER');

  test.each<[string, () => RouteManifest]>([
    ['a file that is missing', () => RouteManifest.fromFile(join(folder, 'none.json'))],
    ['no JSON', () => RouteManifest.fromFile(fileWith('text.json', 'routes'))],
    ['another version', () => RouteManifest.fromJson({ ...manifestJson(), version: 2 })],
    ['no routes', () => RouteManifest.fromJson('{"version":1}')],
    ['a route without a key', () => RouteManifest.fromJson({ version: 1, routes: [{}] })],
    [
      'a route twice',
      () => {
        const { routes, ...rest } = manifestJson() as { routes: unknown[] };
        return RouteManifest.fromJson({ ...rest, routes: [...routes, routes[7]] });
      },
    ],
    ['a flag that is a text', () => manifest({ hasHistory: 'yes' })],
    ['no $connect', () => RouteManifest.fromJson({ version: 1, routes: [] })],
    [
      'more routes than an API may have',
      () =>
        manifest(
          {},
          Array.from({ length: 295 }, (_, index) => ({
            routeKey: `rooms.m${index}`,
            integration: 'lambda' as const,
            twoWay: false,
          })),
        ),
    ],
    ['an entry that exports no app', () => RouteManifest.fromEntry(entry)],
  ])('%s', (_name, read) => {
    const text = masked(mistakeOf(read)).replaceAll(process.cwd(), '.');
    expect(text).toMatchSnapshot();
  });

  test('one of another app', () => {
    const file = fileWith('routes.json', JSON.stringify(manifestJson({ entry: 'other.ts' })));
    const text = messageOf(() => ({ routes: RouteManifest.fromFile(file) }));
    expect(masked(text).replaceAll(process.cwd(), '.')).toMatchSnapshot();
  });

  test('of another app by fromEntry()', () => {
    const chat = join(root, 'examples/chat/server/app.ts');
    const text = messageOf(() => ({ routes: RouteManifest.fromEntry(chat) }));
    expect(text.replaceAll(root, '.')).toMatchSnapshot();
  });

  test('no authorizer, without a word about it', () => {
    const stack = newStack();
    newApi({ authorizer: undefined }, stack);
    const told = stack.node.findChild('Chat').node.metadata;
    expect(told.map(({ data }) => data)).toMatchSnapshot();
  });
});

describe('direct writes', () => {
  const direct = { connectionWrites: ConnectionWrites.DIRECT };

  test.each<[string, (stack: Stack) => Partial<GatecastApiProps>]>([
    ['a connect handler', () => ({ routes: manifest({ hasConnect: true }) })],
    ['a disconnect handler', () => ({ routes: manifest({ hasDisconnect: true }) })],
    [
      "plugins' hooks",
      () => ({ routes: manifest({ hasConnectHook: true, hasDisconnectHook: true }) }),
    ],
    ['automatic subscription', () => ({ routes: manifest({ autoSubscribes: true }) })],
    [
      'origins without an authorizer function',
      () => ({ routes: manifest({ origins: ['https://example.com'] }) }),
    ],
    ['an authorizer that runs in $connect', () => ({ routes: manifest({ authorizer: true }) })],
    [
      'a key prefix that a template would read',
      (stack) => ({
        store: Store.dynamoDb({
          table: dynamodb.Table.fromTableName(stack, 'T', 'chat'),
          keyPrefix: '#if(true)',
        }),
      }),
    ],
    [
      'a manifest of an older release',
      () => {
        const { hasUnsubscribe: _one, hasUnsubscribeHook: _two, ...older } = manifestJson();
        return { routes: RouteManifest.fromJson(older) };
      },
    ],
    ['no manifest', () => ({ routes: undefined })],
    [
      'Redis',
      (stack) => ({
        routes: manifest({ store: 'redis' }),
        store: Store.redis({ vpc: new ec2.Vpc(stack, 'Vpc'), url: 'redis://cache:6379' }),
      }),
    ],
    [
      'a table that only has the log',
      () => ({
        routes: manifest({ store: 'redis+dynamodb' }),
        store: Store.redis({ url, log: Store.dynamoDb() }),
      }),
    ],
  ])('are refused with %s', (_name, props) => {
    expect(messageOf((stack) => ({ ...props(stack), ...direct }))).toMatchSnapshot();
  });

  test('are possible when the authorizer of the app checks origins', () => {
    const routes = manifest({ authorizer: true, origins: ['https://example.com'] });
    const props = { routes, authorizer: undefined, ...direct };
    expect(() => newApi(props)).not.toThrow();
  });
});

test.each([
  ['nowhere', "request === 'esbuild'"],
  ["not in the app's folder", "request === 'esbuild' && !parent.filename.includes('aws-cdk-lib')"],
])('esbuild is %s', (_name, isMissing) => {
  const script = fileWith(
    'synth.cjs',
    `const Module = require('node:module');
const resolve = Module._resolveFilename;
Module._resolveFilename = (request, parent, ...rest) => {
  if (${isMissing}) throw new Error('Cannot find it');
  return resolve(request, parent, ...rest);
};
const { App, Stack } = require(${JSON.stringify(require.resolve('aws-cdk-lib'))});
const { GatecastApi } = require(${JSON.stringify(require.resolve('../lib/index.js'))});
try {
  new GatecastApi(new Stack(new App(), 'Test'), 'Chat', { entry: ${JSON.stringify(entry)} });
} catch (error) {
  process.stdout.write(error.message);
}`,
  );
  const env = { PATH: '' };
  const { stdout } = spawnSync(process.execPath, [script], { encoding: 'utf8', env });
  expect(stdout.replaceAll(root, '.')).toMatchSnapshot();
});
