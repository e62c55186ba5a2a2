import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type AnswerIds, errorText } from './error-text.js';

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
