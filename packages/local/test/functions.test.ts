import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startGateway } from '../src/dev/start-gateway.js';
import type { ReloadEvent } from '../src/lambda/versions.js';
import { openConnection } from './open-connection.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-functions-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Writes the file atomically, because a watcher must not see a half-written file. */
async function source(name: string, text: string): Promise<string> {
  const file = join(directory, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
  return file;
}

async function ask(url: string, text: string): Promise<string> {
  await using connection = await openConnection(url);
  connection.send(text);
  return await connection.receive();
}

const action = (name: string): string => JSON.stringify({ action: name });
const twoWay = (routeKey: string, name?: string) => ({ routeKey, twoWay: true, function: name });
/** The source of a function that answers with its name, its process and its number of calls. */
const tells = (name: string): string => `let count = 0;
  export const handler = async () => ({ statusCode: 200,
    body: JSON.stringify({ name: '${name}', pid: process.pid, count: ++count }) });`;
const parsed = async (answer: Promise<string>): Promise<Record<string, unknown>> =>
  JSON.parse(await answer) as Record<string, unknown>;

describe('several functions', () => {
  it('handle the routes that refer to them', async () => {
    await using gateway = await startGateway({
      quiet: true,
      functions: {
        post: { entry: await source('post/app.ts', tells('post')) },
        read: { entry: await source('read/app.ts', tells('read')) },
      },
      routes: [twoWay('post', 'post'), twoWay('read', 'read')],
    });
    expect(await parsed(ask(gateway.url, action('post')))).toMatchObject({ name: 'post' });
    expect(await parsed(ask(gateway.url, action('read')))).toMatchObject({ name: 'read' });
  });

  it('leave routes without a function to the function of entry', async () => {
    await using gateway = await startGateway({
      quiet: true,
      entry: await source('app.ts', tells('app')),
      functions: { app: { entry: await source('other/app.ts', tells('other')) } },
      routes: [twoWay('$default'), twoWay('other', 'app')],
    });
    expect(await parsed(ask(gateway.url, action('any')))).toMatchObject({ name: 'app' });
    expect(await parsed(ask(gateway.url, action('other')))).toMatchObject({ name: 'other' });
  });

  it('keep their state over all of their routes', async () => {
    await using gateway = await startGateway({
      quiet: true,
      functions: { one: { entry: await source('one.ts', tells('one')) } },
      routes: [twoWay('a', 'one'), twoWay('b', 'one')],
    });
    const first = await parsed(ask(gateway.url, action('a')));
    const second = await parsed(ask(gateway.url, action('b')));
    expect([first['count'], second]).toEqual([1, { ...first, count: 2 }]);
  });

  it('each have their own variables, memory, time-out and access key', async () => {
    const entry = await source(
      'vars.mjs',
      `export const other = async ({ body }, context) => {
        while (body.includes('spin'));
        const { env } = process;
        return { statusCode: 200, body: JSON.stringify({ ...env, arn: context.invokedFunctionArn }) };
      };`,
    );
    await using gateway = await startGateway({
      quiet: true,
      environment: { SHARED: 'all', WHO: 'nobody' },
      timeoutMs: 20_000,
      functions: {
        alice: { entry, handler: 'other', environment: { WHO: 'alice' }, memoryMb: 256 },
        bob: { entry, handler: 'other', timeoutMs: 300 },
      },
      routes: [twoWay('alice', 'alice'), twoWay('bob', 'bob')],
    });
    const alice = await parsed(ask(gateway.url, action('alice')));
    const bob = await parsed(ask(gateway.url, action('bob')));
    expect(alice).toMatchObject({
      AWS_LAMBDA_FUNCTION_NAME: 'alice',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      SHARED: 'all',
      WHO: 'alice',
      _HANDLER: 'vars.other',
      arn: 'arn:aws:lambda:us-east-1:123456789012:function:alice',
    });
    expect(bob).toMatchObject({ AWS_LAMBDA_FUNCTION_NAME: 'bob', SHARED: 'all', WHO: 'nobody' });
    expect(alice['AWS_ACCESS_KEY_ID']).not.toBe(bob['AWS_ACCESS_KEY_ID']);
    const spin = JSON.stringify({ action: 'bob', text: 'spin' });
    expect(await ask(gateway.url, spin)).toContain('Internal server error');
  });

  it('may include an authorizer', async () => {
    const authorizer = `export const handler = async (event) => ({
      principalId: event.queryStringParameters.token,
      policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke',
        Effect: event.queryStringParameters.token === 'eve' ? 'Deny' : 'Allow', Resource: event.methodArn }] } });`;
    await using gateway = await startGateway({
      quiet: true,
      entry: await source(
        'app.ts',
        `export const handler = async (event: any) => ({ statusCode: 200,
           body: event.requestContext.authorizer.principalId });`,
      ),
      functions: { auth: { entry: await source('auth.mjs', authorizer) } },
      routes: ['$connect', twoWay('$default')],
      authorizer: { function: 'auth', identitySources: ['route.request.querystring.token'] },
    });
    expect(await ask(`${gateway.url}?token=alice`, 'who?')).toBe('alice');
    await expect(openConnection(`${gateway.url}?token=eve`)).rejects.toThrow('403');
    await expect(openConnection(gateway.url)).rejects.toThrow('401');
  });

  it('do not disturb each other when one of them is reloaded', async () => {
    const reloads: ReloadEvent[] = [];
    const until = (count: number): Promise<void> =>
      vi.waitFor(() => expect(reloads).toHaveLength(count), { timeout: 10_000 });
    await using gateway = await startGateway({
      quiet: true,
      functions: {
        post: { entry: await source('post/app.ts', tells('post')) },
        read: { entry: await source('read/app.ts', tells('read')) },
      },
      routes: [twoWay('post', 'post'), twoWay('read', 'read')],
      watch: true,
      onReload: (event) => void reloads.push(event),
    });
    await using connection = await openConnection(gateway.url);
    const answer = async (name: string): Promise<Record<string, unknown>> => {
      connection.send(action(name));
      return parsed(connection.receive());
    };
    const read = await answer('read');
    expect(await answer('post')).toMatchObject({ name: 'post', count: 1 });

    await source('post/app.ts', tells('newer post'));
    await until(1);
    expect(await answer('post')).toMatchObject({ name: 'newer post', count: 1 });
    expect(await answer('read')).toEqual({ ...read, count: 2 });

    await source('post/app.ts', 'export const handler = ;');
    await until(2);
    expect(await answer('post')).toMatchObject({ name: 'newer post', count: 2 });
    expect(reloads).toMatchObject([
      { type: 'reloaded', functionName: 'post', closedConnections: false },
      { type: 'failed', functionName: 'post', error: { code: 'ERR_BUILD_FAILED' } },
    ]);
  });
});

describe('I15 a function with little memory', () => {
  /** Answers with the line of an error's stack, which may need the source map. */
  const failing = `export const handler = async ({ body }) => {
    try { return body.missing.length; } catch ({ stack }) {
      return { statusCode: 200, body: stack.split('\\n')[1] };
    }
  };`;

  it('starts with a large bundle, three of them at once', { timeout: 120_000 }, async () => {
    // Node compiles a function when it is called, so that this loads fast even on a busy machine.
    const lines = Array.from({ length: 400_000 }, (_, i) => `call(${i});`);
    const text = `export const large = (call) => {\n${lines.join('\n')}\n};`;
    await source('large.mjs', text);
    const entry = await source(
      'app.mjs',
      `import { large } from './large.mjs';
      globalThis.large = large;
      ${failing}`,
    );
    const names = ['one', 'two', 'three'];
    await using gateway = await startGateway({
      quiet: true,
      functions: Object.fromEntries(names.map((name) => [name, { entry, memoryMb: 128 }])),
      routes: names.map((name) => twoWay(name, name)),
    });
    const answers = names.map((name) => ask(gateway.url, action(name)));
    for (const answer of await Promise.all(answers)) expect(answer).toMatch(/app-1\.cjs:\d+/);
  });

  it('shows the lines of the sources if there is room for them', async () => {
    const entry = await source('app.mjs', `\n\n${failing}`);
    const routes = [twoWay('$default')];
    await using gateway = await startGateway({ quiet: true, entry, memoryMb: 128, routes });
    expect(await ask(gateway.url, 'any')).toMatch(/app\.mjs:4:/);
  });
});

describe('an entry', () => {
  it.each([
    [
      'an ES module in TypeScript',
      'app.ts',
      `import { EOL } from 'node:os';
       interface Event { body: string }
       export const handler = async ({ body }: Event) => ({ statusCode: 200, body: body + EOL.length });`,
    ],
    [
      'an ES module in JavaScript',
      'app.mjs',
      `import { EOL } from 'node:os';
       const { length } = await Promise.resolve(EOL);
       export const handler = async ({ body }) => ({ statusCode: 200, body: body + length });`,
    ],
    [
      'CommonJS in TypeScript',
      'app.cts',
      `import os = require('node:os');
       interface Event { body: string }
       export = { handler: async ({ body }: Event) => ({ statusCode: 200, body: body + os.EOL.length }) };`,
    ],
    [
      'CommonJS in JavaScript',
      'app.cjs',
      `const { EOL } = require('node:os');
       exports.handler = (event, context, callback) =>
         callback(null, { statusCode: 200, body: event.body + EOL.length });`,
    ],
    [
      'CommonJS in a .js file without a package.json',
      'app.js',
      `const { EOL } = require('node:os');
       module.exports.handler = async ({ body }) => ({ statusCode: 200, body: body + EOL.length });`,
    ],
  ])('may be %s', async (_kind, name, text) => {
    const entry = await source(name, text);
    await using gateway = await startGateway({ quiet: true, entry, routes: [twoWay('$default')] });
    expect(await ask(gateway.url, 'hello')).toBe('hello1');
  });
});

describe('a gateway does not start', () => {
  const functions = async () => ({ chat: { entry: await source('chat.ts', tells('chat')) } });

  it('without any function', async () => {
    await expect(startGateway({ quiet: true, routes: ['$default'] })).rejects.toMatchObject({
      code: 'ERR_FUNCTION_UNKNOWN',
      message: expect.stringContaining("startGateway({ entry: 'app.ts' })"),
    });
  });

  it('if a route refers to a missing function', async () => {
    const routes = [twoWay('$default', 'chta')];
    await expect(
      startGateway({ quiet: true, functions: await functions(), routes }),
    ).rejects.toMatchObject({
      code: 'ERR_FUNCTION_UNKNOWN',
      message: expect.stringContaining(
        'The route "$default" uses the function "chta", but there is only "chat".',
      ),
    });
  });

  it('if a route has no function and there is no entry', async () => {
    const starting = startGateway({
      quiet: true,
      functions: await functions(),
      routes: ['$default'],
    });
    await expect(starting).rejects.toMatchObject({
      code: 'ERR_FUNCTION_UNKNOWN',
      hint: "Give it one: { routeKey: '$default', function: 'NAME' }.",
    });
  });

  it('if the authorizer is not one of the functions', async () => {
    const starting = startGateway({
      quiet: true,
      functions: await functions(),
      routes: [twoWay('$connect', 'chat')],
      authorizer: { function: 'auth' },
    });
    await expect(starting).rejects.toMatchObject({
      message: expect.stringContaining('The authorizer uses the function "auth"'),
    });
  });

  it('if the routes of several functions are not known', async () => {
    await expect(startGateway({ quiet: true, functions: await functions() })).rejects.toMatchObject(
      {
        code: 'ERR_ROUTES_UNKNOWN',
      },
    );
  });

  it('if one of them fails to load, and ends the processes of the others', async () => {
    const pidFile = join(directory, 'pid');
    // This one is still loading when the other one has failed.
    const slow = `import { writeFileSync } from 'node:fs';
      await new Promise((resolve) => setTimeout(resolve, 500));
      writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
      export const handler = async () => {};`;
    const starting = startGateway({
      quiet: true,
      functions: {
        bad: { entry: await source('bad.ts', 'throw new Error("no luck");') },
        good: { entry: await source('good.mjs', slow) },
      },
      routes: [twoWay('$default', 'good')],
    });
    await expect(starting).rejects.toMatchObject({ code: 'ERR_LOAD_FAILED' });
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});
