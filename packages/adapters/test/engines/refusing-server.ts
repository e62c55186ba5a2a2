import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly message?: string;
}

interface RefusingServer extends AsyncDisposable {
  readonly endpoint: string;
  /** Requests so far. */
  readonly served: { count: number };
}

/** Starts a server that refuses every request like DynamoDB, and counts the requests. */
export function startRefusing({ status, type, message = '' }: Answer): Promise<RefusingServer> {
  return listen((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
    response.end(JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${type}`, message }));
  });
}

/** Starts a server that accepts requests but never answers, and counts the requests. */
export function startSilent(): Promise<RefusingServer> {
  return listen((request) => request.resume());
}

async function listen(serve: RequestListener): Promise<RefusingServer> {
  const served = { count: 0 };
  const server = createServer((request, response) => {
    served.count += 1;
    serve(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    served,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
