import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { FrameMeter, MAX_FRAME_BYTES } from './frame-limits.js';

/** The data of a connection from its handshake. */
export interface ConnectionDetails {
  readonly connectionId: string;
  /** The host that the client used, as it wrote it. */
  readonly domainName: string;
  /** Milliseconds since the epoch. */
  readonly connectedAt: number;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  /** The authorizer's context, for the events after `$connect`. */
  readonly authorizer: Readonly<Record<string, string>> | undefined;
}

/** How a connection ended, for `$disconnect`. */
export interface Ending {
  readonly code: number;
  readonly reason: string;
}

// The close code that `ws` sends for each of its errors, so that `$disconnect` reports the same;
// otherwise 1002.
const closeCodes: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
};

/**
 * How much may wait for a client that does not read, in bytes. API Gateway has such a buffer (row 6.12),
 * but its size is not known.
 */
const MAX_UNREAD_BYTES = 1024 * 1024;

/** One open connection. */
export class Connection {
  readonly details: ConnectionDetails;
  /** Time of the last message in either direction, in milliseconds since the epoch (row 6.14). */
  lastActiveAt: number;
  /** Resolves when the TCP connection has ended. Never rejects. */
  readonly ended: Promise<Ending>;
  readonly #webSocket: WebSocket;
  readonly #meter = new FrameMeter();
  #messageCount = 0;
  /** Messages after this one are ignored, because the gateway has closed the connection. */
  #lastMessage = Number.POSITIVE_INFINITY;
  #ending: Ending | undefined;

  constructor(details: ConnectionDetails, webSocket: WebSocket) {
    this.details = details;
    this.lastActiveAt = details.connectedAt;
    this.#webSocket = webSocket;
    webSocket.on('error', (error: Error & { readonly code?: string }) => {
      if (error.code?.startsWith('WS_ERR_')) {
        this.#ending ??= { code: closeCodes[error.code] ?? 1002, reason: '' };
      }
    });
    this.ended = new Promise((resolve) => {
      webSocket.once('close', (code, reason) =>
        resolve(this.#ending ?? { code, reason: reason.toString() }),
      );
    });
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  /** Whether so much waits for the client that nothing more may be posted (row 6.12). */
  get isFull(): boolean {
    return this.#webSocket.bufferedAmount > MAX_UNREAD_BYTES;
  }

  /** Starts reading: passes every text message to `onMessage`, in the order of arrival. */
  read(socket: Duplex, onMessage: (body: string) => void, onPing: () => void): void {
    this.#webSocket.on('ping', onPing);
    this.#webSocket.on('message', (data, isBinary) => {
      this.#messageCount++;
      if (this.#messageCount > this.#lastMessage) return;
      if (isBinary) this.close(1003, '');
      else onMessage((data as Buffer).toString());
      // A client that does not read the answers may not ask for more of them.
      if (this.isFull) this.#webSocket.pause();
    });
    const watcher = (chunk: Buffer) => {
      if (!this.#meter.read(chunk)) return;
      socket.off('data', watcher);
      this.close(1009, '', this.#meter.completeMessages);
    };
    // Runs before `ws` gets the chunk, so that a frame that is too large is never passed on.
    socket.prependListener('data', watcher);
  }

  /**
   * Sends one text message, split into frames of legal size (row 6.9). Does nothing after the connection
   * has ended.
   */
  send(message: Buffer): void {
    let offset = 0;
    do {
      const frame = message.subarray(offset, offset + MAX_FRAME_BYTES);
      offset += MAX_FRAME_BYTES;
      this.#webSocket.send(frame, { binary: false, fin: offset >= message.length }, this.#written);
    } while (offset < message.length);
  }

  readonly #written = (): void => {
    if (this.#webSocket.isPaused && !this.isFull) this.#webSocket.resume();
  };

  /** Closes the connection. `$disconnect` gets the same code and reason. */
  close(code: number, reason: string, lastMessage: number = this.#messageCount): void {
    if (!this.isOpen) return;
    this.#lastMessage = lastMessage;
    this.#ending = { code, reason };
    this.#webSocket.close(code, reason);
  }
}
