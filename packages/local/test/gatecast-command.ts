import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

/** The command in the folder of a project. */
export interface Commands {
  readonly start: (...args: string[]) => Running;
  readonly run: (...args: string[]) => Promise<Run>;
  /** `gatecast dev` on a free port. */
  readonly dev: (...args: string[]) => Running;
  /** Writes a file of the project. */
  readonly write: (name: string, text: string) => Promise<void>;
}

/** `folder` is asked at each call, because each test has its own. */
export function commandsIn(folder: () => string): Commands {
  const start = (...args: string[]): Running => startGatecast(args, { cwd: folder() });
  return {
    start,
    run: (...args) => start(...args).ended,
    dev: (...args) => start('dev', ...args, '--port', '0'),
    write: (name, text) => writeFile(join(folder(), name), text),
  };
}

/** The port of `gatecast dev`, once clients can connect. */
export const portOf = async (running: Running): Promise<string> =>
  new URL(await urlOf(running)).port;

/** Resolves when the command has printed something. */
export const printed = (running: Running, pattern: RegExp): Promise<void> =>
  vi.waitFor(() => expect(running.output.stdout).toMatch(pattern), { timeout: 60_000 });
