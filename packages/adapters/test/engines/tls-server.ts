import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Pair } from './certificates.js';
import type { Engine } from './engine.js';

/** Starts a server with a certificate. Clients are expected to fail during the TLS handshake. */
export async function startTls({ cert, private: key }: Pair): Promise<Engine> {
  const server = createServer({ cert, key }, (_request, response) => response.end('{}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `https://localhost:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
