import { randomUUID } from 'node:crypto';
import {
  type AnyChannelType,
  byteLength,
  type ChannelName,
  type ChannelType,
  channelNameProblem,
  type EventFrame,
  MAX_FRAME_BYTES,
  MAX_ID_LENGTH,
} from '@gatecast/protocol';
import type { DeliveryCount } from '../delivery/fan-out.js';
import { makeError } from '../errors/gatecast-error.js';

/** How to publish. */
export interface PublishOptions {
  /** Names the event; the same id on the same channel is the same event. 1 to 64 characters. @default a random one */
  readonly id?: string;
  /** Tried once for each subscriber and never kept: for what is worthless a second later. @default false */
  readonly ephemeral?: boolean;
  /** Leaves out the connection whose message is being handled. Only inside a handler. */
  readonly except?: 'sender';
}

/** What became of a publish. */
export interface PublishResult {
  /** The event's id. */
  readonly id: string;
  /** Its place in the channel's log; absent on a channel without history. */
  readonly position?: string;
  /** Whether the log had an event of that id already; `false` on a channel without history. */
  readonly duplicate: boolean;
  readonly delivery: DeliveryCount;
}

/** A channel, as a server publishes on it. */
export interface ServerChannel<E extends object = Record<string, unknown>> {
  readonly name: string;
  /**
   * Publishes an event and delivers it to every subscriber before it returns.
   *
   * @throws UsageError - for data that is no JSON or too large, or a name that is not legal.
   * @throws StoreError - when the subscribers cannot be read.
   */
  publish<N extends keyof E & string>(
    event: N,
    data: E[N],
    options?: PublishOptions,
  ): Promise<PublishResult>;
}

/** Something one can publish through: an app, a publisher, `ctx.app`. */
export interface Publishing {
  /**
   * A channel by its name. The type parameter is the channel's contract.
   *
   * @example
   * ```ts
   * await app.channel<Room>('rooms/42').publish('message', { text: 'hello' });
   * ```
   */
  channel<C extends AnyChannelType = ChannelType>(
    name: ChannelName<C['pattern']>,
  ): ServerChannel<C['events']>;
}

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
