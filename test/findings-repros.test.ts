// Runs the repros of test/findings, each in a separate process like by hand.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { describeRedis } from '../packages/adapters/test/engines/redis-server.js';
import { startCommand } from './running-command.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const plain = ['floating-work', 'local-environments', 'post-endpoint', 'publish-deadline'];
const onRedis = ['redis-fill'];

async function lastLineOf(name: string): Promise<string> {
  const file = `test/findings/${name}.mjs`;
  await using running = startCommand(process.execPath, [file], { cwd: root });
  const { stdout, stderr } = await running.ended;
  return stdout.trim().split('\n').at(-1) || stderr;
}

it('runs all repros', () => {
  const all = readdirSync(new URL('findings', import.meta.url));
  const files = all.filter((name) => name !== 'fixtures');
  const others = ['entries', 'lib', 'run-all'];
  const names = [...plain, ...onRedis, ...others].map((name) => `${name}.mjs`);
  expect(files.sort()).toEqual(names.sort());
});

describe('the repro', () => {
  it.each(plain)('%s holds', async (name) => {
    expect(await lastLineOf(name)).toBe('holds');
  });
});

describeRedis('the repro', () => {
  it.each(onRedis)('%s holds', async (name) => {
    expect(await lastLineOf(name)).toBe('holds');
  });
});
