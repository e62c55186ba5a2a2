import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { describe } from 'vitest';

/** Whether the installed client is the lowest version that the store accepts. */
export const isIoredis5 = (
  createRequire(import.meta.url)('ioredis/package.json') as { version: string }
).version.startsWith('5.');

const hasRedisServer = spawnSync('redis-server', ['--version']).status === 0;
/** Whether Redis cannot be tested. In CI it must be. */
export const isWithoutRedis = !hasRedisServer && !process.env.CI;

if (isWithoutRedis) {
  // oxlint-disable-next-line no-console -- a part that is not tested is skipped loudly.
  console.warn('redis-server is missing, so Redis is NOT tested: apt-get install redis-server');
}

/**
 * `describe` if redis-server is installed. If it is missing, the tests are skipped, but in CI they fail.
 */
// oxlint-disable-next-line vitest/valid-describe-callback, vitest/valid-title -- this does not call describe.
export const describeRedis = describe.skipIf(isWithoutRedis);

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A redis-server that this process starts. It is in memory only and ends with the test. */
export class RedisServer implements AsyncDisposable {
  readonly port: number;
  /** A client to read keys and change settings. */
  readonly admin: Redis;
  readonly #args: readonly string[];
  readonly #directory = mkdtempSync(join(tmpdir(), 'gatecast-redis-'));
  #child: ChildProcess | undefined;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
    this.admin = new Redis({ port, lazyConnect: true, retryStrategy: () => 20 });
    this.admin.on('error', () => {});
  }

  /** @param args - Further arguments of redis-server. */
  static async start(...args: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), args);
    await server.startAgain();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, empty, on the same port. */
  async startAgain(): Promise<void> {
    const place = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.#directory];
    const inMemory = ['--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', [...place, ...inMemory, ...this.#args]);
    this.#child = child;
    running.add(child);
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      said.push(line);
      if (!line.includes('Ready to accept connections')) continue;
      child.stdout.resume();
      return;
    }
    throw new Error(`redis-server did not start:\n${said.join('\n')}`);
  }

  /** Kills it, like a crash. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#child = undefined;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    running.delete(child);
  }

  /** With `true`, stops it from answering without closing connections; with `false`, lets it continue. */
  freeze(isFrozen: boolean): void {
    this.#child?.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.admin.disconnect();
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Finds a free port, because redis-server cannot choose one itself. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port.');
  return address.port;
}
