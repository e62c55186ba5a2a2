import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createPublisher } from '@gatecast/framework';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startGateway } from '../src/dev/start-gateway.js';
import {
  commandsIn,
  portOf,
  printed,
  type Running,
  startGatecast,
  urlOf,
} from './gatecast-command.js';
import { type Connection, openConnection } from './open-connection.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const gatecast = join(here, '../bin/gatecast.js');
const slow = { timeout: 120_000 };

/** The folder of a project. */
let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'gatecast-project-'));
  await symlink(join(here, '../../../node_modules'), join(project, 'node_modules'), 'dir');
});

afterEach(async () => {
  await rm(project, { recursive: true });
});

const { run, dev, write } = commandsIn(() => project);

describe('another process', slow, () => {
  beforeEach(async () => {
    await cp(join(here, 'fixtures/rooms-on-dynamodb'), project, { recursive: true });
  });

  async function subscribed(running: Running): Promise<Connection> {
    const connection = await openConnection(await urlOf(running));
    connection.send('{"action":"subscribe","id":"1","channels":[{"channel":"rooms/1"}]}');
    expect(await connection.receive()).toContain('"live"');
    return connection;
  }

  it('J1 gatecast invoke runs a function that publishes to a client of gatecast dev', async () => {
    await using running = dev('app.ts');
    await using client = await subscribed(running);
    await write('event.json', '{"body":"from a REST API"}');
    const port = await portOf(running);
    const invoked = await run('invoke', 'rest.ts', '--event', 'event.json', '--port', port);
    expect(JSON.parse(invoked.stdout)).toEqual({ statusCode: 200, delivered: 1 });
    expect(invoked.stderr).toMatch(/\tINFO\tpublishing for rest\n$/);
    expect(invoked.code).toBe(0);
    expect(await client.receive()).toContain('from a REST API');

    const failed = await run('invoke', 'rest.ts', '--handler', 'fails', '--port', port);
    expect([failed.code, failed.stdout]).toEqual([1, '']);
    expect(failed.stderr).toContain('"rest.ts" failed with RangeError: out of stock\n');
    const absent = await run('invoke', 'rest.ts', '--handler', 'nobody', '--port', port);
    expect([absent.code, absent.stdout]).toEqual([1, '']);
    expect(absent.stderr).toContain('"rest.ts" does not export a function "nobody".');
  });

  it.skipIf(process.platform === 'win32')(
    'J1 gatecast env gives a shell the environment to publish with',
    async () => {
      await using running = dev('app.ts');
      await using client = await subscribed(running);
      const port = await portOf(running);
      await write(
        'publish.mjs',
        `import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
        import { createPublisher } from '@gatecast/framework';
        const realtime = createPublisher({ store: dynamoDbStore() });
        await realtime.channel('rooms/1').publish('said', { text: process.env.GATECAST_URL });`,
      );
      const script = (of: string): string =>
        `eval "$('${process.execPath}' '${gatecast}' env --port ${of})" && '${process.execPath}' publish.mjs`;
      await promisify(execFile)('sh', ['-c', script(port)], { cwd: project });
      expect(await client.receive()).toContain(`ws://localhost:${port}/dev`);
      // Otherwise the script would run without the variables, against AWS.
      await expect(
        promisify(execFile)('sh', ['-c', script('9')], { cwd: project }),
      ).rejects.toMatchObject({
        code: 1,
        stderr: expect.not.stringContaining('publish.mjs'),
      });
      expect(await run('env', '--port', '9', '--format', 'powershell')).toMatchObject({
        code: 1,
        stdout: "throw 'gatecast env failed'\n",
      });

      const file = join(project, `.gatecast/port-${port}.json`);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(await readFile(join(project, '.gatecast/.gitignore'), 'utf8')).toBe('*\n');
      running.kill('SIGTERM');
      await running.ended;
      await expect(stat(file)).rejects.toThrow('ENOENT');
    },
  );
});

it('J1 a test publishes with the environment of startGateway', slow, async () => {
  const entry = join(here, 'fixtures/rooms-on-dynamodb/app.ts');
  await using gateway = await startGateway({ entry, quiet: true });
  const { GATECAST_URL = '' } = gateway.environment;
  expect(GATECAST_URL).toBe(gateway.url);
  await using client = await openConnection(GATECAST_URL);
  client.send('{"action":"subscribe","id":"1","channels":[{"channel":"rooms/1"}]}');
  expect(await client.receive()).toContain('"live"');
  try {
    vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
    for (const [name, value] of Object.entries(gateway.environment)) vi.stubEnv(name, value);
    const realtime = createPublisher({ store: dynamoDbStore() });
    await realtime.channel('rooms/1').publish('said', { text: 'from a test' });
  } finally {
    vi.unstubAllEnvs();
  }
  expect(await client.receive()).toContain('from a test');
});

const echo = 'export const handler = async ({ body }) => ({ statusCode: 200, body });';

describe('gatecast env', slow, () => {
  it('J1 prints the variables for PowerShell and for a file, too', async () => {
    await write('app.mjs', echo);
    const env = { GATECAST_TABLE: "it's it’s" };
    const args = ['dev', 'app.mjs', '--routes', '$default', '--port', '0'];
    await using running = startGatecast(args, { cwd: project, env });
    const port = await portOf(running);
    const shown = async (format: string): Promise<string> =>
      (await run('env', '--port', port, '--format', format)).stdout;
    const endpoint = `http://localhost:${port}/dev`;
    expect(await shown('sh')).toContain(`export GATECAST_ENDPOINT='${endpoint}'\n`);
    expect(await shown('sh')).toContain("export GATECAST_TABLE='it'\\''s it’s'\n");
    expect(await shown('powershell')).toContain(`$env:GATECAST_ENDPOINT = '${endpoint}'\n`);
    expect(await shown('powershell')).toContain("$env:GATECAST_TABLE = 'it''s it’’s'\n");
    expect(await shown('dotenv')).toContain(`GATECAST_ENDPOINT='${endpoint}'\n`);
    await write('.env', await shown('dotenv'));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--env-file=.env', '-p', 'process.env.GATECAST_TABLE'],
      { cwd: project },
    );
    expect(stdout).toBe("it's it’s\n");
    expect(await run('env', '--port', port, '--format', 'csv')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--format takes one of sh, powershell, dotenv, not "csv".'),
    });
  });

  it('J1 is not needed by gatecast dev, which also runs where it can write nothing', async () => {
    await write('app.mjs', echo);
    await write('.gatecast', 'not a folder');
    await using running = dev('app.mjs', '--routes', '$default');
    await printed(running, /Inspect/);
    expect(running.output.stderr).toMatch(
      /^"gatecast env" and "gatecast invoke" will not find this gateway: .+\n$/,
    );
  });

  it('J1 keeps the access key from every request to the port', async () => {
    await write('app.mjs', echo);
    await using running = dev('app.mjs', '--routes', '$default', '--static', '.');
    const port = await portOf(running);
    const { stdout } = await run('env', '--port', port, '--format', 'dotenv');
    const [, secret = ''] = /AWS_SECRET_ACCESS_KEY='(.+)'/.exec(stdout) ?? [];
    expect(secret).not.toBe('');
    for (const path of ['@gatecast/state', '@gatecast/env', `.gatecast/port-${port}.json`]) {
      const answer = await fetch(`http://localhost:${port}/${path}`);
      expect([path, (await answer.text()).includes(secret)]).toEqual([path, false]);
    }
    expect(await readdir(join(project, '.gatecast'))).toContain(`port-${port}.json`);
  });

  it('J1 says that the gateway runs in another folder, also if a killed one left its file', async () => {
    await write('app.mjs', echo);
    await using running = dev('app.mjs', '--routes', '$default');
    const port = await portOf(running);
    await using elsewhere = startGatecast(['env', '--port', port], { cwd: here });
    const { code, stdout, stderr } = await elsewhere.ended;
    expect([code, stdout]).toEqual([1, 'false\n']);
    expect(stderr).toContain(
      `The "gatecast dev" on port ${port} was not started in this folder, or is still starting.\n`,
    );
    const free = await run('env', '--port', '9');
    expect(free.stderr).toContain(
      `In this folder, "gatecast dev" was started with: --port ${port}.`,
    );
    await write(`.gatecast/port-${port}.json`, '{"pid":1,"environment":{"SECRET":"old"}}');
    expect(await run('env', '--port', port)).toMatchObject({ code: 1, stdout: 'false\n' });
  });
});

describe('gatecast invoke', slow, () => {
  it('J1 runs a function of the template, with its variables and handler', async () => {
    await write('chat.mjs', echo);
    await write(
      'orders.mjs',
      `import { ApiGatewayManagementApi } from '@aws-sdk/client-apigatewaymanagementapi';
      export const place = async (event) => {
        const { ADDRESS, AWS_LAMBDA_FUNCTION_MEMORY_SIZE } = process.env;
        const given = Object.keys(process.env).filter((name) => /^GATECAST_|_ENDPOINT_URL/.test(name));
        const api = new ApiGatewayManagementApi({ endpoint: ADDRESS.replace(/local$/, 'dev') });
        const nobody = { ConnectionId: 'AAAAAAAAAAACAAA=' };
        const names = [
          await api.getConnection(nobody).catch(({ name }) => name),
          await api.deleteConnection(nobody).catch(({ name }) => name),
        ];
        return { event, given, names, ADDRESS, AWS_LAMBDA_FUNCTION_MEMORY_SIZE };
      };`,
    );
    const sub = (text: string): object => ({ 'Fn::Sub': text });
    const lambda = (Handler: string, more: object = {}): object => ({
      Type: 'AWS::Serverless::Function',
      Properties: { CodeUri: '.', Handler, Runtime: 'nodejs22.x', ...more },
    });
    const ADDRESS = sub(
      'https://${Api}.execute-api.${AWS::Region}.amazonaws.com/${AWS::StackName}',
    );
    const uri = 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions';
    const Resources = {
      Api: {
        Type: 'AWS::ApiGatewayV2::Api',
        Properties: {
          Name: 'chat',
          ProtocolType: 'WEBSOCKET',
          RouteSelectionExpression: '$request.body.action',
        },
      },
      Chat: lambda('chat.handler'),
      Integration: {
        Type: 'AWS::ApiGatewayV2::Integration',
        Properties: {
          ApiId: { Ref: 'Api' },
          IntegrationType: 'AWS_PROXY',
          IntegrationUri: sub(`${uri}/\${Chat.Arn}/invocations`),
        },
      },
      Permission: {
        Type: 'AWS::Lambda::Permission',
        Properties: {
          Action: 'lambda:InvokeFunction',
          FunctionName: { Ref: 'Chat' },
          Principal: 'apigateway.amazonaws.com',
        },
      },
      Default: {
        Type: 'AWS::ApiGatewayV2::Route',
        Properties: {
          ApiId: { Ref: 'Api' },
          RouteKey: '$default',
          Target: sub('integrations/${Integration}'),
        },
      },
      OrdersFunction: lambda('orders.place', {
        MemorySize: 256,
        Environment: { Variables: { ADDRESS } },
        Policies: [
          {
            Statement: [
              {
                Effect: 'Allow',
                Action: 'execute-api:ManageConnections',
                Resource: 'arn:aws:execute-api:*:*:*/*/DELETE/*',
              },
            ],
          },
        ],
      }),
    };
    await write('template.json', JSON.stringify({ Resources }));
    await using running = dev('--template', 'template.json');
    const port = await vi.waitFor(
      () => {
        const [, found] = /ws:\/\/localhost:(\d+)/.exec(running.output.stdout) ?? [];
        expect(found).toBeDefined();
        return found ?? '';
      },
      { timeout: 60_000 },
    );
    const { stdout } = await run('invoke', 'OrdersFunction', '--port', port);
    expect(JSON.parse(stdout)).toEqual({
      event: {},
      given: [],
      // It has the role of the template: it may close connections, but not look them up.
      names: ['ForbiddenException', 'GoneException'],
      ADDRESS: 'https://local00000.execute-api.us-east-1.amazonaws.com/local',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    });
    const unknown = await run('invoke', 'Nobody', '--port', port);
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toBe(
      '"Nobody" is neither a file nor a function of "template.json".\n' +
        'Pass a file, or one of the functions: Chat, OrdersFunction.\n',
    );
  });

  it.each([
    [[], 'The entry file is missing.'],
    [['a.ts', '--event', 'none.json'], '--event names the file "none.json", which cannot be read.'],
    [['a.ts', '--event', 'text'], '--event names the file "text", which is not JSON.'],
    [['a.ts', '--port', '0'], '--port takes a whole number from 1 to 65,535, not "0".'],
  ])('J1 refuses %j', async (args, message) => {
    await write('text', 'hello');
    const { code, stderr } = await run('invoke', ...args);
    expect([code, stderr]).toEqual([
      2,
      `${message}\nRun "gatecast invoke --help" to see the usage.\n`,
    ]);
  });
});

describe('gatecast dev', slow, () => {
  it('J7 names the page that inspects, and that of --static', async () => {
    await write('app.mjs', echo);
    await write('index.html', '<title>chat</title>');
    await using running = dev('app.mjs', '--routes', '$default', '--static', '.');
    const port = await portOf(running);
    await printed(running, /Inspect/);
    expect(running.output.stdout).toBe(
      [
        `Page       http://localhost:${port}/`,
        `WebSocket  ws://localhost:${port}/dev`,
        `Inspect    http://localhost:${port}/@gatecast/`,
        '\n',
      ].join('\n'),
    );
  });

  it('J7 tells where the API is if a client asks for another path', async () => {
    await write('app.mjs', echo);
    await using running = dev('app.mjs', '--routes', '$default');
    const port = await portOf(running);
    const wrong = `ws://localhost:${port}/prod?token=secret`;
    await expect(openConnection(wrong)).rejects.toThrow('403');
    await fetch(`http://localhost:${port}/favicon.ico`);
    await fetch(`http://localhost:${port}/prod/@connections/x`, { method: 'POST' });
    const path = 'POST /prod/@connections/x';
    await printed(running, new RegExp(`HTTP .* refused .* 403 ${path}: the API is at /dev$`, 'm'));
    expect(running.output.stdout).toMatch(
      /\$connect .* refused .* 403 GET \/prod: the API is at \/dev$/m,
    );
    expect(running.output.stdout).not.toMatch(/secret|favicon/);
  });

  it('J7 says that it reloads, and then the result', async () => {
    await write('app.mjs', echo);
    await using running = dev('app.mjs', '--routes', '$default');
    await urlOf(running);
    await write('app.mjs', `${echo} export const version = 2;`);
    await printed(running, /reloaded$/m);
    expect(running.output.stdout).toMatch(/^\d\d:\S+ {2}Reloading …\n\d\d:\S+ {2}reloaded$/m);
  });

  it('J3 L6 M4 tells refused from fine, and lets logger() print each event', async () => {
    const entry = join(here, 'fixtures/refusing-app.ts');
    await using running = dev(entry);
    await using client = await openConnection(await urlOf(running));
    const ask = async (frame: object): Promise<void> => {
      client.send(JSON.stringify(frame));
      await client.receive();
    };
    const channels = ['rooms/1', 'rooms/secret'].map((channel) => ({ channel }));
    const at = { channel: 'rooms/1' };
    await ask({ action: 'subscribe', id: '1', channels: channels.slice(0, 1) });
    await ask({ action: 'subscribe', id: '2', channels });
    await ask({ action: 'rooms.post', id: '3', ...at, data: { text: 3 } });
    await ask({ action: 'rooms.fail', id: '4', ...at });
    await ask({ action: 'rooms.unknown', id: '5', ...at });
    await ask({ action: 'rooms.later', id: '6', ...at });
    expect(await client.closed).toBe(1001);
    await printed(running, /\$disconnect .* ok /);
    const line = /^\d\d:[\d:.]{9} {2}(\S+) +\S{16} {2}(\w+(?: \w+)*) +\d+ ms {2}(.*)$/gm;
    const rows = [...running.output.stdout.matchAll(line)].map((found) => found.slice(1));
    expect(rows).toEqual([
      ['$connect', 'ok', '200'],
      ['subscribe', 'ok', '200'],
      ['subscribe', 'refused', 'ERR_FORBIDDEN, 1 of 2 channels'],
      ['rooms.post', 'refused', 'ERR_VALIDATION: text'],
      ['rooms.fail', 'failed', 'ERR_INTERNAL'],
      [
        '$default',
        'refused',
        'ERR_ACTION_UNKNOWN: There is no action "rooms.unknown": the channel class "rooms" has no message "unknown".',
      ],
      ['rooms.later', 'ok', '200'],
      ['$disconnect', 'ok', expect.stringMatching(/^200 /)],
    ]);
    const { stdout, stderr } = running.output;
    expect(stdout).toMatch(/\tINFO\t\{"level":"INFO",.*"route":"rooms\.later","outcome":"ok"/);
    expect(stderr).toMatch(
      /refusing-app\.ts" ended between two invocations: Runtime exited with error: exit status 1\. Its memory is lost, so every connection is closed\./,
    );
  });

  it('J3 prints one line for a token that the authorizer refuses', async () => {
    await using running = dev(join(here, 'fixtures/guarded-app.ts'));
    const url = await urlOf(running);
    await expect(openConnection(`${url}?token=old`)).rejects.toThrow('401');
    await printed(running, / authorizer .* refused .* ERR_UNAUTHORIZED: the claim/);
    expect(running.output.stderr).toBe('');
  });

  it('J3 prints the error of an authorizer that fails', async () => {
    await write(
      'app.mjs',
      `export const app = { manifest: { version: 1, authorizer: true, routes: [{ routeKey: '$connect' }] } };
      export const handler = async () => { throw new Error('Unauthorized, and more'); };`,
    );
    await using running = dev('app.mjs');
    await expect(openConnection(await urlOf(running))).rejects.toThrow('500');
    await printed(running, / authorizer .* failed /);
    await vi.waitFor(() => expect(running.output.stderr).toContain('Unauthorized, and more'));
  });

  it('says that it is at work if the start takes long', async () => {
    await write('app.mjs', `await new Promise((resolve) => setTimeout(resolve, 2_000));\n${echo}`);
    await using running = dev('app.mjs', '--routes', '$default');
    await urlOf(running);
    expect(running.isAtWork()).toBe(true);
  });

  it('M4 leaves out what logger() prints at a lower level if the shell says so', async () => {
    const entry = join(here, 'fixtures/refusing-app.ts');
    const options = { cwd: project, env: { GATECAST_LOG_LEVEL: 'warn' } };
    await using running = startGatecast(['dev', entry, '--port', '0'], options);
    await (await openConnection(await urlOf(running)))[Symbol.asyncDispose]();
    await printed(running, /\$connect .* ok /);
    expect(running.output.stdout).not.toContain('INFO');
  });

  it('a second one in a folder names the first, and the way to run both', async () => {
    await write('app.mjs', echo);
    await using first = dev('app.mjs', '--routes', '$default');
    const port = await portOf(first);
    await printed(first, /Inspect/);
    const second = await run('dev', 'app.mjs', '--routes', '$default', '--port', port);
    expect([second.code, second.stdout]).toEqual([1, '']);
    expect(second.stderr).toMatch(
      new RegExp(
        `^"gatecast dev" already runs in this folder, on port ${port} \\(pid \\d+\\)\\.\n` +
          'Stop that one, or start a second one .*: --port 0 --ephemeral\n$',
      ),
    );
  });
});

describe('Ctrl-C', slow, () => {
  const stuck = `
    import { setTimeout } from 'node:timers/promises';
    export const handler = async ({ body, requestContext: { routeKey } }) => {
      if (routeKey === '$connect') console.log('pid', process.pid);
      if (routeKey === '$disconnect' || body === 'hang') await setTimeout(3_600_000);
      if (body === 'loop') for (;;);
      return { statusCode: 200, body };
    };`;

  it('J6 ends gatecast dev while functions hang, loop and wait, and pages are open', async () => {
    await write('app.mjs', stuck);
    await using running = dev('app.mjs', '--routes', '$connect,$disconnect,$default');
    const url = await urlOf(running);
    const pages = await Promise.all(
      [1, 2].map(() => fetch(`http://localhost:${new URL(url).port}/@gatecast/events`)),
    );
    await using hanging = await openConnection(url);
    await using looping = await openConnection(url);
    hanging.send('hang');
    looping.send('loop');
    await printed(running, /\tpid \d+\n[^]*\tpid \d+\n/);
    const pids = [...running.output.stdout.matchAll(/\tpid (\d+)$/gm)].map(([, pid]) =>
      Number(pid),
    );
    running.kill('SIGINT');
    // A terminal and npm may both send it.
    running.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/Stopping …\n$/);
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    // The ends of their streams.
    await Promise.all(pages.map((page) => page.text().catch(() => '')));
  });

  it('J6 ends gatecast dev while its function is loaded for the first time', async () => {
    await write('app.mjs', 'console.log("pid", process.pid); for (;;);');
    await using running = dev('app.mjs', '--routes', '$default');
    await printed(running, /\tpid \d+\n/);
    const [, pid] = /\tpid (\d+)\n/.exec(running.output.stdout) ?? [];
    running.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/Stopping …\n$/);
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  });

  it('J6 ends gatecast dev while a new version is loaded', async () => {
    await write('app.mjs', echo);
    await using running = dev('app.mjs', '--routes', '$default');
    await urlOf(running);
    await write('app.mjs', 'console.log("pid", process.pid); for (;;);');
    await printed(running, /\tpid \d+\n/);
    running.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/Stopping …\n$/);
    const [, pid] = /\tpid (\d+)\n/.exec(stdout) ?? [];
    expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
  });
});

describe('help', slow, () => {
  it.each([{ args: [] }, { args: ['--help'] }, { args: ['-h'] }, { args: ['help'] }])(
    'J7 gatecast lists the commands: %j',
    async ({ args }) => {
      const { code, stdout, stderr } = await run(...args);
      expect([code, stderr]).toEqual([0, '']);
      for (const name of [
        'dev',
        'routes',
        'manifest',
        'template',
        'env',
        'invoke',
        'clock',
        'fault',
      ]) {
        expect(stdout).toMatch(new RegExp(`^  gatecast ${name} +\\w`, 'm'));
      }
      expect(stdout.split('\n').length).toBeLessThan(20);
    },
  );

  it.each(['dev', 'routes', 'manifest', 'template', 'env', 'invoke', 'clock', 'fault'])(
    'J7 gatecast %s --help has an example and nothing of the other commands',
    async (name) => {
      const { code, stdout } = await run(name, '--help');
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`^gatecast ${name}`));
      expect(stdout).toMatch(/^Examples?:$/m);
      const heads = [...stdout.matchAll(/^gatecast (\w+)/gm)].map(([, head]) => head);
      expect(new Set(heads)).toEqual(new Set([name]));
      expect((await run('help', name)).stdout).toBe(stdout);
    },
  );
});
