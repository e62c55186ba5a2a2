import { SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX } from '@gatecast/protocol';
import { base64url } from './base64url.js';

/** What the client needs of a WebSocket: the browser's, Node's and that of the package `ws` have it. */
export interface WebSocketLike {
  /** 1 while it is open. */
  readonly readyState: number;
  /** Calls back for each frame; `data` is the text of a text frame. */
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  /** Calls back when it opens and when it has ended; `close` comes after `error` too. */
  addEventListener(type: 'open' | 'error' | 'close', listener: () => void): void;
  /** Sends a text frame. Called only while it is open. */
  send(data: string): void;
  /** Begins to close, with code 1000. */
  close(code?: number): void;
  /** Closes without waiting for the other end. Only `ws` has it. */
  terminate?(): void;
}

/** The class of a {@link WebSocketLike}. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** `readyState` of an open WebSocket. */
export const OPEN = 1;

/** The given class, or the runtime's. */
export function webSocketClass(given: WebSocketConstructor | undefined): WebSocketConstructor {
  const found: WebSocketConstructor | undefined = given ?? globalThis.WebSocket;
  if (found) return found;
  throw new TypeError(
    'This runtime has no WebSocket. Give createClient the option `WebSocket`, such as the class of the package "ws".',
  );
}

/** Checks what would otherwise fail at each attempt. The URL itself stays out of the message: it may hold a secret. */
export function webSocketUrl(url: string | URL): string {
  const { protocol, href } = new URL(url);
  if (protocol === 'wss:' || protocol === 'ws:') return href;
  throw new TypeError(
    `The option \`url\` of createClient begins with "${protocol}". It must begin with "wss:" or "ws:".`,
  );
}

/** A browser cannot set headers, and a URL ends up in logs: so the token travels as a sub-protocol. */
export function subprotocols(token: string | undefined): string[] {
  if (!token) return [SUBPROTOCOL];
  return [SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX + base64url(new TextEncoder().encode(token))];
}
