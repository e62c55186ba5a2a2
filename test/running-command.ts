import { type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { vi } from 'vitest';

/** The result of a program that has ended. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs until it ends or is disposed. */
export interface RunningCommand extends AsyncDisposable {
  /** The output so far. */
  readonly output: { readonly stdout: string; readonly stderr: string };
  kill(signal: NodeJS.Signals): void;
  /** Waits for a line on stdout and returns the pattern's first group. */
  prints(pattern: RegExp, options?: { timeout: number }): Promise<string>;
  readonly ended: Promise<CommandResult>;
}

/** Starts a program in its own process group, so that its child processes end with it. */
export function startCommand(
  command: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'env'> = {},
): RunningCommand {
  const child = spawn(command, args, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, ...output }));
  const kill = (signal: NodeJS.Signals) => {
    const isRunning = child.exitCode === null && child.signalCode === null;
    if (child.pid !== undefined && isRunning) process.kill(-child.pid, signal);
  };
  return {
    output,
    kill,
    ended,
    prints: (pattern, { timeout } = { timeout: 20_000 }) =>
      vi.waitFor(
        () => {
          const found = pattern.exec(output.stdout);
          if (found) return found[1] ?? found[0];
          throw new Error(
            `${command} ${args.join(' ')} printed:\n${output.stdout}${output.stderr}`,
          );
        },
        { timeout },
      ),
    async [Symbol.asyncDispose]() {
      kill('SIGTERM');
      await ended;
    },
  };
}
