import type { GatewayEvent, PostEvent, Traffic } from '../../gateway/events.js';

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

/** The name of posts in the journal, in place of a route. */
export const POST_ROUTE = 'POST @connections';

const results: Readonly<Record<number, GatewayEvent['result']>> = {
  200: 'ok',
  429: 'throttled',
  500: 'failed',
};

/** The entry of the journal for a post to `@connections`. */
export function postEntry(post: PostEvent): Omit<JournalEntry, 'number'> {
  const { time, durationMs, connectionId, body, status, fault } = post;
  return {
    time,
    route: POST_ROUTE,
    connectionId,
    result: fault?.kind === 'lost' ? 'lost' : (results[status] ?? 'refused'),
    detail: fault ? `${status}, by the fault "${fault.kind}"` : String(status),
    durationMs,
    frames: Array.from({ length: arrivals(post) }, () => body.toString()),
  };
}

/** How often the connection got the frame. */
function arrivals({ status, fault }: PostEvent): number {
  if (fault?.kind === 'doubled') return 2;
  if (fault?.kind === 'arrived-gone') return 1;
  return status === 200 && fault?.kind !== 'lost' ? 1 : 0;
}
