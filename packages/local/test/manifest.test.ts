import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseManifest } from '../src/lambda/route-manifest.js';
import { gatecast } from './run-command.js';

const TIME = { timeout: 60_000 };
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-manifest-'));
  await symlink(modules, join(directory, 'node_modules'), 'junction');
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Runs a command with an app that has the given channel and options. */
async function run(
  args: readonly string[],
  { channel = '', options = '' } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const text = `
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createApp, defineChannel, memoryStore } from '@gatecast/framework';
console.log('loading', '{');
process.stdout.write('directly\\n');
const news = defineChannel('news', { ${channel} });
export const app = createApp({ channels: [news], store: memoryStore(), ${options} });
export const handler = app.handler;
`;
  await writeFile(join(directory, 'app.mjs'), text);
  await using running = gatecast(args, directory);
  return { code: await running.code, ...running.output };
}

describe('J5 what an app prints while it is loaded goes to stderr', () => {
  it.each(['manifest', 'routes'])('of gatecast %s', TIME, async (command) => {
    const { code, stdout, stderr } = await run([command, 'app.mjs']);
    expect(code).toBe(0);
    expect(stdout).toMatch(command === 'manifest' ? /^\{\n[^]*\}\n$/ : /^ROUTE/);
    expect(stdout).not.toMatch(/loading|directly/);
    expect(stderr).toMatch(/\tINFO\tloading \{\ndirectly\n$/);
  });

  it('of gatecast manifest --out, too', TIME, async () => {
    const { stdout, stderr } = await run(['manifest', 'app.mjs', '--out', 'routes.json']);
    expect([stdout, stderr]).toEqual(['', expect.stringContaining('loading')]);
    const written: unknown = JSON.parse(await readFile(join(directory, 'routes.json'), 'utf8'));
    // A file also tells which app it is of.
    expect(written).toMatchObject({ version: 1, entry: 'app.mjs' });
  });
});

it('gatecast manifest describes an app and the format of its bundle', TIME, async () => {
  const { stdout } = await run(['manifest', 'app.mjs'], {
    channel: 'onConnect() {}, autoSubscribe: true, history: { retentionSeconds: 600 }',
    options: "authorizer: () => undefined, origins: ['https://Chat.example:443']",
  });
  expect(JSON.parse(stdout)).toEqual({
    version: 1,
    format: 'cjs',
    mainFields: 'module,main',
    authorizer: true,
    singleEnvironment: true,
    store: 'memory',
    origins: ['https://chat.example'],
    hasConnect: true,
    hasDisconnect: false,
    hasUnsubscribe: false,
    hasConnectHook: false,
    hasDisconnectHook: false,
    hasUnsubscribeHook: false,
    hasHistory: true,
    autoSubscribes: true,
    routes: [
      { routeKey: '$connect', integration: 'lambda', twoWay: false },
      { routeKey: '$disconnect', integration: 'lambda', twoWay: false },
      { routeKey: '$default', integration: 'lambda', twoWay: true },
      { routeKey: 'subscribe', integration: 'lambda', twoWay: true },
      { routeKey: 'unsubscribe', integration: 'lambda', twoWay: true },
      { routeKey: 'ping', integration: 'mock', twoWay: true, response: '{"type":"pong"}' },
      { routeKey: 'history', integration: 'lambda', twoWay: true },
      { routeKey: 'sync', integration: 'lambda', twoWay: true },
    ],
  });
});

it.each([
  ['', []],
  ['history: { retentionSeconds: 600 }', ['history', 'sync']],
])('gatecast routes lists those of history if a channel has it: "%s"', TIME, async (...parts) => {
  const [channel, expected] = parts;
  const { stdout } = await run(['routes', 'app.mjs'], { channel });
  const found = /^(?:history|sync) +two-way +Lambda$/gm;
  expect((stdout.match(found) ?? []).map((line) => line.split(' ')[0])).toEqual(expected);
});

describe('a reader of a manifest', () => {
  it('ignores keys that it does not know, and reads one of an earlier release', () => {
    const old = {
      version: 1,
      routes: [{ routeKey: 'a', twoWay: true, colour: 'red' }],
      tasks: ['reap'],
    };
    expect(parseManifest(old, 'It')).toEqual({
      version: 1,
      authorizer: false,
      singleEnvironment: false,
      routes: [{ routeKey: 'a', integration: 'lambda', twoWay: true }],
    });
  });

  it('runs with routes of a later release', TIME, async () => {
    const { stdout } = await run(['manifest', 'app.mjs']);
    const later = { ...(JSON.parse(stdout) as object), queues: [{ name: 'fan-out' }] };
    await writeFile(join(directory, 'routes.json'), JSON.stringify(later));
    await using running = gatecast(
      ['dev', 'app.mjs', '--routes', 'routes.json', '--port', '0'],
      directory,
    );
    expect(await running.printed(/^WebSocket +(ws:.*)\/dev$/m)).toContain('ws://localhost:');
  });
});
