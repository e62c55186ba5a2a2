import { createHash, randomBytes } from 'node:crypto';
import { ClientError } from '../errors/client-error.js';
import { makeError, StoreError } from '../errors/gatecast-error.js';
import type { Invocation } from '../invocation/invocation.js';
import type { Appended, AppendRequest, LogOfChannel } from '../store/log.js';
import type { TimeLimit } from '../time/time-limit.js';
import type { WrittenEvent } from './event-frame.js';

/** Where a publish comes from, which decides when two publishes are the same one. */
export type PublishOrigin =
  /** A message: its sender, the frame's id, and the number of the publish on the channel. */
  | { readonly userId: string | undefined; readonly frameId: string; readonly ordinal: number }
  /** An id that the caller gave. */
  | { readonly id: string }
  /** No other publish is the same. */
  | undefined;

/** An event to append. */
interface EventToKeep {
  readonly event: WrittenEvent;
  readonly origin: PublishOrigin;
  readonly limit: TimeLimit;
}

/**
 * Appends an event to its channel's log.
 *
 * @throws UsageError - ERR_ID_REUSED.
 * @throws ClientError - ERR_OUTCOME_UNKNOWN.
 * @throws StoreError - if the store fails. The event may be in the log.
 */
export async function append(
  invocation: Invocation,
  log: LogOfChannel,
  { event, origin, limit }: EventToKeep,
): Promise<Appended> {
  const { channel, payload, id } = event;
  const isDerived = origin !== undefined && 'frameId' in origin;
  const request: AppendRequest = {
    ...log,
    key: keyOf(channel, origin),
    hash: hashOf(payload),
    payload,
    // A handler that runs again may build other data, such as a time. What the first run published stands.
    onOtherHash: isDerived ? 'keep-first' : 'refuse',
  };
  const appended = await invocation.log.append(request, limit).catch((error: unknown) => {
    // The same message finds the same key, so sending it again does no harm.
    if (origin && StoreError.is(error)) error.isOutcomeUnknown = true;
    throw error;
  });
  if (appended.result === 'appended') return appended;
  if (appended.result === 'reused') throw makeError('ERR_ID_REUSED', { channel, id });
  throw new ClientError(
    'ERR_OUTCOME_UNKNOWN',
    'The event may or may not have been published. Send the message again with the same id.',
  );
}

/**
 * Throws if a handler that runs again publishes another event than the first time: then the first event stands, and
 * this one would be lost.
 *
 * @throws UsageError - ERR_PUBLISH_ORDER.
 */
export function checkOrder(
  { channel, event, payload }: WrittenEvent,
  kept: string | undefined,
  origin: PublishOrigin,
): void {
  if (kept === undefined || kept === payload || !origin || !('frameId' in origin)) return;
  const { event: first } = JSON.parse(kept) as { readonly event: string };
  if (first === event) return;
  throw makeError('ERR_PUBLISH_ORDER', { channel, event, first, ordinal: origin.ordinal + 1 });
}

/** The key of a publish in its channel's log. Nobody can make the key of another user's message. */
function keyOf(channel: string, origin: PublishOrigin): string {
  if (origin === undefined) return randomBytes(12).toString('base64url');
  if ('id' in origin) return hashOf(JSON.stringify(['id', channel, origin.id]));
  const { userId, frameId, ordinal } = origin;
  // A guest has no id that outlives its connection. The frame's id is random, and shown to nobody.
  const sender = userId === undefined ? ['guest'] : ['user', userId];
  return hashOf(JSON.stringify([sender, channel, frameId, ordinal]));
}

/** 96 bits of SHA-256, as 16 characters of base64url. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, 12).toString('base64url');
}
