import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const command = fileURLToPath(new URL('../bin/gatecast.js', import.meta.url));

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-reader-'));
  await writeFile(
    join(directory, 'app.cjs'),
    `exports.handler = async () => ({ statusCode: 200 });
    exports.app = { manifest: { version: 1, routes: [{ routeKey: '$default' }] } };`,
  );
});

afterEach(() => rm(directory, { recursive: true }));

interface End {
  readonly code: number | null;
  readonly stderr: string;
}

/** Starts the command with a reader of its output that may leave, as `head` does. */
function start(...args: string[]): { readonly child: ChildProcess; readonly ended: Promise<End> } {
  const child = spawn(process.execPath, [command, ...args], { cwd: directory });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, stderr }));
  return { child, ended };
}

describe('a command whose reader has left', { timeout: 30_000 }, () => {
  it.each([[['--help']], [['routes', 'app.cjs']], [['manifest', 'app.cjs']]])(
    'ends without an error: %j',
    async (args) => {
      const { child, ended } = start(...args);
      child.stdout?.destroy();
      expect(await ended).toEqual({ code: 0, stderr: '' });
    },
  );

  it('ends if it is gatecast dev, and leaves nothing behind', async () => {
    const { child, ended } = start('dev', 'app.cjs', '--port', '0');
    let output = '';
    for await (const text of child.stdout ?? []) {
      output += text;
      // Leaving the loop destroys the stream.
      if (output.includes('Inspect')) break;
    }
    const [, port] = /^WebSocket +ws:\/\/localhost:(\d+)/m.exec(output) ?? [];
    await fetch(`http://localhost:${port}/nowhere`);
    expect(await ended).toEqual({ code: 0, stderr: '' });
    expect(await readdir(join(directory, '.gatecast'))).toEqual(['.gitignore']);
  });
});
