import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** A proxy between a client and a server that simulates faults of the network. */
export class RedisProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #mute = new WeakSet<readonly [Socket, Socket]>();
  /** How many connections it has accepted. */
  accepted = 0;

  private constructor(target: number, delayMs: number) {
    this.#server = createServer((client) => {
      this.accepted += 1;
      const server = connect(target, '127.0.0.1');
      const pair = [client, server] as const;
      this.#pairs.add(pair);
      client.on('data', (bytes) => server.write(bytes));
      server.on('data', (bytes) => {
        if (this.#mute.has(pair)) return;
        if (delayMs === 0) client.write(bytes);
        else setTimeout(() => client.write(bytes), delayMs);
      });
      for (const socket of pair) {
        socket.on('error', () => {});
        socket.on('close', () => {
          for (const end of pair) end.destroy();
          this.#pairs.delete(pair);
        });
      }
    });
  }

  /** @param delayMs - Delay of each answer, in milliseconds. */
  static async start(target: number, { delayMs = 0 } = {}): Promise<RedisProxy> {
    const proxy = new RedisProxy(target, delayMs);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The proxy is closed.');
    return address.port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Closes every connection. Returns how many there were. */
  cut(): number {
    const { size } = this.#pairs;
    for (const [client] of this.#pairs) client.destroy();
    return size;
  }

  /**
   * Drops the server's answers on all current connections, like a network path that died unnoticed. Returns how
   * many there are.
   */
  mute(): number {
    for (const pair of this.#pairs) this.#mute.add(pair);
    return this.#pairs.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
