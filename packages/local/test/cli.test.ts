import { once } from 'node:events';
import { appendFile, copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Run, type Running, startGatecast, urlOf } from './gatecast-command.js';
import { openConnection } from './open-connection.js';

const here = fileURLToPath(new URL('.', import.meta.url));

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-cli-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

const start = (...args: string[]): Running =>
  startGatecast(args, { cwd: here, env: { TMPDIR: directory } });

const gatecast = (...args: string[]): Promise<Run> => start(...args).ended;

const dev = (entry: string, ...args: string[]): Running =>
  start('dev', entry, '--port', '0', ...args);

describe('gatecast routes', () => {
  it('lists each route with its kind, target and source', async () => {
    expect(await gatecast('routes', 'fixtures/chat-app.mjs')).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'ROUTE       KIND     GOES TO                               SOURCE',
        '$connect    one-way  Lambda',
        'rooms.post  two-way  Lambda                                RoomChannel.post',
        'ping        two-way  API Gateway, answers {"type":"pong"}',
        '',
      ].join('\n'),
    });
  });

  it('says what to export if there is no app', async () => {
    const { code, stdout, stderr } = await gatecast('routes', 'fixtures/handlers.mjs');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('"fixtures/handlers.mjs" does not export an "app"');
  });

  it('explains why class-validator fails with standard decorators', async () => {
    const { code, stderr } = await gatecast('routes', 'fixtures/standard-decorators/app.ts');
    expect(code).toBe(1);
    expect(stderr).toContain('fixtures/standard-decorators/app.ts:5');
    expect(stderr).toContain('class-validator does not work with standard decorators.');
    expect(stderr).toContain('"experimentalDecorators": true');
  });

  it('reads an app with class-validator and experimentalDecorators', async () => {
    const { code, stdout, stderr } = await gatecast('routes', 'fixtures/legacy-decorators/app.ts');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Post');
  });

  it('shows the error of a module that fails while it is loaded', async () => {
    const { code, stderr } = await gatecast('routes', 'fixtures/fails-to-load.mjs');
    expect(code).toBe(1);
    expect(stderr).toContain('"fixtures/fails-to-load.mjs" failed while it was loaded.');
    expect(stderr).toMatch(/Error: not in the mood\n.*fixtures\/fails-to-load\.mjs:1/);
  });
});

describe('gatecast manifest', () => {
  it('writes the manifest to standard output', async () => {
    const { code, stdout, stderr } = await gatecast('manifest', 'fixtures/chat-app.mjs');
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      routes: { length: 3 },
      format: 'cjs',
      mainFields: 'module,main',
    });
  });

  it('says that the bundle must be an ES module, if necessary', async () => {
    const entry = join(directory, 'app.mjs');
    await copyFile(join(here, 'fixtures/chat-app.mjs'), entry);
    await appendFile(entry, 'await 0;');
    const { stdout } = await gatecast('manifest', entry);
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, format: 'esm' });
  });

  it('writes the manifest to a file', async () => {
    const file = join(directory, 'routes.json');
    const run = await gatecast('manifest', 'fixtures/chat-app.mjs', '--out', file);
    const written: unknown = JSON.parse(await readFile(file, 'utf8'));
    expect(run).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(written).toMatchObject({ version: 1, routes: { length: 3 } });
  });
});

describe('gatecast dev', () => {
  const twoWay = 'fixtures/two-way-default.json';

  it('serves a function that posts with the AWS SDK, and prints a line for each event', async () => {
    const routes = '$connect,$disconnect,$default';
    await using running = dev('fixtures/posts-with-sdk.mjs', '--stage', 'test', '--routes', routes);
    const url = await urlOf(running);
    expect(url).toMatch(/^ws:\/\/localhost:\d+\/test$/);
    {
      await using connection = await openConnection(url);
      connection.send('hello');
      expect(await connection.receive()).toBe('hello');
    }
    const lines = await vi.waitFor(
      () => {
        const found = running.output.stdout.match(/^\d\d:.*$/gm) ?? [];
        expect(found).toHaveLength(3);
        return found;
      },
      { timeout: 10_000 },
    );
    const line = (route: string): unknown =>
      expect.stringMatching(
        new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3}  ${route}  [\\w-]{15}=  ok         +\\d+ ms`),
      );
    expect(lines).toEqual([line('\\$connect    '), line('\\$default    '), line('\\$disconnect ')]);
    expect(running.output.stderr).toBe('');
  });

  it("shows a function's output with time, request id and level, like Lambda", async () => {
    await using running = dev('fixtures/prints.mjs', '--routes', twoWay);
    await using connection = await openConnection(await urlOf(running));
    connection.send('hello');
    const requestId = await connection.receive();
    const line = (id: string, level: string, text: string) =>
      new RegExp(`^\\d{4}-\\d\\d-\\d\\dT[\\d:.]{12}Z\\t${id}\\t${level}\\t${text}$`, 'm');
    await vi.waitFor(() => {
      expect(running.output.stdout).toMatch(line('undefined', 'INFO', 'loading'));
      expect(running.output.stdout).toMatch(line(requestId, 'INFO', "got 'hello'"));
      expect(running.output.stderr).toMatch(line(requestId, 'ERROR', 'bad'));
    });
  });

  it('uses the routes of a file that the manifest command wrote', async () => {
    const file = join(directory, 'routes.json');
    await gatecast('manifest', 'fixtures/chat-app.mjs', '--out', file);
    await using running = dev('fixtures/tells-pid.mjs', '--routes', file);
    await using connection = await openConnection(await urlOf(running));
    connection.send('{"action":"ping"}');
    expect(await connection.receive()).toBe('{"type":"pong"}');
  });

  it('runs at most --environments invocations at once', async () => {
    await using running = dev('fixtures/tells-pid.mjs', '--routes', twoWay, '--environments', '1');
    await using connection = await openConnection(await urlOf(running));
    connection.send('who?');
    connection.send('who else?');
    expect(await connection.receive()).toBe(await connection.receive());
  });

  it('ends an invocation that takes longer than --timeout', async () => {
    await using running = dev('fixtures/spins.mjs', '--routes', '$default', '--timeout', '1');
    await using connection = await openConnection(await urlOf(running));
    connection.send('hello');
    expect(await connection.receive()).toContain('Internal server error');
    await vi.waitFor(() =>
      expect(running.output.stdout).toMatch(/ failed .* Task timed out after 1\.00 seconds$/m),
    );
  });

  it('reports the result of each change of the source', async () => {
    const entry = join(directory, 'app.mjs');
    await copyFile(join(here, 'fixtures/tells-pid.mjs'), entry);
    await using running = dev(entry, '--routes', '$default');
    await urlOf(running);
    const waitFor = (pattern: RegExp): Promise<void> =>
      vi.waitFor(() => expect(running.output.stdout).toMatch(pattern), { timeout: 10_000 });
    await writeFile(entry, 'export const handler = async () => {};');
    await waitFor(/^\d\d:\S+ {2}reloaded$/m);
    await writeFile(entry, 'export const handler = ;');
    await waitFor(
      /^\d\d:\S+ {2}not reloaded; the last good version keeps running\.\n[^]*\[ERROR\]/m,
    );
  });

  it('serves a static page in addition to the function', async () => {
    await writeFile(join(directory, 'index.html'), '<title>chat</title>');
    await using running = dev('fixtures/chat-app.mjs', '--static', directory);
    await urlOf(running);
    const page = /^Page +(http:.*)$/m.exec(running.output.stdout)?.[1] ?? '';
    const response = await fetch(page);
    expect(await response.text()).toBe('<title>chat</title>');
  });

  it('serves a page that shows the traffic', async () => {
    await using running = dev('fixtures/chat-app.mjs');
    await urlOf(running);
    const page = /^Inspect {4}(http:.*\/@gatecast\/)$/m.exec(running.output.stdout)?.[1] ?? '';
    expect(await (await fetch(page)).text()).toContain('<title>Gatecast dev</title>');
  });

  it('--serial makes a message wait for the previous one', async () => {
    const args = ['--routes', twoWay, '--serial'];
    await using running = dev('fixtures/tells-pid.mjs', ...args);
    await using connection = await openConnection(await urlOf(running));
    connection.send('who?');
    connection.send('who else?');
    // One environment was free for both of them.
    expect(await connection.receive()).toBe(await connection.receive());
  });

  it('accepts changes of clock and faults from other commands', async () => {
    await using running = dev('fixtures/chat-app.mjs', '--seed', '7');
    const url = await urlOf(running);
    const { port } = new URL(url);
    await using connection = await openConnection(url);
    const run = (...args: string[]): Promise<Run> => gatecast(...args, '--port', port);
    const done = (stdout: string): Run => ({ code: 0, stderr: '', stdout });

    expect(await run('fault', 'list')).toEqual(done('There are no faults.\n'));
    const killed = ['fault', 'invocation', 'killed', '--route', 'rooms.post', '--delay', '0.005s'];
    const lines = [
      'invocation killed delayMs=5 routeKey=rooms.post\n',
      'disconnect lost times=1\n',
    ];
    expect(await run(...killed)).toEqual(done(lines[0] ?? ''));
    expect(await run('fault', 'disconnect', 'lost', '--times', '1')).toEqual(done(lines.join('')));
    expect(await run('fault', 'list')).toEqual(done(lines.join('')));
    expect(await run('fault', 'clear')).toEqual(done('There are no faults.\n'));

    expect(await run('clock', 'advance', '10m')).toEqual(done('The clock is 600 s ahead.\n'));
    expect(await connection.closed).toBe(1001);
  });

  it('is named as missing if a command finds nothing on the port', async () => {
    const server = createServer((_request, response) => response.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = String((server.address() as AddressInfo).port);
    const other = await gatecast('fault', 'list', '--port', port);
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toContain(`The program on port ${port} is not "gatecast dev".`);
    server.close();
    await once(server, 'close');
    // In a folder without gateways: the hint lists those of the folder.
    const args = ['clock', 'advance', '1m', '--port', port];
    const none = await startGatecast(args, { cwd: directory }).ended;
    expect(none).toMatchObject({ code: 1, stdout: '' });
    expect(none.stderr).toBe(
      `Nothing listens on port ${port}.\nStart "gatecast dev" first, or pass the port that it printed with --port.\n`,
    );
  });

  const pidOver = async (url: string): Promise<number> => {
    await using connection = await openConnection(url);
    connection.send('who?');
    return Number(await connection.receive());
  };

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'J6 %s ends it with all of its processes, and it says so',
    async (signal) => {
      await using running = dev('fixtures/tells-pid.mjs', '--routes', twoWay);
      const pid = await pidOver(await urlOf(running));
      expect(process.kill(pid, 0)).toBe(true);
      running.kill(signal);
      const { code, stdout, stderr } = await running.ended;
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toContain('Stopping …\n');
      expect(() => process.kill(pid, 0)).toThrow('ESRCH');
      expect(await readdir(directory)).toEqual([]);
    },
  );

  it('ends its processes even if it is killed', async () => {
    await using running = dev('fixtures/tells-pid.mjs', '--routes', twoWay);
    const pid = await pidOver(await urlOf(running));
    running.kill('SIGKILL');
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), { timeout: 5000 });
  });

  it('names the taken port and the option for another one', async () => {
    // It never answers.
    const server = createServer(() => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = String((server.address() as AddressInfo).port);
    const asked = await gatecast('fault', 'list', '--port', port);
    expect(asked.stderr).toContain(`The program on port ${port} does not answer.\n`);
    const { code, stderr } = await gatecast('dev', 'fixtures/chat-app.mjs', '--port', port);
    server.close();
    expect(code).toBe(1);
    expect(stderr).toContain(`Port ${port} is taken`);
    expect(stderr).toContain('--port');
  });
});

describe('gatecast', () => {
  it('prints its usage', async () => {
    const { code, stdout, stderr } = await gatecast('--help');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('gatecast <command> --help');
  });

  it('prints its version', async () => {
    const { code, stdout } = await gatecast('--version');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it.each([
    [
      ['deploy'],
      'There is no command "deploy". Use one of: dev, routes, manifest, template, env, invoke, mutate, permissions, clock, fault.',
    ],
    [['dev'], 'The entry file is missing.'],
    [['dev', 'a.ts', 'b.ts'], 'Pass only one entry file: "b.ts" is a second one.'],
    [['dev', 'a.ts', '--colour'], "Unknown option '--colour'."],
    [
      ['dev', 'a.ts', '--port', 'http'],
      '--port takes a whole number from 0 to 65,535, not "http".',
    ],
    [
      ['dev', 'a.ts', '--timeout', '5000'],
      '--timeout takes a whole number from 1 to 900, not "5000".',
    ],
    [
      ['dev', 'a.ts', '--api-keys', 'not-long-enough'],
      '--api-keys takes API keys of 20 to 128 characters, joined by commas.',
    ],
    [
      ['dev', 'a.ts', '--seed', 'x'],
      '--seed takes a whole number from 0 to 4,294,967,295, not "x".',
    ],
    [['routes', 'a.ts', '--port', '1'], "Unknown option '--port'."],
    [['clock'], 'Write: gatecast clock advance 10m'],
    [['clock', 'advance', '1m', '2m'], 'Write: gatecast clock advance 10m'],
    [
      ['clock', 'advance', 'soon'],
      '"soon" is not a duration. Write a number and a unit, up to a year: 500ms, 90s, 10m, 2h or 1d.',
    ],
    [['fault'], 'Write: gatecast fault post throttled, or fault list, fault clear'],
    [['fault', 'list', 'all'], 'Write: gatecast fault post throttled, or fault list, fault clear'],
    [
      ['fault', 'get', 'lost'],
      'There is no fault of "get". Use one of: post, disconnect, invocation.',
    ],
    [
      ['fault', 'invocation', 'exploded'],
      'There is no fault "exploded" of "invocation". Use one of: "killed", "delayed".',
    ],
    [
      ['fault', 'post', 'delayed', '--delay', 'long'],
      '"delayMs" (--delay) is "long", but must be a whole number of milliseconds up to 86400000, a day.',
    ],
    [['fault', 'post', 'gone', '--times', ''], '"times" is "", but must be a whole number from 1.'],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await gatecast(...args);
    expect([code, stdout]).toEqual([2, '']);
    const help = args[0] === 'deploy' ? 'gatecast --help' : `gatecast ${args[0]} --help`;
    expect(stderr).toBe(`${message}\nRun "${help}" to see the usage.\n`);
  });

  it.each(['dev', 'routes', 'manifest'])('%s names a missing entry', async (name) => {
    const { code, stderr } = await gatecast(name, 'src/nowhere.ts');
    expect(code).toBe(1);
    expect(stderr).toContain('The file "src/nowhere.ts" was not found.');
    const folder = await gatecast(name, 'fixtures');
    expect(folder.code).toBe(1);
    expect(folder.stderr).toContain('"fixtures" is not a file.');
  });
});
