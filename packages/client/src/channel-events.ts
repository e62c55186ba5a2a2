import type { ChannelEventBody } from '@gatecast/protocol';
import { type CallQueue, Listeners, type Off } from './listeners.js';

/** Ids that a channel remembers, so that an event which comes twice is handed over once. */
export const REMEMBERED = 256;

/** An event as it arrived. */
export interface ChannelEvent<T = unknown, N extends string = string> {
  /** The event's name. */
  readonly event: N;
  readonly data: T;
  /** Of the first event that a handler publishes on its channel: the `id` of the `Sending` that led to it. */
  readonly id: string;
  /** When it was published. */
  readonly at: Date;
}

/** Why the server ended a subscription. */
export interface SubscriptionEnd {
  /** A code of the server: `ERR_REMOVED`, or the one it refused a new connection with. */
  readonly code: string;
  /** Why, for a person. */
  readonly reason: string;
}

type EventListeners = Listeners<[data: never, event: never]>;

/** Who listens to one channel, and which events they have had. */
export class ChannelEvents {
  readonly #calls: CallQueue;
  readonly #byName = new Map<string, EventListeners>();
  readonly #seen = new Set<string>();
  readonly onEnd: Listeners<[end: SubscriptionEnd]>;

  constructor(calls: CallQueue) {
    this.#calls = calls;
    this.onEnd = new Listeners(calls);
  }

  /** Whether nobody listens. */
  get isUnused(): boolean {
    return this.onEnd.size === 0 && [...this.#byName.values()].every(({ size }) => size === 0);
  }

  on(event: string, handler: (data: never, event: never) => unknown): Off {
    let listeners = this.#byName.get(event);
    if (!listeners) {
      listeners = new Listeners(this.#calls);
      this.#byName.set(event, listeners);
    }
    return listeners.add(handler);
  }

  dispatch({ event, data, id, at }: ChannelEventBody): void {
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    const [oldest = ''] = this.#seen;
    if (this.#seen.size > REMEMBERED) this.#seen.delete(oldest);
    const arrived: ChannelEvent = { event, data, id, at: new Date(at) };
    this.#byName.get(event)?.emit(data as never, arrived as never);
  }
}
