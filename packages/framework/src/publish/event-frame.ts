import { createHash } from 'node:crypto';
import {
  formatPosition,
  MAX_ENTRY_BYTES,
  MAX_FRAME_BYTES,
  MAX_ID_LENGTH,
  type Position,
} from '@gatecast/protocol';
import type { PublishOptions } from '../channel/publishing.js';
import { describeValue, reasonOf } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
import { fits } from '../wire/frame.js';

/** The arguments of `publish`. */
export interface PublishRequest {
  readonly channel: string;
  readonly event: string;
  readonly data: unknown;
  readonly options: PublishOptions;
}

/** An event whose name, data and id have been checked. */
export interface WrittenEvent {
  readonly channel: string;
  readonly event: string;
  readonly id: string;
  /** Its name, data and id as a JSON object: what a log keeps. */
  readonly payload: string;
}

/** Where and when an event was published. */
export interface Place {
  readonly at: number;
  /** Absent if the event is not kept. */
  readonly position?: Position;
  readonly prev?: string;
}

/** Checks an event and writes what is known of it before it is kept and delivered. */
export function writeEvent({ channel, event, data }: PublishRequest, id: string): WrittenEvent {
  if (!isShortText(event)) {
    // A long text is more likely to be the data than a name, so it stays out of the logs.
    const given = typeof event === 'string' ? 'a text' : describeValue(event);
    throw makeError('ERR_PUBLISH_EVENT', { channel, given });
  }
  if (!isShortText(id)) throw makeError('ERR_PUBLISH_ID', { channel });
  const text = writeData(data ?? null, { event, channel });
  const payload = `{"event":${JSON.stringify(event)},"data":${text},"id":${JSON.stringify(id)}}`;
  return { channel, event, id, payload };
}

/**
 * The frame of an event that is not kept.
 *
 * @throws UsageError - ERR_EVENT_TOO_LARGE.
 */
export function frameOf(event: WrittenEvent, at: number): string {
  const frame = writeFrame(event.channel, event.payload, { at });
  if (!fits(frame)) throw tooLarge(event, Buffer.byteLength(frame), MAX_FRAME_BYTES);
  return frame;
}

/** @throws UsageError - ERR_EVENT_TOO_LARGE, if an event cannot be kept, because a reply could not contain it. */
export function checkEntrySize(event: WrittenEvent): void {
  const bytes = Buffer.byteLength(event.payload);
  if (bytes > MAX_ENTRY_BYTES) throw tooLarge(event, bytes, MAX_ENTRY_BYTES);
}

/** The frame that delivers an event. */
export function writeFrame(channel: string, payload: string, place: Place): string {
  return `{"type":"event","channel":${JSON.stringify(channel)},${payload.slice(1, -1)}${placeText(place)}`;
}

/** An event as one of several in a frame. */
export function writeEntry(payload: string, place: Place): string {
  return payload.slice(0, -1) + placeText(place);
}

function placeText({ at, position, prev }: Place): string {
  const where = position ? `,"position":"${formatPosition(position)}"` : '';
  return `,"at":${at}${where}${prev === undefined ? '' : `,"prev":"${prev}"`}}`;
}

function isShortText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_ID_LENGTH;
}

function writeData(data: unknown, names: { event: string; channel: string }): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(data);
  } catch (error) {
    throw makeError('ERR_PUBLISH_DATA', { ...names, reason: reasonOf(error) }, error);
  }
  if (text !== undefined) return text;
  const reason = `JSON has nothing for ${typeof data === 'object' ? 'what its toJSON() returns' : `a ${typeof data}`}.`;
  throw makeError('ERR_PUBLISH_DATA', { ...names, reason });
}

function tooLarge({ channel, event }: WrittenEvent, bytes: number, limit: number): Error {
  return makeError('ERR_EVENT_TOO_LARGE', { event, channel, bytes, limit });
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
