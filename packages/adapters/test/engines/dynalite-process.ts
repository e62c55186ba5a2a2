import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { Engine } from './engine.js';
import { freePort } from './redis-server.js';

/** dynalite in its own process, with its data in a folder. */
export interface DynaliteProcess extends Engine {
  /** Ends it like a crash. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with the data that it had. */
  restart(): Promise<void>;
}

/** Starts dynalite on a free port. */
export async function startDynaliteProcess(directory: string): Promise<DynaliteProcess> {
  const port = await freePort();
  let child = await launch(port, directory);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    kill,
    async restart() {
      await kill();
      child = await launch(port, directory);
    },
    [Symbol.asyncDispose]: kill,
  };
}

async function launch(port: number, directory: string): Promise<ChildProcess> {
  const command = createRequire(import.meta.url).resolve('dynalite/cli.js');
  const place = ['--host', '127.0.0.1', '--port', `${port}`, '--path', directory];
  const child = spawn(process.execPath, [command, ...place, '--createTableMs', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000);
  });
  // It prints one line when it listens.
  const listening = once(child.stdout, 'data').then(() => true);
  if (await Promise.race([listening, once(child, 'exit').then(() => false)])) return child;
  throw new Error(`dynalite ended: ${said}`);
}
