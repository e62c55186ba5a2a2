import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bundleScript } from './bundle.js';

/** Where a page has its client: in itself, in a worker, or in one that it shares with other pages. */
export type ClientPlace = 'page' | 'worker' | 'shared-worker';

/** Serves pages with a visitor, and a page with nothing. */
export class PageServer implements AsyncDisposable {
  readonly #http: Server;

  private constructor(http: Server) {
    this.#http = http;
  }

  static async start(): Promise<PageServer> {
    const scripts = new Map<string, string>();
    for (const entry of ['page', 'worker-page', 'worker', 'shared-worker']) {
      scripts.set(`/${entry}.js`, await bundleScript(entry));
    }
    const http = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
      const script = scripts.get(pathname);
      response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html');
      // A page in a sandbox has no origin, and so no storage.
      if (searchParams.has('sandbox')) {
        response.setHeader('Content-Security-Policy', 'sandbox allow-scripts');
      }
      response.end(script ?? htmlOf(pathname));
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    return new PageServer(http);
  }

  /** The page of a visitor to the room with that URL. */
  pageOf(room: string, place: ClientPlace = 'page'): string {
    return `${this.#origin}/${place}?room=${encodeURIComponent(room)}`;
  }

  /** A page without a client. */
  get elsewhere(): string {
    return `${this.#origin}/elsewhere`;
  }

  get #origin(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#http.close();
    this.#http.closeAllConnections();
    await once(this.#http, 'close');
  }
}

function htmlOf(pathname: string): string {
  const script = pathname === '/page' ? 'page' : 'worker-page';
  const body = pathname === '/elsewhere' ? '' : `<script src="/${script}.js"></script>`;
  return `<!doctype html><html lang="en"><title>${pathname}</title><body>${body}</body></html>`;
}
