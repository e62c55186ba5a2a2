import {
  formatPosition,
  type Position,
  parsePosition,
  type SubscribeOutcome,
} from '@gatecast/protocol';
import { type Entry, isVisible, type TrueLog } from './true-log.js';
import type { LogWorld } from './world.js';

/** The outcome of a subscription that was made. */
export type Subscribed = Exclude<SubscribeOutcome, { readonly error: unknown }>;

/** Places of a log: the next event is the first one after one of them. */
interface Places {
  readonly epoch: string;
  readonly least: number;
  readonly most: number;
  /** The event at the place, if there is only one. */
  readonly entry?: Entry | undefined;
  /** Whether it may be gone to only if the application is told of a reset. */
  readonly isReset: boolean;
}

/** What a page knows of a channel before it subscribes. */
export interface Memory {
  readonly seen: ReadonlySet<Entry>;
  /** From where it goes on. */
  readonly position: string | undefined;
  /** Whether it may begin anew although it is told of no reset. */
  readonly mayBegin: boolean;
}

/** Of a page that is loaded for the first time, or has left the channel. */
export const NOTHING: Memory = { seen: new Set(), position: undefined, mayBegin: true };

/** What the application has seen of a channel with history, and what it has to see next. */
export class LogView {
  readonly #world: LogWorld;
  readonly #name: string;
  readonly #log: TrueLog;
  /** After which the next event has to come; `undefined` before the first one. */
  #last: Places | undefined;
  /** An event that is being handed over. */
  #current: Entry | undefined;
  /** Where answers let it begin. */
  #news: Places[] = [];
  #isTold = false;
  /** Whether the application may begin anew although it is told of no reset. */
  #mayBegin: boolean;
  readonly #seen: Set<Entry>;

  constructor(
    world: LogWorld,
    of: { readonly name: string; readonly log: TrueLog },
    { seen, position, mayBegin }: Memory,
  ) {
    this.#world = world;
    this.#name = of.name;
    this.#log = of.log;
    this.#seen = new Set(seen);
    this.#mayBegin = mayBegin;
    const place = parsePosition(position);
    if (!position || !place) return;
    const { epoch, offset } = place;
    const entry = this.#log.entryAt(position);
    this.#last = { epoch, least: offset, most: offset, entry, isReset: false };
  }

  get seen(): ReadonlySet<Entry> {
    return this.#seen;
  }

  /** Whether a first answer has to go on from the last event. */
  get mustContinue(): boolean {
    return this.#last !== undefined && !this.#mayBegin;
  }

  /** An outcome arrives that the client may take. `from` is the position that it was asked with. */
  offer(outcome: Subscribed, from: Position | undefined): void {
    const head = parsePosition(outcome.position);
    if (!head) return;
    const { epoch } = head;
    const { result, events = [] } = outcome;
    if (result === 'resumed') {
      const { offset = 0 } = from ?? {};
      const entry = from && this.#log.entryAt(formatPosition(from));
      this.#news.push({ epoch, least: offset, most: offset, entry, isReset: false });
      return;
    }
    const first = this.#log.entryAt(events[0]?.position ?? '');
    const entry = first ? first.before : this.#log.entryAt(outcome.position ?? '');
    const most = entry?.offset ?? 0;
    const { rewind } = this.#world.plan.setting;
    const least = Math.min(most, Math.max(0, head.offset - rewind));
    this.#news.push({
      epoch,
      least,
      most,
      ...(least === most && { entry }),
      isReset: result === 'reset',
    });
  }

  told(): void {
    this.#isTold = true;
  }

  /** The first listener hears of an event. */
  begin(entry: Entry): void {
    if (!this.#follows(entry)) this.#world.fails(this.#problem(entry), this.#text(entry));
    this.#current = entry;
  }

  /** All listeners have returned. */
  end(): void {
    const entry = this.#current;
    if (!entry) return;
    this.#current = undefined;
    const { epoch, offset } = entry;
    this.#last = { epoch, least: offset, most: offset, entry, isReset: false };
    this.#seen.add(entry);
    this.#news = [];
    this.#isTold = false;
    this.#mayBegin = false;
  }

  /** Whether a position has nothing but heard events before it, and all of them. */
  allows(text: string): boolean {
    const position = parsePosition(text);
    if (!position) return false;
    const entry = this.#log.entryAt(text);
    if (!entry && position.offset > 0) return false;
    return this.#places().some(
      (places) =>
        places.epoch === position.epoch &&
        position.offset >= places.least &&
        (!entry || isReachable(entry, places, true)),
    );
  }

  /** Whether a position is one that would skip events. */
  isAhead(text: string): boolean {
    const position = parsePosition(text);
    const last = this.#last;
    return last !== undefined && position?.epoch === last.epoch && position.offset > last.most;
  }

  #follows(entry: Entry): boolean {
    return this.#places().some(
      (places) =>
        places.epoch === entry.epoch &&
        entry.offset > places.least &&
        isReachable(entry, places, false),
    );
  }

  #places(): readonly Places[] {
    const news = this.#news.filter(({ isReset }) =>
      isReset ? this.#isTold : this.#mayBegin || !this.#last,
    );
    return this.#last ? [this.#last, ...news] : news;
  }

  #problem(entry: Entry): 'an event twice' | 'an event out of order' | 'a gap that nobody told' {
    if (this.#seen.has(entry)) return 'an event twice';
    const last = this.#last;
    const isEarlier = last?.epoch === entry.epoch && entry.offset <= last.most;
    return isEarlier ? 'an event out of order' : 'a gap that nobody told';
  }

  #text({ body }: Entry): string {
    const last = this.#last;
    const place = last ? `${last.epoch}:${last.most}` : 'nothing';
    return `"${this.#name}" got ${body.position} after ${place}.`;
  }
}

/** Whether nothing that is to be heard lies between the places and an event, or the place after it. */
function isReachable(entry: Entry, places: Places, isPlace: boolean): boolean {
  let one: Entry | undefined = isPlace ? entry : entry.before;
  for (; one && one.offset > places.most; one = one.before) {
    if (isVisible(one)) return false;
  }
  // Of the same log, not of one that has been lost since.
  return !places.entry || entry.offset < places.most || one === places.entry;
}
