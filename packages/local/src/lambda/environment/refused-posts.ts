// Runs inside an environment's process.
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';

/** What a function was told by `@connections`. */
export interface Posts {
  /** Status and type of the last refusal, such as `403 ForbiddenException`. */
  readonly lastRefused: string | undefined;
  /** Forgets earlier refusals. */
  forget(): void;
}

/** What Node's `fetch` reports. Headers are names and values, one after the other. */
interface FetchMessage {
  readonly request: { readonly path: string };
  readonly response: { readonly statusCode: number; readonly headers: readonly Buffer[] };
}

/** Watches the answers to requests to `@connections`, with Node's HTTP clients and its `fetch`. */
export function watchPosts(): Posts {
  let lastRefused: string | undefined;
  const note = (path: string, status: number, type: unknown): void => {
    if (status < 400 || !/\/(?:@|%40)connections\//i.test(path)) return;
    // AWS may add a colon and a URL to the type.
    const [name] = typeof type === 'string' ? type.split(':') : [];
    lastRefused = name === undefined ? String(status) : `${status} ${name}`;
  };
  subscribe('http.client.response.finish', (message) => {
    const { request, response } = message as { request: ClientRequest; response: IncomingMessage };
    note(request.path, response.statusCode ?? 0, response.headers['x-amzn-errortype']);
  });
  subscribe('undici:request:headers', (message) => {
    const { request, response } = message as FetchMessage;
    const texts = response.headers.map(String);
    const name = texts.findIndex((text) => text.toLowerCase() === 'x-amzn-errortype');
    note(request.path, response.statusCode, name < 0 ? undefined : texts[name + 1]);
  });
  return {
    get lastRefused() {
      return lastRefused;
    },
    forget() {
      lastRefused = undefined;
    },
  };
}
