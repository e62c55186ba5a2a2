import type { GatewayEvent } from '../gateway-event.js';

/** What went to and fro in an event. */
export interface Traffic {
  /** What the integration was given, as JSON. */
  readonly event?: object | undefined;
  /** The text frames that the connection got. */
  readonly frames?: readonly string[] | undefined;
}

/** An event, or a post to `@connections`, that has been dealt with. */
export interface JournalEntry extends GatewayEvent, Traffic {
  /** Counts up from 1. */
  readonly number: number;
}

/** How many entries are kept. */
const MAX_ENTRIES = 200;

/** The last events of a gateway with what went to and fro in them, in memory alone. */
export class Journal {
  readonly #entries: JournalEntry[] = [];
  readonly #listeners = new Set<(entry: JournalEntry) => void>();
  #count = 0;

  /** The last 200, the oldest first. */
  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  record(dealtWith: Omit<JournalEntry, 'number'>): void {
    this.#count++;
    const entry = { ...dealtWith, number: this.#count };
    this.#entries.push(entry);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
    for (const listener of this.#listeners) listener(entry);
  }

  /** Calls back for each entry from now on, until the returned function is called. */
  listen(listener: (entry: JournalEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
