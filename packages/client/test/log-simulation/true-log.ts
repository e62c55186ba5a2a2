import {
  type ChannelEventBody,
  formatPosition,
  type Position,
  parsePosition,
  type ResetReason,
} from '@gatecast/protocol';
import type { Random } from '../simulation/random.js';

/** One event of a log. */
export interface Entry extends Position {
  readonly body: ChannelEventBody;
  /** The one before it, also of a log that has been lost since. */
  readonly before: Entry | undefined;
}

/** A part of a log, or why there is none without a hole. */
export type Page =
  | { readonly events: readonly ChannelEventBody[]; readonly more: boolean }
  | { readonly reset: ResetReason };

/** What happens to be an event, without its place. */
export type Content = Pick<ChannelEventBody, 'event' | 'data' | 'id' | 'op'>;

/** Whether the application of the simulation hears of an event: it listens to one name. */
export function isVisible({ body }: Entry): boolean {
  return body.event === 'message' && body.op === undefined;
}

/** The history of one channel as it is, and all that it has ever been. */
export class TrueLog {
  readonly #random: Random;
  readonly #hasPrev: boolean;
  readonly #all = new Map<string, Entry>();
  #epoch: string;
  #entries: Entry[] = [];
  /** Events up to this offset cannot be read any more. */
  #floor = 0;

  constructor(random: Random, hasPrev: boolean) {
    this.#random = random;
    this.#hasPrev = hasPrev;
    this.#epoch = this.#text(12);
  }

  get head(): Position {
    const { epoch, offset, tag } = this.#entries.at(-1) ?? {
      offset: 0,
      tag: '',
      epoch: this.#epoch,
    };
    return { epoch, offset, tag };
  }

  /** The events that are in it now. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** The event at a position, in whichever log; `undefined` for the place before a first event. */
  entryAt(position: string): Entry | undefined {
    return this.#all.get(position);
  }

  append(content: Content, at: number): Entry {
    const before = this.#entries.at(-1);
    const offset = this.#entries.length + 1;
    const place = { epoch: this.#epoch, offset, tag: this.#text(6) };
    const body = {
      ...content,
      at,
      position: formatPosition(place),
      ...(this.#hasPrev && { prev: before?.tag ?? '' }),
    };
    const entry = { ...place, body, before };
    this.#entries.push(entry);
    this.#all.set(body.position, entry);
    return entry;
  }

  /** Of the events only the latest can still be read. */
  trim(kept: number): void {
    this.#floor = Math.max(this.#floor, this.#entries.length - kept);
  }

  /** The log is lost as a whole, and another one begins. */
  begin(): void {
    this.#epoch = this.#text(12);
    this.#entries = [];
    this.#floor = 0;
  }

  /** The store forgets its latest events. */
  forget(count: number): void {
    this.#entries.splice(Math.max(this.#floor, this.#entries.length - count));
  }

  /** Whether a position names a place in the log as it is now. */
  problemOf({ epoch, offset, tag }: Position): ResetReason | undefined {
    if (epoch !== this.#epoch) return 'epoch';
    if (offset > this.#entries.length) return 'forked';
    if (offset > 0 && this.#entries[offset - 1]?.tag !== tag) return 'forked';
    return offset < this.#floor ? 'trimmed' : undefined;
  }

  readAfter(position: Position, limit: number): Page {
    const reset = this.problemOf(position);
    if (reset) return { reset };
    const { offset } = position;
    const events = this.#entries.slice(offset, offset + limit).map(({ body }) => body);
    return { events, more: offset + events.length < this.#entries.length };
  }

  readBefore(position: Position | undefined, limit: number): Page {
    const reset = position && this.problemOf(position);
    if (reset && reset !== 'trimmed') return { reset };
    const end = position ? Math.max(position.offset - 1, 0) : this.#entries.length;
    const first = Math.max(this.#floor, end - limit);
    const events = this.#entries.slice(first, Math.max(first, end)).map(({ body }) => body);
    return { events, more: first > this.#floor && end > this.#floor };
  }

  #text(length: number): string {
    let text = '';
    while (text.length < length) text += this.#random.between(0, 35).toString(36);
    return text;
  }
}

/** A position that a client has named. @throws Error - for anything else. */
export function positionOf(value: unknown): Position {
  const position = parsePosition(value);
  if (!position) throw new Error(`${String(value)} is not a position.`);
  return position;
}
