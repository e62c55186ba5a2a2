import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCommand } from '../../../test/running-command.js';
import { type StartGatewayOptions, startGateway } from '../src/dev/start-gateway.js';
import type { ReloadEvent } from '../src/lambda/versions.js';
import { openConnection } from './open-connection.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-start-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

/** Writes the file atomically, because a watcher must not see a half-written file. */
async function source(text: string): Promise<string> {
  const file = join(directory, 'app.ts');
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
  return file;
}

const twoWay = [{ routeKey: '$default', twoWay: true }];

async function ask(url: string, text: string): Promise<string> {
  await using connection = await openConnection(url);
  connection.send(text);
  return await connection.receive();
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('startGateway()', () => {
  it('runs a TypeScript function behind a WebSocket', async () => {
    const entry = await source(
      'export const handler = async (event: { body: string }) => ({ statusCode: 200, body: event.body });',
    );
    await using gateway = await startGateway({ quiet: true, entry, routes: twoWay });
    expect(await ask(gateway.url, 'hello')).toBe('hello');
  });

  it('allows a function to post with the AWS SDK without configuration', async () => {
    const entry = fixture('posts-with-sdk.mjs');
    await using gateway = await startGateway({ quiet: true, entry, routes: ['$default'] });
    expect(await ask(gateway.url, 'hello')).toBe('hello');
  });

  it('6.4 6.6 allows a function exactly its permissions', async () => {
    const entry = fixture('posts-with-sdk.mjs');
    const allowing = (Resource: string) => ({
      entry,
      routes: ['$default'],
      permissions: {
        Statement: [
          { Effect: 'Allow' as const, Action: 'execute-api:ManageConnections', Resource },
        ],
      },
    });
    await using allowed = await startGateway(
      allowing('arn:aws:execute-api:*:*:*/POST/@connections/*'),
    );
    expect(await ask(allowed.url, 'hello')).toBe('hello');
    const details: string[] = [];
    await using denied = await startGateway({
      quiet: true,
      ...allowing('arn:aws:execute-api:*:*:*/GET/@connections/*'),
      onEvent: ({ detail }) => details.push(detail),
    });
    expect(await ask(denied.url, 'hello')).toContain('Internal server error');
    await vi.waitFor(() => expect(details).toHaveLength(1));
    expect(details[0]).toMatch(
      /^ForbiddenException: User: arn:aws:sts::123456789012:assumed-role\/posts-with-sdk\/posts-with-sdk is not authorized to perform: execute-api:ManageConnections on resource: /,
    );
  });

  it.each([
    [false, /INFO\tnot now\n$/],
    [true, /^$/],
  ])('shows the output of the function if quiet is not set: %s', async (quiet, stdout) => {
    const entry = await source("console.log('not now'); export const handler = async () => {};");
    const options = JSON.stringify({ entry, quiet, routes: ['$default'] });
    const module = fileURLToPath(new URL('../dist/index.js', import.meta.url));
    const program = `import { startGateway } from ${JSON.stringify(module)};
      await (await startGateway(${options})).close();`;
    await using running = startCommand(process.execPath, ['--input-type=module', '-e', program]);
    expect(await running.ended).toEqual({
      code: 0,
      stdout: expect.stringMatching(stdout),
      stderr: '',
    });
  });

  it('uses the routes of the app', async () => {
    await using gateway = await startGateway({ quiet: true, entry: fixture('chat-app.mjs') });
    expect(await ask(gateway.url, '{"action":"ping"}')).toBe('{"type":"pong"}');
    expect(await ask(gateway.url, '{"action":"other"}')).toContain('Forbidden');
  });

  it('runs an app of the framework', async () => {
    await using gateway = await startGateway({ quiet: true, entry: fixture('rooms/app.ts') });
    await using connection = await openConnection(gateway.url);
    connection.send('{"action":"subscribe","id":"1","channels":[{"channel":"rooms/7"}]}');
    expect(JSON.parse(await connection.receive())).toMatchObject({ type: 'reply', id: '1' });
    connection.send('{"action":"rooms.post","id":"2","channel":"rooms/7","data":"hello"}');
    const frames = [await connection.receive(), await connection.receive()].map((frame): unknown =>
      JSON.parse(frame),
    );
    expect(frames).toContainEqual(
      expect.objectContaining({ type: 'event', channel: 'rooms/7', data: { text: 'hello' } }),
    );
    expect(frames).toContainEqual(expect.objectContaining({ type: 'reply', id: '2' }));
  });

  it('uses the authorizer of an app', async () => {
    const entry = await source(`
      export const app = { manifest: { version: 1, authorizer: true,
        routes: [{ routeKey: '$connect' }, { routeKey: '$default', twoWay: true }] } };
      export const handler = async (event) => {
        if (event.type !== 'REQUEST') return { statusCode: 200, body: event.requestContext.authorizer.principalId };
        const { token } = event.queryStringParameters ?? {};
        if (token === undefined) throw new Error('Unauthorized');
        return { principalId: token, policyDocument: { Version: '2012-10-17', Statement: [
          { Action: 'execute-api:Invoke', Effect: 'Allow', Resource: event.methodArn }] } };
      };`);
    await using gateway = await startGateway({ quiet: true, entry });
    expect(await ask(`${gateway.url}?token=alice`, 'who?')).toBe('alice');
    await expect(openConnection(gateway.url)).rejects.toThrow('401');
  });

  it('gives the function the variables of Lambda, of the shell and of the option', async () => {
    vi.stubEnv('AWS_PROFILE', 'production');
    vi.stubEnv('FROM_SHELL', 'shell');
    vi.stubEnv('FROM_BOTH', 'shell');
    const entry = await source(
      'export const handler = async () => ({ statusCode: 200, body: JSON.stringify(process.env) });',
    );
    await using gateway = await startGateway({
      quiet: true,
      entry,
      routes: twoWay,
      environment: { FROM_BOTH: 'option' },
      apiId: 'a1b2c3d4e5',
      stage: 'test',
    });
    const variables: unknown = JSON.parse(await ask(gateway.url, 'which?'));
    expect(variables).toMatchObject({
      AWS_ACCESS_KEY_ID: expect.stringMatching(/^ASIA/),
      AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: gateway.endpoint,
      AWS_LAMBDA_FUNCTION_NAME: 'app',
      AWS_REGION: 'us-east-1',
      FROM_BOTH: 'option',
      FROM_SHELL: 'shell',
      GATECAST_API_ID: 'a1b2c3d4e5',
      GATECAST_ENDPOINT: gateway.endpoint,
      GATECAST_STAGE: 'test',
      TZ: ':UTC',
      _HANDLER: 'app.handler',
    });
    expect(variables).not.toHaveProperty('AWS_PROFILE');
  });

  it('answers with an error for a function that takes too long, and keeps working', async () => {
    const entry = await source(`export const handler = async ({ body }) => {
      while (body === 'spin');
      return { statusCode: 200, body };
    };`);
    await using gateway = await startGateway({
      quiet: true,
      entry,
      routes: twoWay,
      timeoutMs: 200,
    });
    expect(await ask(gateway.url, 'spin')).toContain('Internal server error');
    expect(await ask(gateway.url, 'hello')).toBe('hello');
  });

  it('leaves nothing behind when it closes', async () => {
    const temporary = join(directory, 'tmp');
    await mkdir(temporary);
    vi.stubEnv('TMPDIR', temporary);
    const entry = await source(
      'export const handler = async () => ({ statusCode: 200, body: String(process.pid) });',
    );
    const gateway = await startGateway({ quiet: true, entry, routes: twoWay });
    const pid = Number(await ask(gateway.url, 'who?'));
    expect(isRunning(pid)).toBe(true);
    await gateway.close();
    expect(isRunning(pid)).toBe(false);
    expect(await readdir(temporary)).toEqual([]);
  });
});

describe('a change of the source', () => {
  const versionOf = (version: string, manifest = ''): string => `${manifest}
    let messages = 0;
    export const handler = async () => {
      messages += 1;
      return { statusCode: 200, body: '${version} ' + messages };
    };`;

  interface Watching {
    readonly options: StartGatewayOptions;
    readonly reloads: ReloadEvent[];
  }

  function watching(entry: string, routes?: typeof twoWay): Watching {
    const reloads: ReloadEvent[] = [];
    const onReload = (event: ReloadEvent): void => void reloads.push(event);
    return { options: { entry, routes, watch: true, onReload }, reloads };
  }

  const until = (reloads: ReloadEvent[], count: number): Promise<void> =>
    vi.waitFor(() => expect(reloads).toHaveLength(count), { timeout: 10_000 });

  it('reaches the next message of a connection that stays open', async () => {
    const { options, reloads } = watching(await source(versionOf('old')), twoWay);
    await using gateway = await startGateway(options);
    await using connection = await openConnection(gateway.url);
    connection.send('a');
    expect(await connection.receive()).toBe('old 1');
    await source(versionOf('new'));
    await until(reloads, 1);
    connection.send('b');
    expect(await connection.receive()).toBe('new 1');
    expect(reloads).toEqual([{ type: 'reloaded', functionName: 'app', closedConnections: false }]);
  });

  it('closes every connection of an app that keeps its state in memory', async () => {
    const manifest = `export const app = { manifest: { version: 1, singleEnvironment: true,
      routes: [{ routeKey: '$default', twoWay: true }] } };`;
    const { options, reloads } = watching(await source(versionOf('old', manifest)));
    await using gateway = await startGateway(options);
    await using connection = await openConnection(gateway.url);
    connection.send('a');
    expect(await connection.receive()).toBe('old 1');
    await source(versionOf('new', manifest));
    expect(await connection.closed).toBe(1001);
    expect(await ask(gateway.url, 'b')).toBe('new 1');
    await until(reloads, 1);
    expect(reloads).toEqual([{ type: 'reloaded', functionName: 'app', closedConnections: true }]);
  });

  it('I4 is loaded even if onReload threw at the previous one', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { options, reloads } = watching(await source(versionOf('old')), twoWay);
    const onReload = (event: ReloadEvent): void => {
      reloads.push(event);
      throw new Error('not today');
    };
    await using gateway = await startGateway({ ...options, onReload });
    for (const version of ['new', 'newer']) {
      const count = reloads.length;
      await source(versionOf(version));
      await until(reloads, count + 1);
      expect(await ask(gateway.url, 'a')).toBe(`${version} 1`);
    }
    await gateway.close();
    expect(reloads.map(({ type }) => type)).toEqual(['reloaded', 'reloaded']);
    expect(stderr.mock.calls.join('')).toContain('onReload threw an error: Error: not today');
    stderr.mockRestore();
  });

  it('is loaded at once, though older ones hang while they are loaded', async () => {
    const { options, reloads } = watching(await source(versionOf('old')), twoWay);
    await using gateway = await startGateway(options);
    const loads = join(directory, 'loads');
    const hanging = (name: string): string =>
      `import { appendFileSync } from 'node:fs';
      appendFileSync(${JSON.stringify(loads)}, '${name} ');
      await new Promise((resolve) => setTimeout(resolve, 60_000));
      ${versionOf(name)}`;
    for (const name of ['first', 'second']) {
      await source(hanging(name));
      await vi.waitFor(async () => expect(await readFile(loads, 'utf8')).toContain(name), {
        timeout: 10_000,
      });
    }
    await source(versionOf('new'));
    await until(reloads, 1);
    expect(await ask(gateway.url, 'a')).toBe('new 1');
    expect(reloads).toMatchObject([{ type: 'reloaded' }]);
    expect(await readFile(loads, 'utf8')).toBe('first second ');
  });

  it('is ignored if it is a mistake', async () => {
    const { options, reloads } = watching(await source(versionOf('old')), twoWay);
    await using gateway = await startGateway(options);
    await source('export const handler = ;');
    await until(reloads, 1);
    await source('throw new Error("not now");');
    await until(reloads, 2);
    expect(await ask(gateway.url, 'a')).toBe('old 1');
    await source(versionOf('new'));
    await until(reloads, 3);
    expect(await ask(gateway.url, 'b')).toBe('new 1');
    expect(reloads).toMatchObject([
      { type: 'failed', error: { code: 'ERR_BUILD_FAILED' } },
      { type: 'failed', error: { code: 'ERR_LOAD_FAILED' } },
      { type: 'reloaded' },
    ]);
  });
});

describe('a process that dies', () => {
  const text = `let calls = 0;
    export const handler = async ({ body }: { body: string }) => {
      if (body === 'die') process.exit(1);
      calls += 1;
      return { statusCode: 200, body: 'call ' + calls };
    };`;

  it('closes every connection of an app that keeps its state in memory', async () => {
    const manifest = `export const app = { manifest: { version: 1, singleEnvironment: true,
      routes: [{ routeKey: '$default', twoWay: true }] } };`;
    await using gateway = await startGateway({
      quiet: true,
      entry: await source(`${manifest}${text}`),
    });
    await using witness = await openConnection(gateway.url);
    await using offender = await openConnection(gateway.url);
    witness.send('a');
    expect(await witness.receive()).toBe('call 1');
    offender.send('die');
    expect(JSON.parse(await offender.receive())).toMatchObject({
      message: 'Internal server error',
    });
    expect([await offender.closed, await witness.closed]).toEqual([1001, 1001]);
    expect(await ask(gateway.url, 'b')).toBe('call 1');
  });

  it('does not close connections of other functions', async () => {
    await using gateway = await startGateway({
      quiet: true,
      entry: await source(text),
      routes: twoWay,
    });
    await using witness = await openConnection(gateway.url);
    await using offender = await openConnection(gateway.url);
    offender.send('die');
    expect(JSON.parse(await offender.receive())).toMatchObject({
      message: 'Internal server error',
    });
    for (const connection of [offender, witness]) {
      connection.send('a');
      expect(await connection.receive()).toMatch(/^call [12]$/);
    }
  });
});

describe('a gateway does not start', () => {
  const good = 'export const handler = async () => {};';

  it('when the file is missing', async () => {
    const entry = join(directory, 'nowhere.ts');
    await expect(startGateway({ quiet: true, entry, routes: ['$default'] })).rejects.toMatchObject({
      code: 'ERR_ENTRY_NOT_FOUND',
      message: expect.stringContaining(`The file "${entry}" was not found.`),
    });
  });

  it.each([
    ['export const =', 'ERR_BUILD_FAILED', '[ERROR]'],
    ['throw new Error("no luck");', 'ERR_LOAD_FAILED', 'no luck'],
    ['export const other = 1;', 'ERR_HANDLER_NOT_FOUND', 'It exports "other".'],
  ])('when the file says %s', async (text, code, message) => {
    const entry = await source(text);
    await expect(startGateway({ quiet: true, entry, routes: ['$default'] })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  it.each(['my app.ts', 'app #1.ts', 'app%41.ts'])('and shows the line of %s', async (name) => {
    const entry = join(directory, name);
    await writeFile(entry, `interface Gone {}\n\n  throw new Error('no luck'); ${good}`);
    await expect(startGateway({ quiet: true, entry, routes: ['$default'] })).rejects.toMatchObject({
      message: expect.stringMatching(new RegExp(`[(/\\\\ ]${name}:3:9\\)?$`, 'm')),
    });
  });

  it.each([
    [
      `require(['val', 'ibot'].join(''))`,
      '"valibot" is not in the bundle, because its name is only computed when the code runs.',
    ],
    [`require(['./', 'part.js'].join(''))`, 'files beside the sources are not there'],
    [
      `require('node:fs').readFileSync(require('node:path').join(__dirname, 'data.bin'))`,
      'files beside the sources are not there',
    ],
    [`require('flexible')`, 'Install what is missing: npm install optional-one'],
  ])('when its code looks for what is not in the bundle: %s', async (text, hint) => {
    const flexible = join(directory, 'node_modules/flexible');
    await mkdir(flexible, { recursive: true });
    const manifest = { peerDependenciesMeta: { 'optional-one': { optional: true } } };
    await writeFile(join(flexible, 'package.json'), JSON.stringify(manifest));
    await writeFile(join(flexible, 'index.js'), `require('optional-one')`);
    const entry = await source(`${text}; ${good}`);
    await expect(startGateway({ quiet: true, entry, routes: ['$default'] })).rejects.toMatchObject({
      code: 'ERR_LOAD_FAILED',
      hint: expect.stringContaining(hint),
    });
  });

  it('if the routes are not known', async () => {
    await expect(startGateway({ quiet: true, entry: await source(good) })).rejects.toMatchObject({
      code: 'ERR_ROUTES_UNKNOWN',
      hint: expect.stringContaining("--routes '$connect,$disconnect,$default'"),
    });
  });

  it('if the manifest of the app is invalid', async () => {
    const app = 'export const app = { manifest: { version: 1, routes: [{ twoWay: true }] } };';
    await expect(
      startGateway({ quiet: true, entry: await source(`${app}${good}`) }),
    ).rejects.toMatchObject({
      code: 'ERR_MANIFEST_INVALID',
      message: expect.stringContaining('routes[0] of The manifest of "app"'),
    });
  });

  it('if the port is taken', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' ? (address?.port ?? 0) : 0);
      });
    });
    const starting = startGateway({
      quiet: true,
      entry: await source(good),
      routes: ['$default'],
      port,
    });
    await expect(starting).rejects.toMatchObject({
      code: 'ERR_PORT_TAKEN',
      message: expect.stringContaining(`Port ${port} is taken`),
    });
    await new Promise((resolve) => server.close(resolve));
  });
});
