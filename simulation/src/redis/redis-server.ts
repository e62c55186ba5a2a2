import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const READY_WITHIN_MS = 30_000;
const LOOKS_EVERY_MS = 20;

/** A redis-server in memory, which listens on a socket of its own. It ends when it is disposed. */
export class RedisServer implements AsyncDisposable {
  /** Path of the socket. */
  readonly path: string;
  readonly #folder: string;
  readonly #child: ChildProcess;

  private constructor(folder: string, path: string, child: ChildProcess) {
    this.#folder = folder;
    this.path = path;
    this.#child = child;
  }

  static async start(): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'gatecast-simulation-'));
    const path = join(folder, 'redis.sock');
    const args = ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', args, { stdio: 'ignore', cwd: folder });
    process.once('exit', () => child.kill('SIGKILL'));
    const server = new RedisServer(folder, path, child);
    await server.#isReady();
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
    await rm(this.#folder, { recursive: true });
  }

  async #isReady(): Promise<void> {
    const giveUpAt = Date.now() + READY_WITHIN_MS;
    for (;;) {
      const socket = connect(this.path);
      const isOpen = await once(socket, 'connect').then(
        () => true,
        () => false,
      );
      socket.destroy();
      if (isOpen) return;
      if (Date.now() > giveUpAt) throw new Error('redis-server did not start: is it installed?');
      await new Promise((resolve) => setTimeout(resolve, LOOKS_EVERY_MS));
    }
  }
}
