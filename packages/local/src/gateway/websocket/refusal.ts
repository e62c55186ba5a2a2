import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** The ids in API Gateway's own answers. */
export interface AnswerIds {
  readonly connectionId: string;
  readonly requestId: string;
}

/**
 * API Gateway's own error frame, byte for byte: with a space after the first colon and after each comma,
 * but not after the other colons (row 2.9).
 */
export function errorText(message: string, { connectionId, requestId }: AnswerIds): string {
  return `{"message": "${message}", "connectionId":"${connectionId}", "requestId":"${requestId}"}`;
}

/** The error frame for a message that does not fit its model, which has the message id (row 5.9). */
export function badBodyText(ids: {
  readonly connectionId: string;
  readonly messageId: string;
}): string {
  return `{"message": "Bad request body", "connectionId":"${ids.connectionId}", "messageId":"${ids.messageId}"}`;
}

/** How long a refused client may take to read its answer, in milliseconds. */
const LINGER_MS = 2_000;

const messages: Readonly<Record<number, string>> = {
  414: 'Request URI too long',
  500: 'Internal server error',
  502: 'Internal server error',
  504: 'Endpoint request timed out',
};

/** The message of API Gateway for one of its own statuses. */
export function messageFor(status: number): string {
  return messages[status] ?? STATUS_CODES[status] ?? '';
}

/** Answers a handshake with a plain HTTP response and ends the TCP connection (rows 3.4, 3.8). */
export function refuse(socket: Duplex, status: number, ids: AnswerIds): void {
  const statusText = STATUS_CODES[status] ?? '';
  const body = errorText(messageFor(status), ids);
  const lines = [
    `HTTP/1.1 ${status} ${statusText}`,
    `Date: ${new Date().toUTCString()}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    // So that a client of another version learns which one to use (RFC 6455, 4.4).
    ...(status === 426 ? ['Sec-WebSocket-Version: 13'] : []),
    'Connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  // Unread bytes would make the system reset the connection, and the client could lose the answer.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}
