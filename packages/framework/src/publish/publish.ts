import { eventId } from '@gatecast/protocol';
import type {
  DeliveryCount,
  PublishOptions,
  PublishResult,
  ServerChannel,
} from '../channel/publishing.js';
import { type DeliveryBatch, deliver } from '../deliver/deliver.js';
import type { Stage } from '../deliver/stage.js';
import { makeError } from '../errors/gatecast-error.js';
import type { ConnectionStore } from '../store/connections.js';
import { type PreparedEvent, type PublishRequest, prepareEvent } from './event-frame.js';

/** Where a publish comes from: one invocation, or code outside of any. */
export interface PublishScope {
  /** The connection whose frame is being handled. */
  readonly sender?: string;
  /** Frame from which the ids of the events are derived, and how many each channel has had. */
  readonly source?: { readonly frameId: string; readonly ordinals: Map<string, number> };
  /** Channels on which the sender would miss what it publishes, because it is not open yet. */
  readonly unopened?: readonly string[];
}

/** What a publisher works with. */
export interface PublisherMeans {
  readonly connections: ConnectionStore;
  readonly stage: () => Stage;
  readonly now: () => number;
  /** When all has to be over, in milliseconds since 1970. */
  readonly endsAt: number;
  /** The plugins' onPublish and onDeliver. */
  readonly around: {
    publish(event: PreparedEvent, deliver: () => Promise<void>): Promise<void>;
    delivery(batch: DeliveryBatch, deliver: () => Promise<void>): Promise<void>;
  };
  readonly report: (error: unknown) => void;
}

/** Publishes events: names them, writes their frames, and delivers them to their subscribers. */
export class Publisher {
  readonly #means: PublisherMeans;

  constructor(means: PublisherMeans) {
    this.#means = means;
  }

  /** A channel to publish on. */
  channel(name: string, scope: PublishScope): ServerChannel {
    return {
      name,
      publish: (event, data, options = {}) =>
        this.#publish({ channel: name, event, data, options }, scope),
    };
  }

  async #publish(request: PublishRequest, scope: PublishScope): Promise<PublishResult> {
    const { channel, options } = request;
    if (options.except === 'sender' && scope.sender === undefined) {
      throw makeError('ERR_PUBLISH_SENDER', { channel });
    }
    if (options.except !== 'sender' && scope.unopened?.includes(channel)) {
      throw makeError('ERR_SEND_IN_CONNECT', {});
    }
    const now = this.#means.now();
    const event = prepareEvent(request, deriveId(channel, options, scope), now);
    let delivery: DeliveryCount = { delivered: 0, gone: 0, failed: 0, queued: 0 };
    await this.#means.around.publish(event, async () => {
      delivery = await this.#deliver(event, options, scope.sender);
    });
    return { id: event.id, duplicate: false, delivery };
  }

  async #deliver(
    { channel, frame, ephemeral }: PreparedEvent,
    { except }: PublishOptions,
    sender: string | undefined,
  ): Promise<DeliveryCount> {
    const { connections, stage, now, endsAt, around, report } = this.#means;
    let count: DeliveryCount = { delivered: 0, gone: 0, failed: 0, queued: 0 };
    await around.delivery({ channel, connectionIds: [] }, async () => {
      count = await deliver(
        {
          channel,
          frame,
          ephemeral,
          ...(except === 'sender' && sender && { except: sender }),
        },
        { connections, stage: stage(), limit: { endsAt }, now, report },
      );
    });
    return count;
  }
}

// A message that is sent again publishes the same events again, under the same ids.
function deriveId(
  channel: string,
  { id }: PublishOptions,
  scope: PublishScope,
): string | undefined {
  if (id !== undefined || !scope.source) return id;
  const { frameId, ordinals } = scope.source;
  const ordinal = ordinals.get(channel) ?? 0;
  ordinals.set(channel, ordinal + 1);
  return eventId(channel, frameId, ordinal);
}
