import { randomUUID } from 'node:crypto';
import {
  byteLength,
  channelNameProblem,
  type EventFrame,
  MAX_FRAME_BYTES,
  MAX_ID_LENGTH,
} from '@gatecast/protocol';
import type { PublishOptions } from '../channel/publishing.js';
import { makeError } from '../errors/gatecast-error.js';

/** An event that is ready to be delivered. */
export interface PreparedEvent {
  readonly channel: string;
  readonly event: string;
  readonly id: string;
  /** The frame, as it goes over the wire. */
  readonly frame: string;
  readonly ephemeral: boolean;
}

/** What `publish` was called with. */
export interface PublishRequest {
  readonly channel: string;
  readonly event: string;
  readonly data: unknown;
  readonly options: PublishOptions;
}

/** Checks what is to be published and writes its frame. */
export function prepareEvent(
  { channel, event, data, options }: PublishRequest,
  id: string = options.id ?? randomUUID(),
  at: number = Date.now(),
): PreparedEvent {
  const problem = channelNameProblem(channel);
  if (problem) throw makeError('ERR_PUBLISH_CHANNEL', { channel, problem });
  if (typeof event !== 'string' || event === '' || event.length > MAX_ID_LENGTH) {
    throw makeError('ERR_PUBLISH_EVENT', { channel });
  }
  if (typeof id !== 'string' || id === '' || id.length > MAX_ID_LENGTH) {
    throw makeError('ERR_PUBLISH_ID', { channel });
  }
  const frame = writeFrame({ type: 'event', channel, event, data: data ?? null, id, at });
  const bytes = byteLength(frame);
  if (bytes > MAX_FRAME_BYTES) throw makeError('ERR_EVENT_TOO_LARGE', { event, channel, bytes });
  return { channel, event, id, frame, ephemeral: options.ephemeral ?? false };
}

function writeFrame(frame: EventFrame): string {
  try {
    return JSON.stringify(frame);
  } catch (error) {
    const { event, channel } = frame;
    throw makeError(
      'ERR_PUBLISH_DATA',
      { event, channel, reason: (error as Error).message },
      error,
    );
  }
}
