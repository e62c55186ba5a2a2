import type { ChannelEvent } from './channel-events.js';
import { ClientRequestError } from './errors.js';

/** An object of which nothing is known. */
export type Fields = Readonly<Record<string, unknown>>;

/** API Gateway's own errors (Amazon API Gateway, "WebSocket API gateway responses"); the others are internal. */
const GATEWAY_CODES: Fields = {
  'Too Many Requests': 'ERR_RATE_LIMIT',
  'Endpoint request timed out': 'ERR_TIMEOUT',
  Forbidden: 'ERR_FORBIDDEN',
};

/** Anything as an object, so that nothing that a server sends can throw. */
export function fields(value: unknown): Fields {
  return Object(value) as Fields;
}

/** Anything as a list of objects: an empty one, unless it is a list. */
export function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fields) : [];
}

/** Reads a frame; anything but a text of JSON has no fields. */
export function readFrame(data: unknown): Fields {
  try {
    return fields(typeof data === 'string' && JSON.parse(data));
  } catch {
    return {};
  }
}

/** Reads an error of the server, or its reason to end something. */
export function readError(value: unknown): ClientRequestError {
  const { code, message, reason, details, retryAfterMs } = fields(value);
  return new ClientRequestError({
    code: text(code) ?? 'ERR_INTERNAL',
    message: `${text(message) ?? text(reason) ?? 'The server gave no reason.'}${firstIssue(code, details)}`,
    details,
    ...(typeof retryAfterMs === 'number' && { retryAfterMs }),
  });
}

/** What does not fit first: the console of a browser shows only the message of an error that nobody caught. */
function firstIssue(code: unknown, details: unknown): string {
  if (code !== 'ERR_VALIDATION' || !Array.isArray(details)) return '';
  const { path, message } = fields(details[0]);
  if (typeof message !== 'string') return '';
  return typeof path === 'string' && path !== '' ? ` ${path}: ${message}` : ` ${message}`;
}

/** Reads an error that API Gateway sent by itself, if the frame is one. */
export function readGatewayError({
  message,
  connectionId,
}: Fields): ClientRequestError | undefined {
  if (typeof message !== 'string' || connectionId === undefined) return undefined;
  return readError({ message, code: GATEWAY_CODES[message] });
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Reads an event. `undefined` for what is not an event, and for one with an `op`, which is for newer clients. */
export function readEvent(value: Fields): ChannelEvent | undefined {
  const { event, data, id, at, position, op } = value;
  const isEvent = typeof event === 'string' && typeof id === 'string' && typeof at === 'number';
  if (!isEvent || op !== undefined) return undefined;
  return { event, data, id, at: new Date(at), ...(typeof position === 'string' && { position }) };
}
