import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import type { Pair } from './certificates.js';
import { freePort, RedisServer } from './redis-server.js';

/** The password that the server asks for. */
export const PASSWORD = 'hush';

/** A redis-server with a TLS port and a plain port. */
export class RedisTlsServer implements AsyncDisposable {
  readonly tlsPort: number;
  readonly #server: RedisServer;
  readonly #directory: string;

  private constructor(server: RedisServer, tlsPort: number, directory: string) {
    this.#server = server;
    this.tlsPort = tlsPort;
    this.#directory = directory;
  }

  /**
   * @param certificate - The server's own certificate.
   * @param authority - Signs the certificates of clients and of other cluster nodes.
   * @param args - Further arguments of redis-server.
   */
  static async start(
    certificate: Pair,
    authority: Pair,
    ...args: readonly string[]
  ): Promise<RedisTlsServer> {
    const directory = await mkdtemp(join(tmpdir(), 'gatecast-redis-tls-'));
    const tlsPort = await freePort();
    const settings = ['--tls-port', `${tlsPort}`, '--tls-auth-clients', 'no'];
    for (const [setting, pem] of [
      ['cert', certificate.cert],
      ['key', certificate.private],
      ['ca-cert', authority.cert],
    ] as const) {
      const file = join(directory, `${setting}.pem`);
      await writeFile(file, pem);
      settings.push(`--tls-${setting}-file`, file);
    }
    const server = await RedisServer.start(...settings, ...args);
    await server.admin.config('SET', 'requirepass', PASSWORD);
    return new RedisTlsServer(server, tlsPort, directory);
  }

  /** Starts the same server as a cluster of one node, whose name is "localhost". */
  static async startCluster(certificate: Pair, authority: Pair): Promise<RedisTlsServer> {
    const settings = {
      'cluster-enabled': 'yes',
      'tls-cluster': 'yes',
      'cluster-port': `${await freePort()}`,
      'cluster-announce-hostname': 'localhost',
      'cluster-preferred-endpoint-type': 'hostname',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const started = await RedisTlsServer.start(certificate, authority, ...args);
    const { admin } = started.#server;
    await admin.cluster('ADDSLOTSRANGE', 0, 16_383);
    await vi.waitFor(
      async () => {
        const info = await admin.cluster('INFO');
        if (!info.includes('cluster_state:ok')) throw new Error(info);
      },
      { timeout: 30_000, interval: 100 },
    );
    return started;
  }

  get plainPort(): number {
    return this.#server.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true });
  }
}
