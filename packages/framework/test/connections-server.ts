import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';
import { onTestFinished } from 'vitest';

/** A server that stands in for the `@connections` API. */
export interface ConnectionsServer {
  readonly server: Server;
  readonly port: number;
  /** Endpoint of its stage `dev`. */
  readonly url: string;
  /** All requests, in the order of arrival. */
  readonly requests: readonly SeenRequest[];
}

export interface SeenRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = (request: SeenRequest, response: Parameters<RequestListener>[1]) => void;

/** Starts a server that stops when the test ends. */
export async function startConnectionsServer(
  answer: Answer = (_request, response) => response.end(),
  { isSecure = false } = {},
): Promise<ConnectionsServer> {
  const requests: SeenRequest[] = [];
  const listener: RequestListener = (request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const { method, url, headers } = request;
      const seen = { method, url, headers, body };
      requests.push(seen);
      answer(seen, response);
    });
  };
  const server = isSecure
    ? createSecureServer(await selfSigned(), listener)
    : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    server,
    port,
    url: `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}/dev`,
    requests,
  };
}

async function selfSigned(): Promise<{ key: string; cert: string }> {
  const made = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' });
  return { key: made.private, cert: made.cert };
}
