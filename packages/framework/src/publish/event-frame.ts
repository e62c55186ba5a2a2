import { createHash, randomUUID } from 'node:crypto';
import { MAX_ID_LENGTH } from '@gatecast/protocol';
import type { PublishOptions } from '../channel/publishing.js';
import { makeError } from '../errors/gatecast-error.js';
import { fits } from '../wire/frame.js';

/** The arguments of `publish`. */
export interface PublishRequest {
  readonly channel: string;
  readonly event: string;
  readonly data: unknown;
  readonly options: PublishOptions;
}

/** An event that is ready to be delivered. */
export interface EventToDeliver {
  readonly channel: string;
  readonly event: string;
  readonly id: string;
  /** The frame as it is sent. */
  readonly frame: string;
  readonly ephemeral: boolean;
}

/** Checks an event for a legal channel and writes its frame. */
export function writeEvent(
  { channel, event, data, options }: PublishRequest,
  {
    id = options.id ?? randomUUID(),
    at,
  }: { readonly id?: string | undefined; readonly at: number },
): EventToDeliver {
  if (!isShortText(event)) throw makeError('ERR_PUBLISH_EVENT', { channel });
  if (!isShortText(id)) throw makeError('ERR_PUBLISH_ID', { channel });
  const text = writeData(data ?? null, { event, channel });
  const head = JSON.stringify({ type: 'event', channel, event });
  const frame = `${head.slice(0, -1)},"data":${text},"id":${JSON.stringify(id)},"at":${at}}`;
  if (!fits(frame)) {
    throw makeError('ERR_EVENT_TOO_LARGE', { event, channel, bytes: Buffer.byteLength(frame) });
  }
  return { channel, event, id, frame, ephemeral: options.ephemeral ?? false };
}

function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH;
}

function writeData(data: unknown, names: { event: string; channel: string }): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (error) {
    throw makeError('ERR_PUBLISH_DATA', { ...names, reason: (error as Error).message }, error);
  }
  if (text !== undefined) return text;
  const reason = `JSON has nothing for ${typeof data === 'object' ? 'what its toJSON() returns' : `a ${typeof data}`}.`;
  throw makeError('ERR_PUBLISH_DATA', { ...names, reason });
}

/**
 * The id of the event that a message leads to: the same as `eventId` of the protocol, but ten times as
 * fast, because Node computes the hash.
 *
 * @param ordinal - Number of the publish among those of this message on this channel, counted from 0.
 */
export function idOfEvent(channel: string, frameId: string, ordinal: number): string {
  return createHash('sha256')
    .update(`${channel}\n${frameId}\n${ordinal}`)
    .digest()
    .subarray(0, 16)
    .toString('base64url');
}
