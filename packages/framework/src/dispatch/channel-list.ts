import { MAX_CHANNEL_NAME_BYTES, MAX_CHANNELS_PER_FRAME } from '@gatecast/protocol';
import { ClientError } from '../errors/client-error.js';
import type { RawFrame } from '../wire/frame.js';
import type { EventInvocation } from './app-invocation.js';

/** Reads the list of channels of a subscribe or unsubscribe frame. */
export function readChannels({ channels }: RawFrame): readonly unknown[] {
  if (!Array.isArray(channels) || channels.length === 0) {
    throw new ClientError('ERR_FRAME_INVALID', '"channels" must be a list of channels.');
  }
  if (channels.length > MAX_CHANNELS_PER_FRAME) {
    throw new ClientError(
      'ERR_CHANNEL_LIMIT',
      `A frame may name at most ${MAX_CHANNELS_PER_FRAME} channels; this one names ${channels.length}.`,
    );
  }
  return channels;
}

/**
 * A name as its outcome says it: as it came, unless it is longer than any channel's name. Then it is cut,
 * so that fifty of them fit into one reply.
 */
export function echoOf(name: unknown): string {
  if (typeof name !== 'string') return '';
  if (Buffer.byteLength(JSON.stringify(name)) <= MAX_CHANNEL_NAME_BYTES + 2) return name;
  return `${name.slice(0, MAX_CHANNEL_NAME_BYTES - 2).replace(/[^ !#-[\]-~]/g, '?')}…`;
}

/** Tells of what channels of one frame were refused: once for each code, however many there are. */
export function reportRefusals(invocation: EventInvocation, refusals: readonly unknown[]): void {
  const byCode = new Map<unknown, unknown[]>();
  for (const error of refusals) {
    // What went wrong on our side is told one by one.
    const key = ClientError.is(error) ? error.code : error;
    byCode.set(key, [...(byCode.get(key) ?? []), error]);
  }
  for (const [first, ...others] of byCode.values()) {
    invocation.report(first, { isAnswered: true, count: 1 + others.length });
  }
}
