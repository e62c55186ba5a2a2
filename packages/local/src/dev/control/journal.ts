import type { GatewayEvent, Traffic } from '../../gateway/events.js';

/** An event, or a post to `@connections`, that has been handled. */
export interface JournalEntry extends GatewayEvent, Traffic {
  /** Number of the entry, counted from 1. */
  readonly number: number;
}

/** Most entries that are kept. */
const MAX_ENTRIES = 200;

/** The last events of a gateway with their contents, in memory only. */
export class Journal {
  readonly #entries: JournalEntry[] = [];
  readonly #listeners = new Set<(entry: JournalEntry) => void>();
  #count = 0;

  /** The last 200 entries, oldest first. */
  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  record(entry: Omit<JournalEntry, 'number'>): void {
    this.#count++;
    const numbered = { ...entry, number: this.#count };
    this.#entries.push(numbered);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
    for (const listener of this.#listeners) listener(numbered);
  }

  /** Calls back for each new entry, until the returned function is called. */
  listen(listener: (entry: JournalEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
