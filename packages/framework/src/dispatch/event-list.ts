import { MAX_FRAME_BYTES } from '@gatecast/protocol';
import { writeEntry } from '../publish/event-frame.js';
import type { LogPage } from '../store/log.js';

/** Fewer bytes than any event takes in a frame, with its position. */
const SMALLEST_EVENT = 80;
/** What an {@link EventList} without events takes. */
const EMPTY_LIST = ',"events":[],"more":true'.length;

/** Most entries that a frame has room for, so that no more are read. */
export function mostEntries(maxBytes: number): number {
  return Math.ceil(maxBytes / SMALLEST_EVENT);
}

/** Events for a frame, of which only a part may fit. */
export class EventList {
  readonly #texts: readonly string[];
  readonly #kept: 'first' | 'last';
  readonly #more: boolean;
  #count = 0;
  #bytes = 0;

  /** @param kept - Which events are kept if not all fit: the first ones after a position, or the latest ones. */
  constructor({ entries, more }: LogPage, kept: 'first' | 'last') {
    this.#texts = entries.map(({ payload, ...place }) => writeEntry(payload, place));
    this.#kept = kept;
    this.#more = more;
  }

  /** Adds the next event, if it takes at most so many bytes. Returns how many it takes; 0 if none was added. */
  grow(maxBytes: number): number {
    const index = this.#kept === 'first' ? this.#count : this.#texts.length - 1 - this.#count;
    const text = this.#texts[index];
    if (text === undefined) return 0;
    const bytes = Buffer.byteLength(text) + 1;
    if (bytes > maxBytes) return 0;
    this.#bytes += bytes;
    this.#count += 1;
    return bytes;
  }

  /** Bytes of the events so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The list as further properties of a JSON object: `,"events":[…],"more":true`. */
  write(): string {
    const { length } = this.#texts;
    const texts =
      this.#kept === 'first'
        ? this.#texts.slice(0, this.#count)
        : this.#texts.slice(length - this.#count);
    const more = this.#more || this.#count < length ? ',"more":true' : '';
    return `,"events":[${texts.join(',')}]${more}`;
  }
}

/**
 * Fills a frame with events. The next one is always that of the list with the fewest bytes, so that each gets an equal
 * share, and what one does not need is left for the others.
 *
 * @param used - Bytes of the frame without the lists.
 */
export function fillFrame(lists: readonly EventList[], used: number): void {
  let room = MAX_FRAME_BYTES - used - lists.length * EMPTY_LIST;
  let growing = lists;
  while (growing.length > 0) {
    const list = growing.reduce((least, each) => (each.bytes < least.bytes ? each : least));
    const bytes = list.grow(room);
    room -= bytes;
    if (bytes === 0) growing = growing.filter((each) => each !== list);
  }
}
