import { type CallQueue, Listeners, type Off } from './listeners.js';
import type { MissedReason } from './log-reader.js';

/** Ids that a channel remembers, so that an event which comes twice is handed over once. */
export const REMEMBERED = 256;

/** An event as it arrived. @group Channels */
export interface ChannelEvent<T = unknown, N extends string = string> {
  /** The event's name. */
  readonly event: N;
  readonly data: T;
  /** Unique. The first event that a message's handler publishes on the channel has the `id` of that `Sending`. */
  readonly id: string;
  /** When it was published. With history it may be earlier than that of the event before it. */
  readonly at: Date;
  /** Its place in the channel's history, if it is kept. */
  readonly position?: string;
}

/** Why the server ended a subscription. @group Channels */
export interface SubscriptionEnd {
  /** A code of the server: `ERR_REMOVED`, or the one it refused a new connection with. */
  readonly code: string;
  /** Why, for a person. */
  readonly reason: string;
}

/** Events may be missing between the last one that was handed over and the next. @group History */
export interface ChannelReset {
  /**
   * Why. `epoch`: the channel's history began anew. `forked`: the store has lost the last events.
   * `trimmed`: the next events have expired or were deleted. `forbidden`: the access rule refuses the
   * history. `no-history`: the channel keeps none, and the connection was lost meanwhile.
   */
  readonly reason: MissedReason;
}

type EventListeners = Listeners<[data: never, event: never]>;

/** Who listens to one channel, and which events they have had. */
export class ChannelEvents {
  readonly #calls: CallQueue;
  readonly #byName = new Map<string, EventListeners>();
  readonly #seen = new Set<string>();
  readonly onEnd: Listeners<[end: SubscriptionEnd]>;
  readonly onReset: Listeners<[reset: ChannelReset]>;

  constructor(calls: CallQueue) {
    this.#calls = calls;
    this.onEnd = new Listeners(calls);
    this.onReset = new Listeners(calls);
  }

  /** Whether nobody listens. */
  get isUnused(): boolean {
    return [this.onEnd, this.onReset, ...this.#byName.values()].every(({ size }) => size === 0);
  }

  on(event: string, handler: (data: never, event: never) => unknown): Off {
    let listeners = this.#byName.get(event);
    if (!listeners) {
      listeners = new Listeners(this.#calls);
      this.#byName.set(event, listeners);
    }
    return listeners.add(handler);
  }

  /** Hands an event to those who listen: only from within the {@link CallQueue}. */
  tell(event: ChannelEvent, isInOrder: boolean): void {
    // What is in the order of the log comes again only on purpose.
    if (!isInOrder && !this.#isNew(event.id)) return;
    this.#byName.get(event.event)?.tell(event.data as never, event as never);
  }

  #isNew(id: string): boolean {
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    const [oldest = ''] = this.#seen;
    if (this.#seen.size > REMEMBERED) this.#seen.delete(oldest);
    return true;
  }
}
