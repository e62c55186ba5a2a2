// `gatecast env -- command`
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  commandsIn,
  portOf,
  printed,
  type Run,
  type Running,
  startGatecast,
} from './gatecast-command.js';

/** The folder of a project. */
let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'gatecast-project-'));
});
afterEach(async () => {
  await rm(project, { recursive: true });
});

const { start, run, dev, write } = commandsIn(() => project);
const echo = 'export const handler = async ({ body }) => ({ statusCode: 200, body });';

vi.setConfig({ testTimeout: 120_000 });

it('J1 runs a command with the variables, and ends as it ends', async () => {
  await write('app.mjs', echo);
  await using running = dev('app.mjs', '--routes', '$default');
  const port = await portOf(running);
  const inGateway = (...command: string[]): Running =>
    startGatecast(['env', '--port', port, '--', ...command], {
      cwd: project,
      env: { AWS_PROFILE: 'work', AWS_REGION: 'of-work', OWN: 'kept' },
    });
  await write(
    'show.mjs',
    `const { GATECAST_URL, AWS_PROFILE, AWS_REGION, OWN } = process.env;
    console.log(JSON.stringify([GATECAST_URL, AWS_PROFILE, AWS_REGION, OWN, ...process.argv.slice(2)]));
    process.exitCode = 3;`,
  );
  const words = ['--help', 'two words', '--', `it's "quoted"`];
  const shown = await inGateway(process.execPath, 'show.mjs', ...words).ended;
  expect(shown).toMatchObject({ code: 3, stderr: '' });
  const url = `ws://localhost:${port}/dev`;
  expect(JSON.parse(shown.stdout)).toEqual([url, null, 'us-east-1', 'kept', ...words]);

  const mistaken = async (...args: string[]): Promise<Run> => run('env', '--port', port, ...args);
  const refused = (message: string) => ({ code: 2, stderr: expect.stringContaining(message) });
  const known = await mistaken('node', 'show.mjs');
  expect(known).toMatchObject({
    ...refused('write --: gatecast env -- node'),
    stdout: 'false\n',
  });
  expect(await mistaken('--')).toMatchObject(refused('After -- the command is missing'));
  expect(await mistaken('node', '--', 'x')).toMatchObject(refused('only before --, not "node".'));
  await write('ran.mjs', "console.log('ran')");
  const without = await run('env', '--port', '9', '--', process.execPath, 'ran.mjs');
  expect(without).toMatchObject({ code: 1, stdout: '' });
});

it.skipIf(process.platform === 'win32')('J1 passes signals on to the command', async () => {
  await write('app.mjs', echo);
  await using running = dev('app.mjs', '--routes', '$default');
  const port = await portOf(running);
  const inGateway = (...command: string[]): Running =>
    start('env', '--port', port, '--', ...command);
  await using waiting = inGateway(
    process.execPath,
    '-e',
    "process.on('SIGTERM', () => { console.log('asked to end'); process.exit(5); });" +
      "setInterval(() => {}, 1000); console.log('waiting');",
  );
  await printed(waiting, /waiting/);
  waiting.kill('SIGTERM');
  expect(await waiting.ended).toMatchObject({ code: 5, stdout: 'waiting\nasked to end\n' });
  const killed = inGateway(process.execPath, '-e', "process.kill(process.pid, 'SIGKILL')");
  expect(await killed.ended).toMatchObject({ code: 137 });
  expect(await inGateway('no-such-command').ended).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"no-such-command" did not start: '),
  });
});
