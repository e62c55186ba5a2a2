import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { MAX_MESSAGE_BYTES } from './frame-limits.js';

/** A handshake that the gateway has accepted. */
export interface AcceptedHandshake {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** The sub-protocol that `$connect` has chosen. */
  readonly protocol: string | undefined;
}

/** How long a client may take to answer a close frame, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Turns accepted handshakes into WebSockets. */
export class Acceptor {
  readonly #server: WebSocketServer;
  readonly #protocols = new WeakMap<IncomingMessage, string>();

  constructor(options: { readonly compression: boolean }) {
    const serverOptions = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: options.compression,
      maxPayload: MAX_MESSAGE_BYTES,
      closeTimeout: CLOSE_TIMEOUT_MS,
      // `ws` would choose the first offered sub-protocol. API Gateway answers with the one that the
      // function chose, or without any (row 3.11).
      handleProtocols: () => false as const,
    };
    this.#server = new WebSocketServer(serverOptions);
    this.#server.on('headers', (headers, request) => {
      const protocol = this.#protocols.get(request);
      headers.push(`Date: ${new Date().toUTCString()}`);
      if (protocol !== undefined) headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
    });
  }

  /**
   * Answers with 101. Returns `undefined` if the client has left or its offer of extensions is malformed.
   */
  accept({ request, socket, head, protocol }: AcceptedHandshake): WebSocket | undefined {
    if (protocol !== undefined) this.#protocols.set(request, protocol);
    let accepted: WebSocket | undefined;
    // Calls back synchronously or not at all.
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      accepted = webSocket;
    });
    return accepted;
  }
}
