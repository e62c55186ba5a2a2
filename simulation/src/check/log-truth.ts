import type { LogEntry, LogHead, ReadResult } from '@gatecast/framework';
import type { Position } from '@gatecast/protocol';
import type { Report } from './violation.js';

/** Clocks of environments differ by so much at most, in milliseconds, and a second is lost in rounding. */
const MARGIN_MS = 6_000;

/** Half an hour, and the minute in which an append may follow its claim. */
const KNOWN_LONGER_MS = 1_860_000;

/** The payload of an entry that was purged before it was committed. */
export const PURGED = '';

/** What is known of an entry. */
export interface KnownEntry {
  readonly epoch: string;
  readonly offset: number;
  readonly id: string;
  readonly payload: string;
  readonly at: number;
  readonly tag: string;
}

export interface TruthOptions {
  readonly retentionSeconds: number;
  readonly maxEntries?: number | undefined;
  readonly now: () => number;
  readonly report: Report;
}

/** What was true when a read, or a purge, began. */
export interface ReadBegun {
  readonly at: number;
  /** The last offset of each epoch that had been acknowledged then. */
  readonly acknowledged: ReadonlyMap<string, number>;
  /** The last offset of each epoch that had been purged then. */
  readonly purged: ReadonlyMap<string, number>;
}

/**
 * What is true of one channel's log, collected from every answer and from the rows of the database, and the
 * checks of each new fact against it.
 */
export class LogTruth {
  readonly #options: TruthOptions;
  readonly #entries = new Map<string, KnownEntry>();
  /** When each entry was first known. */
  readonly #since = new Map<string, number>();
  readonly #byId = new Map<string, KnownEntry[]>();
  readonly #contents = new Map<string, Set<string>>();
  readonly #acknowledged = new Map<string, KnownEntry>();
  /** Entries that a fail-over has forgotten, with their tags. */
  readonly #forgotten = new Set<string>();
  /** When each of them was acknowledged last. */
  readonly #acknowledgedAt = new Map<string, number>();
  /** The highest acknowledged offset of each epoch. */
  readonly #tops = new Map<string, number>();
  /** Offsets of each epoch up to which a purge may have taken the contents. */
  readonly #purgeable = new Map<string, number>();
  /** Those whose purge has returned, so that nobody may read them any more. */
  readonly #purged = new Map<string, number>();

  constructor(options: TruthOptions) {
    this.#options = options;
  }

  /** Somebody is about to publish something. */
  submitted(id: string, content: string): void {
    const contents = this.#contents.get(id) ?? new Set();
    this.#contents.set(id, contents.add(content));
  }

  entryAt(epoch: string, offset: number): KnownEntry | undefined {
    return this.#entries.get(`${epoch}:${offset}`);
  }

  /** An entry is in the log: the database has it, or somebody has read it. */
  committed(entry: KnownEntry): void {
    const { epoch, offset, id, payload } = entry;
    if (this.#isForgotten(entry)) return;
    const known = this.entryAt(epoch, offset);
    if (known) {
      const isSame = known.id === id && known.payload === payload && known.tag === entry.tag;
      if (!isSame || known.at !== entry.at) {
        this.#report(
          'content',
          `Offset ${offset} is ${describe(entry)}, but was ${describe(known)}.`,
        );
      }
      return;
    }
    this.#entries.set(`${epoch}:${offset}`, entry);
    this.#since.set(`${epoch}:${offset}`, this.#options.now());
    if (payload !== PURGED && this.#contents.get(id)?.has(contentOf(payload)) !== true) {
      this.#report(
        'content',
        `Offset ${offset} is ${describe(entry)}, which nobody has published.`,
      );
    }
    const others = this.#byId.get(id) ?? [];
    for (const other of others) {
      const isForgotten = Math.abs(entry.at - other.at) >= this.#retentionMs - MARGIN_MS;
      if (!isForgotten) {
        this.#report('once', `${id} is at ${place(other)} and at ${place(entry)}.`);
      }
    }
    this.#byId.set(id, [...others, entry]);
  }

  /** A publish that began at a time was acknowledged with a position. */
  acknowledged(entry: KnownEntry, begunAt: number): void {
    if (this.#isForgotten(entry)) return;
    this.committed(entry);
    const since = this.#since.get(`${entry.epoch}:${entry.offset}`) ?? 0;
    // An id is known for its retention and half an hour more; then it has to be published anew.
    if (begunAt > since + this.#retentionMs + KNOWN_LONGER_MS + MARGIN_MS) {
      this.#report(
        'durable',
        `${describe(entry)} was acknowledged at ${place(entry)}, which is long over.`,
      );
    }
    this.#acknowledged.set(`${entry.epoch}:${entry.offset}`, entry);
    this.#acknowledgedAt.set(`${entry.epoch}:${entry.offset}`, this.#options.now());
    const top = this.#tops.get(entry.epoch) ?? 0;
    this.#tops.set(entry.epoch, Math.max(top, entry.offset));
  }

  /** Entries that are in the log now, before a fail-over forgets some of them. */
  sawAll(entries: readonly LogEntry[]): void {
    for (const { position, payload, at } of entries) {
      this.committed({ ...position, payload, at, id: idOf(payload) });
    }
  }

  /** A fail-over has forgotten everything behind a position. */
  forgetAfter({ epoch, offset }: Position): void {
    for (const [key, entry] of this.#entries) {
      if (entry.epoch === epoch && entry.offset <= offset) continue;
      this.#forgotten.add(`${key}:${entry.tag}`);
      this.#entries.delete(key);
      this.#acknowledged.delete(key);
      this.#acknowledgedAt.delete(key);
      const others = this.#byId.get(entry.id) ?? [];
      this.#byId.set(
        entry.id,
        others.filter((other) => other !== entry),
      );
    }
    for (const [known, top] of this.#tops) {
      this.#tops.set(known, known === epoch ? Math.min(top, offset) : 0);
    }
  }

  /** A log begins, so positions of the earlier ones are of no use any more. */
  epochBegins(epoch: string): void {
    const now = this.#options.now();
    for (const [key, at] of this.#acknowledgedAt) {
      if (!key.startsWith(epoch) && now < at + this.#retentionMs - MARGIN_MS) {
        this.#report('durable', `${epoch} begins, but ${key} has just been acknowledged.`);
      }
    }
  }

  /** A publish has ended with a position. */
  checkPosition({ epoch, offset, tag }: Position, id: string): void {
    const entry = this.entryAt(epoch, offset);
    if (!entry) {
      this.#report('durable', `${id} was published at ${offset}, which is not in the log.`);
    } else if (entry.id !== id || entry.tag !== tag) {
      this.#report('content', `${id} was published at ${offset}, which is ${describe(entry)}.`);
    }
  }

  /** A purge may take what is in the log up to an offset. */
  mayPurge(epoch: string, offset: number): void {
    this.#purgeable.set(epoch, Math.max(this.#purgeable.get(epoch) ?? 0, offset));
  }

  mayBePurged({ epoch, offset }: Position): boolean {
    return offset <= (this.#purgeable.get(epoch) ?? 0);
  }

  /** What was in the log when the purge began is gone. */
  hasPurged(begun: ReadBegun): void {
    for (const [epoch, offset] of begun.acknowledged) {
      this.#purged.set(epoch, Math.max(this.#purged.get(epoch) ?? 0, offset));
    }
  }

  readBegins(): ReadBegun {
    return {
      at: this.#options.now(),
      acknowledged: new Map(this.#tops),
      purged: new Map(this.#purged),
    };
  }

  /** Checks the answer to a read of the entries behind a position. */
  checkReadAfter(after: Position, result: ReadResult, begun: ReadBegun): void {
    this.checkHead(result.head, begun);
    if ('reset' in result) {
      this.checkReset(after, result.reset, result.head.position);
      return;
    }
    const { entries, more, head } = result;
    this.#checkEntries(after.offset + 1, entries, begun);
    if (this.#isForgotten(after)) {
      this.#report('reset', `${after.offset} was resumed, but a fail-over has forgotten it.`);
    }
    const last = entries.at(-1)?.position ?? after;
    if (after.epoch !== head.position.epoch) {
      this.#report('reset', `A position of epoch ${after.epoch} was resumed in another one.`);
    }
    if (more !== last.offset < head.position.offset || (more && entries.length === 0)) {
      this.#report(
        'answer',
        `A page ends at ${last.offset} of ${head.position.offset} with more: ${more}.`,
      );
    }
  }

  /** Checks a page of the entries that end somewhere. */
  checkReadBefore(before: Position | undefined, result: ReadResult, begun: ReadBegun): void {
    this.checkHead(result.head, begun);
    if ('reset' in result) {
      if (!before) this.#report('reset', `The newest entries: reset ${result.reset}.`);
      else if (result.reset !== 'trimmed') {
        this.checkReset(before, result.reset, result.head.position);
      }
      return;
    }
    const { entries, head } = result;
    const end = before ? before.offset - 1 : head.position.offset;
    this.#checkEntries(end - entries.length + 1, entries, begun);
    const first = this.entryAt(head.position.epoch, end);
    if (
      entries.length === 0 &&
      first &&
      this.#mustBeReadable(first, head.position, this.#options.now())
    ) {
      this.#report('durable', `The page that ends with ${describe(first)} is empty.`);
    }
  }

  checkHead({ position }: LogHead, begun: ReadBegun): void {
    const now = this.#tops.get(position.epoch) ?? 0;
    const acknowledged = Math.min(begun.acknowledged.get(position.epoch) ?? 0, now);
    if (position.offset < acknowledged) {
      this.#report(
        'fresh',
        `The end is ${position.offset}, but ${acknowledged} had been acknowledged.`,
      );
    }
    const known = this.entryAt(position.epoch, position.offset);
    if (known && known.tag !== position.tag) {
      this.#report(
        'content',
        `The tag of offset ${position.offset} is ${position.tag}, not ${known.tag}.`,
      );
    }
  }

  /** Checks that everything that was promised can be read now. */
  checkDurable(entries: readonly LogEntry[], head: LogHead): void {
    const found = new Set(entries.map(({ position }) => position.offset));
    for (const entry of this.#acknowledged.values()) {
      const isGone = entry.epoch !== head.position.epoch || !found.has(entry.offset);
      if (isGone && this.#mustBeReadable(entry, head.position, this.#options.now())) {
        this.#report(
          'durable',
          `${describe(entry)} was acknowledged at ${place(entry)} and is gone.`,
        );
      }
    }
  }

  #checkEntries(first: number, entries: readonly LogEntry[], begun: ReadBegun): void {
    for (const [index, { position, payload, at }] of entries.entries()) {
      const { epoch, offset, tag } = position;
      if (offset !== first + index) {
        this.#report('order', `Entry ${index} of a page from ${first} has offset ${offset}.`);
      }
      this.committed({ epoch, offset, tag, at, payload, id: idOf(payload) });
      if (offset <= (begun.purged.get(epoch) ?? 0)) {
        this.#report('purged', `Offset ${offset} was purged, and can be read.`);
      }
    }
  }

  /** Checks that a reader who was told of a reset has really missed something, or may have. */
  checkReset(after: Position, reset: string, end: Position): void {
    const now = this.#options.now();
    const { epoch, offset: top } = end;
    if (reset === 'forked' && !this.#isForgotten(after)) {
      this.#report('reset', `${after.epoch}:${after.offset} was told that the log has forked.`);
      return;
    }
    if ((reset === 'epoch') !== (after.epoch !== epoch)) {
      this.#report('reset', `${after.epoch} was told ${reset} in ${epoch}.`);
    }
    const lost = [...this.#acknowledged.values()].filter(
      (entry) =>
        entry.epoch === after.epoch &&
        entry.offset > after.offset &&
        this.#mustBeReadable(entry, end, now),
    );
    if (reset === 'epoch') {
      if (lost[0])
        this.#report('durable', `Another epoch has begun, and ${describe(lost[0])} is lost.`);
      return;
    }
    const { maxEntries = Infinity } = this.#options;
    if (after.offset < top - maxEntries) return;
    if (after.offset < (this.#purgeable.get(epoch) ?? 0)) return;
    for (let offset = after.offset + 1; offset <= top; offset += 1) {
      const entry = this.entryAt(epoch, offset);
      if (!entry || entry.at + this.#retentionMs < now + MARGIN_MS) return;
    }
    this.#report(
      'reset',
      `${after.offset} of ${top} was told ${reset}, but nothing behind it is missing.`,
    );
  }

  #isForgotten({ epoch, offset, tag }: Position): boolean {
    return this.#forgotten.has(`${epoch}:${offset}:${tag}`);
  }

  /** Whether an acknowledged entry has to be found by a read at a time. */
  #mustBeReadable(entry: KnownEntry, position: Position, time: number): boolean {
    const { maxEntries = Infinity } = this.#options;
    const isInReach = entry.epoch !== position.epoch || entry.offset > position.offset - maxEntries;
    return (
      isInReach &&
      this.#acknowledged.has(`${entry.epoch}:${entry.offset}`) &&
      entry.offset > (this.#purgeable.get(entry.epoch) ?? 0) &&
      time < entry.at + this.#retentionMs - MARGIN_MS
    );
  }

  get #retentionMs(): number {
    return this.#options.retentionSeconds * 1_000;
  }

  #report(...violation: Parameters<Report>): void {
    this.#options.report(...violation);
  }
}

/** The id in a payload of a run: what was published, alone or as the data of an event. */
export function idOf(payload: string): string {
  const body = JSON.parse(payload) as {
    readonly id: string;
    readonly data?: { readonly id: string };
  };
  return (body.data ?? body).id;
}

function contentOf(payload: string): string {
  const { data } = JSON.parse(payload) as { readonly data?: object };
  return data ? JSON.stringify(data) : payload;
}

function describe({ id, payload }: KnownEntry): string {
  return `${id} (${payload.length > 60 ? `${payload.slice(0, 60)}…` : payload})`;
}

function place({ epoch, offset }: KnownEntry): string {
  return `${epoch}:${offset}`;
}
