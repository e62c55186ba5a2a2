import { base64url, SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX, utf8 } from '@gatecast/protocol';
import { optionError } from './options.js';
import { after, type Timer } from './timers.js';
import type { OpenTransport } from './transport.js';

/**
 * What the client needs of a WebSocket: the browser's, Node's and that of the package `ws` have it.
 *
 * @group Connection
 */
export interface WebSocketLike {
  /** 1 while it is open. */
  readonly readyState: number;
  /** Calls back for each frame; `data` is the text of a text frame. */
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  /** Calls back when it opens, when it fails and when it has ended. */
  addEventListener(type: 'open' | 'error' | 'close', listener: (event?: unknown) => void): void;
  /** Sends a text frame. Called only while it is open. */
  send(data: string): void;
  /** Begins to close, with code 1000. */
  close(code?: number): void;
  /** Closes without waiting for the other end. Only `ws` has it. */
  terminate?(): void;
}

/** The class of a {@link WebSocketLike}. @group Connection */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

/** `readyState` of an open WebSocket. */
const OPEN = 1;
/** How long the other end may take to agree to a close. */
export const CLOSE_MS = 1_000;

/** A URL without what may hold a secret: a user's name, a password, a query. */
export function publicPart(url: string): string {
  return url.replace(/[^/?#]*@|[?#].*/g, '');
}

/** @throws TypeError - for a URL that cannot be one of a WebSocket. */
export function checkUrl(url: string): void {
  if (/^wss?:\/\/[^/?#]/i.test(url)) return;
  // Any other text may be anything, such as a token.
  const shown = /:\/\/|^undefined$/.test(url) ? `: ${publicPart(url)}` : '';
  const [, rest] = /^: http(s?:\/\/.+)/i.exec(shown) ?? [];
  throw optionError(
    `The option "url" of createClient is wrong${shown}.`,
    rest
      ? `Write "ws${rest}".`
      : 'Give a URL that begins with "wss://" or "ws://", such as "ws://localhost:3000/dev".',
  );
}

/**
 * The class that the app gave, or else the runtime's.
 *
 * @throws TypeError - where there is none, and where there are no random numbers.
 */
export function webSocketClass(given: WebSocketConstructor | undefined): WebSocketConstructor {
  const found: WebSocketConstructor | undefined = given ?? globalThis.WebSocket;
  if (!found) {
    throw optionError(
      'This runtime has no WebSocket.',
      'Give createClient the option `WebSocket`, such as the class of the package "ws".',
    );
  }
  if (!globalThis.crypto?.getRandomValues) {
    throw optionError(
      'This runtime has no crypto.getRandomValues.',
      'In React Native, import "react-native-get-random-values" first.',
    );
  }
  return found;
}

/** Transports that are WebSockets. */
export function webSockets(
  url: string,
  WebSocket: WebSocketConstructor,
  handshake: 'subprotocol' | 'query' = 'subprotocol',
): OpenTransport {
  return (token, events) => {
    const webSocket =
      handshake === 'query'
        ? openWithQuery(url, WebSocket, token)
        : new WebSocket(url, subprotocols(token));
    let hasOpened = false;
    let isOver = false;
    let cause: unknown;
    let timer: Timer | undefined;
    const end = (): void => {
      clearTimeout(timer);
      if (isOver) return;
      isOver = true;
      // Whatever the code: API Gateway closes with 1000 for whoever calls `DELETE @connections`.
      events.ended(cause);
    };
    webSocket.addEventListener('open', () => {
      hasOpened = true;
      if (!isOver) events.opened();
      // React Native on Android forgets a close that comes before.
      else webSocket.close(1000);
    });
    webSocket.addEventListener('message', (event) => {
      if (!isOver) events.received(event.data);
    });
    // A browser says nothing here, `ws` and Node do. And `ws` throws when nothing listens.
    webSocket.addEventListener('error', (event) => {
      const { error, message } = Object(event) as { error?: unknown; message?: unknown };
      cause = error ?? message;
      // A WebSocket of Node 20 and 22 that never opened says no more than this.
      if (!hasOpened) end();
    });
    webSocket.addEventListener('close', end);
    return {
      send(frame) {
        if (webSocket.readyState !== OPEN) return false;
        webSocket.send(frame);
        return true;
      },
      close() {
        if (isOver) return;
        isOver = true;
        if (webSocket.terminate) {
          // `ws` would wait half a minute, and keep the process alive as long.
          timer = after(CLOSE_MS, () => webSocket.terminate?.());
          (timer as { unref?(): void }).unref?.();
        }
        webSocket.close(1000);
      },
    };
  };
}

/** @throws Error - with nothing but the name of what the runtime throws. */
function openWithQuery(
  url: string,
  WebSocket: WebSocketConstructor,
  token: string | undefined,
): WebSocketLike {
  const query = `protocol=1${token ? `&token=${encodeURIComponent(token)}` : ''}`;
  try {
    return new WebSocket(`${url}${url.includes('?') ? '&' : '?'}${query}`, []);
  } catch (error) {
    // oxlint-disable-next-line preserve-caught-error -- its text may quote the token.
    throw new Error(Object(error).name);
  }
}

/** A browser cannot set headers, and a URL ends up in logs: so the token travels as a sub-protocol. */
function subprotocols(token: string | undefined): string[] {
  if (!token) return [SUBPROTOCOL];
  return [SUBPROTOCOL, TOKEN_SUBPROTOCOL_PREFIX + base64url(utf8(token))];
}
