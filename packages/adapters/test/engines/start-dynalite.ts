import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import dynalite from 'dynalite';
import type { Engine } from './engine.js';

/** Starts dynalite in this process. */
export async function startDynalite(): Promise<Engine> {
  const server = dynalite({ createTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      // It still runs requests that it has read, and throws if its database is closed meanwhile.
      await setTimeout(100);
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
