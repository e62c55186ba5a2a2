import type { Checks } from './checks.js';
import type { Connection } from './connection.js';
import type { PublishedEvent } from './server.js';

/** The client remembers so many ids of a channel. */
const REMEMBERED = 256;

/** A listener for events of one name. */
export interface EventListener {
  readonly channel: string;
  readonly event: string;
  readonly seen: Map<string, number>;
  /** The arrival of what it heard last. */
  lastArrival: number;
  isOff: boolean;
}

/** The rules for events. */
export class EventChecks {
  readonly #checks: Checks;
  /** Everything that arrived, doubled frames included, by channel. */
  readonly #arrivals = new Map<string, PublishedEvent[]>();
  readonly #listeners = new Set<EventListener>();
  /** What must have been heard by the end of the step. */
  readonly #due: { readonly listener: EventListener; readonly id: string }[] = [];
  #wasClosed = false;

  constructor(checks: Checks) {
    this.#checks = checks;
  }

  listen(channel: string, event: string): EventListener {
    const listener = { channel, event, seen: new Map(), lastArrival: -1, isOff: false };
    this.#listeners.add(listener);
    return listener;
  }

  /** Events are about to reach the client. */
  arrive(connection: Connection, events: readonly PublishedEvent[]): void {
    const isOpen = connection.webSocket.readyState === 1 && this.#checks.closedMs === undefined;
    for (const event of events) {
      const arrivals = this.#arrivals.get(event.channel) ?? [];
      this.#arrivals.set(event.channel, arrivals);
      const isNew = !arrivals.some(({ id }) => id === event.id);
      arrivals.push(event);
      if (!isNew || !isOpen || event.op !== undefined) continue;
      if (this.#checks.application?.wants(event.channel) !== 'yes') continue;
      for (const listener of this.#listeners) {
        if (listener.channel !== event.channel || listener.event !== event.event) continue;
        if (!listener.isOff) this.#due.push({ listener, id: event.id });
      }
    }
  }

  /** A listener is called. */
  heard(listener: EventListener, data: unknown, id: unknown): void {
    if (typeof id !== 'string' || id.startsWith('garbage')) return;
    const { channel, seen } = listener;
    this.#checks.world.note('heard', channel, id);
    if (listener.isOff || this.#wasClosed) {
      this.#fails('a call after its end', `A listener of "${channel}" hears ${id}.`);
    }
    const arrivals = this.#arrivals.get(channel) ?? [];
    const arrival = arrivals.findIndex(
      (event, index) => event.id === id && index > listener.lastArrival,
    );
    const event = arrivals[arrival] ?? arrivals.find((other) => other.id === id);
    const earlier = seen.get(id);
    if (!event) {
      this.#fails('an event of no use', `${id} has not arrived.`);
    } else if (earlier !== undefined && arrivals.length - earlier <= REMEMBERED) {
      this.#fails('an event twice', `${id} of "${channel}".`);
    } else if (arrival < 0) {
      this.#fails('an event out of order', `${id} of "${channel}".`);
    } else {
      this.#checkContent(listener, event, data);
    }
    seen.set(id, arrivals.length - 1);
    listener.lastArrival = Math.max(arrival, listener.lastArrival);
  }

  step(): void {
    this.#wasClosed = this.#checks.closedMs !== undefined;
    for (const { listener, id } of this.#due.splice(0)) {
      if (listener.isOff || listener.seen.has(id) || this.#wasClosed) continue;
      // A listener has left the channel between two events.
      if (this.#checks.application?.wants(listener.channel) !== 'yes') continue;
      this.#fails('an event lost', `${id} of "${listener.channel}" was handed to nobody.`);
    }
  }

  #checkContent(listener: EventListener, event: PublishedEvent, data: unknown): void {
    const { n } = event.data;
    const given = (Object(data) as { readonly n?: unknown }).n;
    const own = n > 0 ? this.#checks.messages.eventIdOf(n) : undefined;
    if (given !== n || event.event !== listener.event || event.op !== undefined) {
      this.#fails('an event of no use', `${JSON.stringify(event)} as ${JSON.stringify(data)}.`);
    } else if (own !== undefined && own !== event.id) {
      this.#fails('an event of no use', `send() gave ${own}, the event has ${event.id}.`);
    }
  }

  #fails: Checks['world']['fails'] = (kind, text) => this.#checks.world.fails(kind, text);
}
