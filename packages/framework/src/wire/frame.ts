import {
  MAX_FRAME_BYTES,
  MAX_ID_LENGTH,
  type Position,
  parsePosition,
  type ReplyFrame,
} from '@gatecast/protocol';
import { parse, scan } from 'secure-json-parse';
import { reasonOf } from '../errors/check-options.js';
import { ClientError, toWireError } from '../errors/client-error.js';
import { makeError } from '../errors/gatecast-error.js';
import type { ProxyResponse } from './lambda-events.js';

/** A frame of a client. Only that it is an object has been checked. */
export type RawFrame = Readonly<Record<string, unknown>>;

/** Reads a frame. @throws ClientError - ERR_FRAME_INVALID, unless it is a JSON object. */
export function parseFrame(body: string | null | undefined): RawFrame {
  let value: unknown;
  try {
    value = JSON.parse(body ?? '');
    // Refuses the frame instead of silently dropping such keys.
    if (isSuspect(body as string))
      scan(value as object, { protoAction: 'error', constructorAction: 'error' });
  } catch {
    throw new ClientError('ERR_FRAME_INVALID', 'The frame is not JSON, or has a forbidden key.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ClientError('ERR_FRAME_INVALID', 'The frame is not a JSON object.');
  }
  return value as RawFrame;
}

// Without either of these strings, a frame has no key that could reach a prototype: `__proto__`, or
// `constructor` with a `prototype` in it. An escape may spell such a key.
function isSuspect(text: string): boolean {
  return text.includes('\\') || text.includes('proto');
}

/**
 * The id of a frame that was refused for a forbidden key, so that its sender knows which frame it was;
 * `undefined` if the frame is not a JSON object.
 */
export function idOfRefused(body: string | null | undefined): unknown {
  try {
    const frame: unknown = parse(body ?? '', undefined, {
      protoAction: 'remove',
      constructorAction: 'remove',
    });
    return typeof frame === 'object' && frame !== null && 'id' in frame ? frame.id : undefined;
  } catch {
    return undefined;
  }
}

/** The frame's id. @throws ClientError - ERR_FRAME_INVALID, if it has none. */
export function requireId({ id }: RawFrame): string {
  if (isId(id)) return id;
  throw new ClientError(
    'ERR_FRAME_INVALID',
    `"id" must be a string of 1 to ${MAX_ID_LENGTH} characters.`,
  );
}

/** Whether a value may be a frame's id. */
export function isId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && id.length <= MAX_ID_LENGTH;
}

/** A position in a frame; `undefined` if it is absent. @throws ClientError - ERR_POSITION. */
export function readPosition(name: string, value: unknown): Position | undefined {
  if (value === undefined || value === null) return undefined;
  const position = parsePosition(value);
  if (position) return position;
  const given = typeof value === 'string' ? quote(value) : `a value of type ${typeof value}`;
  throw new ClientError('ERR_POSITION', `"${name}" is ${given}, which is not a position.`);
}

/** Quotes a client's text in a message to that client, shortened. */
export function quote(text: string): string {
  // Half of a surrogate pair takes six bytes in JSON, so fifty such names would not fit into one reply.
  // oxlint-disable-next-line no-control-regex -- these are the characters to replace.
  const shown = text.slice(0, 80).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Cs}/gu, '?');
  return `"${shown}${text.length > 80 ? '…' : ''}"`;
}

/**
 * An answer without a frame. On a two-way route the client gets an empty frame, which it ignores (row
 * 5.3).
 */
export const NO_ANSWER: ProxyResponse = { statusCode: 200 };

/** The answer to a request. @throws UsageError - ERR_REPLY_DATA, ERR_REPLY_TOO_LARGE. */
export function replyResponse(id: string, data: unknown, route: string): ProxyResponse {
  const frame: ReplyFrame = { type: 'reply', id, data };
  let body: string;
  try {
    body = JSON.stringify(frame);
  } catch (error) {
    throw makeError('ERR_REPLY_DATA', { route, reason: reasonOf(error) }, error);
  }
  return textResponse(body, route);
}

/** The answer with a frame that is already JSON. @throws UsageError - ERR_REPLY_TOO_LARGE. */
export function textResponse(body: string, route: string): ProxyResponse {
  if (!fits(body)) {
    throw makeError('ERR_REPLY_TOO_LARGE', { route, bytes: Buffer.byteLength(body) });
  }
  return { statusCode: 200, body };
}

/** Whether a frame is small enough to be sent. */
export function fits(frame: string): boolean {
  // A string has at most three bytes per unit, so that most frames need not be counted.
  return frame.length * 3 <= MAX_FRAME_BYTES || Buffer.byteLength(frame) <= MAX_FRAME_BYTES;
}

/** The refusal of a request. */
export function errorResponse(id: unknown, error: unknown): ProxyResponse {
  const write = (text: string): string =>
    `{"type":"error",${isId(id) ? `"id":${JSON.stringify(id)},` : ''}"error":${text}}`;
  const body = write(writeError(error));
  return { statusCode: 200, body: fits(body) ? body : write(writeShortError(error, 1_000)) };
}

/** The error that a client gets, as JSON. `details` that JSON cannot express are left out. */
export function writeError(error: unknown): string {
  try {
    return JSON.stringify(toWireError(error));
  } catch {
    return writeShortError(error);
  }
}

/** The same without `details`, and with a part of the message. */
export function writeShortError(error: unknown, mostCharacters: number = Infinity): string {
  const { code, message, retryAfterMs } = toWireError(error);
  return JSON.stringify({ code, message: message.slice(0, mostCharacters), retryAfterMs });
}
