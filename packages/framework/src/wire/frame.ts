import {
  byteLength,
  type ErrorFrame,
  MAX_FRAME_BYTES,
  MAX_ID_LENGTH,
  type ReplyFrame,
} from '@gatecast/protocol';
import { parse as parseJson } from 'secure-json-parse';
import { ClientError, toWireError } from '../errors/client-error.js';
import { makeError } from '../errors/gatecast-error.js';
import type { ProxyResponse } from './lambda-events.js';

/** A frame of a client, of which nothing but being an object is known. */
export type RawFrame = Readonly<Record<string, unknown>>;

// Keys that could reach a prototype are refused (secure-json-parse), not silently dropped.
const PARSE_OPTIONS = { protoAction: 'error', constructorAction: 'error' } as const;
const REMOVE_OPTIONS = { protoAction: 'remove', constructorAction: 'remove' } as const;

/** Reads a frame. @throws ClientError - ERR_FRAME_INVALID, for anything but a JSON object. */
export function parseFrame(body: string | null | undefined): RawFrame {
  let value: unknown;
  try {
    value = parseJson(body ?? '', undefined, PARSE_OPTIONS);
  } catch {
    throw new ClientError('ERR_FRAME_INVALID', 'The frame is not JSON, or has a forbidden key.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ClientError('ERR_FRAME_INVALID', 'The frame is not a JSON object.');
  }
  return value as RawFrame;
}

/**
 * The id of a frame that was refused for a forbidden key, so that its sender learns which one it
 * was; nothing when the frame is no JSON object.
 */
export function idOfRefused(body: string | null | undefined): unknown {
  try {
    const frame: unknown = parseJson(body ?? '', undefined, REMOVE_OPTIONS);
    return typeof frame === 'object' && frame !== null && 'id' in frame ? frame.id : undefined;
  } catch {
    return undefined;
  }
}

/** The frame's id. @throws ClientError - ERR_FRAME_INVALID, without one. */
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

/** Quotes a text of the client's in a message to it, cut to a length that is read. */
export function quote(text: string): string {
  return `"${text.length > 80 ? `${text.slice(0, 80)}…` : text}"`;
}

/** Nothing to send. On a two-way route the client gets an empty frame, which it ignores (row 5.3). */
export const NO_ANSWER: ProxyResponse = { statusCode: 200 };

/** The answer to a request. @throws UsageError - ERR_REPLY_TOO_LARGE. */
export function replyResponse(id: string, data: unknown, route: string): ProxyResponse {
  const frame: ReplyFrame = { type: 'reply', id, data };
  const body = JSON.stringify(frame);
  // A text has at most three bytes a unit: most replies need no count.
  if (body.length * 3 > MAX_FRAME_BYTES) {
    const bytes = byteLength(body);
    if (bytes > MAX_FRAME_BYTES) throw makeError('ERR_REPLY_TOO_LARGE', { route, bytes });
  }
  return { statusCode: 200, body };
}

/** The refusal of a request. */
export function errorResponse(id: unknown, error: unknown): ProxyResponse {
  const wire = toWireError(error);
  const head = { type: 'error', ...(isId(id) && { id }) } as const;
  const body = jsonOf({ ...head, error: wire } satisfies ErrorFrame);
  if (body !== undefined && byteLength(body) <= MAX_FRAME_BYTES) return { statusCode: 200, body };
  const { code, message } = wire;
  return {
    statusCode: 200,
    body: JSON.stringify({ ...head, error: { code, message: message.slice(0, 1_000) } }),
  };
}

/** The frame as text; nothing when the app's `details` are what JSON cannot hold. */
function jsonOf(frame: ErrorFrame): string | undefined {
  try {
    return JSON.stringify(frame);
  } catch {
    return undefined;
  }
}
