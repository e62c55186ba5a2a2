import { vi } from 'vitest';
import { freePort, RedisServer } from './redis-server.js';

const SLOTS = 16_384;

/** Three primaries that share the slots. */
export class RedisCluster implements AsyncDisposable {
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  static async start(): Promise<RedisCluster> {
    const nodes: RedisServer[] = [];
    for (let node = 0; node < 3; node += 1) {
      const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000'];
      // By default it is the port plus 10000, which may be above the highest port.
      nodes.push(await RedisServer.start(...settings, '--cluster-port', `${await freePort()}`));
    }
    const cluster = new RedisCluster(nodes);
    await cluster.#join();
    return cluster;
  }

  get urls(): string[] {
    return this.nodes.map(({ url }) => url);
  }

  async #join(): Promise<void> {
    const [first, ...others] = this.nodes;
    if (first === undefined) return;
    for (const [index, { admin }] of this.nodes.entries()) {
      const from = Math.ceil((index * SLOTS) / this.nodes.length);
      const to = Math.ceil(((index + 1) * SLOTS) / this.nodes.length) - 1;
      await admin.cluster('ADDSLOTSRANGE', from, to);
      // Nodes with the same epoch would first have to resolve a conflict.
      await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    }
    const [, busPort = ''] = await first.admin.config('GET', 'cluster-port');
    for (const { admin } of others) {
      await admin.call('CLUSTER', 'MEET', '127.0.0.1', first.port, busPort);
    }
    await vi.waitFor(
      async () => {
        for (const { admin } of this.nodes) {
          const info = await admin.cluster('INFO');
          if (!/cluster_state:ok[\s\S]*cluster_known_nodes:3/.test(info)) throw new Error(info);
        }
      },
      { timeout: 30_000, interval: 100 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node[Symbol.asyncDispose]();
  }
}
