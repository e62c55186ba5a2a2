import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
};

/** Serves files with headers that the local gateway would not send, at the URL that it returns. */
export async function serve(
  folder: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<AsyncDisposable & { readonly url: string }> {
  const answer = async (pathname: string, response: ServerResponse): Promise<void> => {
    const content = await readFile(join(folder, pathname)).catch(() => undefined);
    const type = TYPES[extname(pathname)] ?? 'text/plain';
    response.writeHead(content ? 200 : 404, { ...headers, 'Content-Type': type });
    response.end(content);
  };
  const server = createServer((request, response) => {
    void answer(new URL(request.url ?? '', 'http://localhost').pathname, response);
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
