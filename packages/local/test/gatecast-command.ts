import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';

const command = fileURLToPath(new URL('../bin/gatecast.js', import.meta.url));

/** Whether `gatecast dev` prints it depends on the machine, so it is not in `output`. */
const AT_WORK = 'Bundling and loading …\n';

/** A run of the `gatecast` command that has ended. */
export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running `gatecast` command. */
export interface Running extends AsyncDisposable {
  /** The output so far. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  /** Whether the command has said that its start takes a while. */
  readonly isAtWork: () => boolean;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Run>;
}

interface StartOptions {
  readonly cwd: string;
  /** Variables in addition to those of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the command in a folder. */
export function startGatecast(args: readonly string[], { cwd, env }: StartOptions): Running {
  const child = spawn(process.execPath, [command, ...args], {
    cwd,
    env: { ...process.env, ...env },
  });
  const output = { stdout: '', stderr: '' };
  let isAtWork = false;
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      isAtWork ||= text.includes(AT_WORK);
      output[name] += text.replace(AT_WORK, '');
    });
  }
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, ...output }));
  return {
    output,
    isAtWork: () => isAtWork,
    kill: (signal) => child.kill(signal),
    ended,
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}

/** The URL that `gatecast dev` prints once clients can connect. */
export const urlOf = ({ output }: Running): Promise<string> =>
  vi.waitFor(
    () => {
      const url = /^WebSocket +(ws:.*)$/m.exec(output.stdout)?.[1];
      expect({ url, stderr: output.stderr }).toEqual({ url: expect.any(String), stderr: '' });
      return url ?? '';
    },
    { timeout: 60_000 },
  );
