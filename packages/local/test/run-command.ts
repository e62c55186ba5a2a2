import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const command = fileURLToPath(new URL('../bin/gatecast.js', import.meta.url));

/** The first line with it says where clients connect. */
export const WEBSOCKET: RegExp = /^WebSocket +(ws:.*)$/m;

/** A `gatecast` command that was started. */
export interface RunningCommand extends AsyncDisposable {
  /** The output so far. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  readonly code: Promise<number | null>;
  /** Resolves to the first group of the pattern once standard output has it. */
  printed(pattern: RegExp): Promise<string>;
}

/** Runs `gatecast` in a folder; in this one by default. */
export function gatecast(args: readonly string[], cwd: string = here): RunningCommand {
  const child = spawn(process.execPath, [command, ...args], { cwd });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const code = once(child, 'close').then(() => child.exitCode);
  return {
    output,
    code,
    printed: (pattern) =>
      vi.waitFor(
        () => {
          expect(output).toMatchObject({ stdout: expect.stringMatching(pattern) });
          return pattern.exec(output.stdout)?.[1] ?? '';
        },
        { timeout: 30_000 },
      ),
    async [Symbol.asyncDispose]() {
      child.kill();
      await code;
    },
  };
}
