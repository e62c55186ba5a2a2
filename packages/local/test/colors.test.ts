import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openBundler } from '../src/lambda/bundle.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-colors-'));
  for (const name of ['NO_COLOR', 'FORCE_COLOR', 'NODE_DISABLE_COLORS', 'CI']) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv('TERM', 'xterm-256color');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  await rm(directory, { recursive: true });
});

const TERMINAL: unknown = Object.create(WriteStream.prototype, { isTTY: { value: true } });
const FILE = {};

it.each([
  ['both outputs are terminals', { stdout: TERMINAL, stderr: TERMINAL }, {}, true],
  ['NO_COLOR is set', { stdout: TERMINAL, stderr: TERMINAL }, { NO_COLOR: '1' }, false],
  ['the terminal is dumb', { stdout: TERMINAL, stderr: TERMINAL }, { TERM: 'dumb' }, false],
  // A mistake while gatecast dev runs is printed to standard output, and one at its start is not.
  ['standard output is a file', { stdout: FILE, stderr: TERMINAL }, {}, false],
  ['standard error is a file', { stdout: TERMINAL, stderr: FILE }, {}, false],
])(
  'the message of esbuild has colours only if it should: %s',
  async (_, streams, env, expected) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    // A copy, because the test itself writes to the real ones.
    const { stdout, stderr } = streams;
    const properties = { stdout: { value: stdout }, stderr: { value: stderr } };
    vi.stubGlobal('process', Object.create(process, properties));
    const entry = join(directory, 'app.ts');
    await writeFile(entry, 'export const handler = ;');
    await using bundler = await openBundler(entry, directory);
    const error = (await bundler.build().catch((thrown: unknown) => thrown)) as Error;
    expect(stripVTControlCharacters(error.message)).toContain('[ERROR] Unexpected ";"');
    expect(error.message !== stripVTControlCharacters(error.message)).toBe(expected);
  },
);
