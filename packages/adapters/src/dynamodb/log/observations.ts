import type { Head } from './head.js';

/** R: how many of the newest entries stay in the ring. */
export const RING = 12;

const USED_FOR_MS = 60_000;
const MOST_CHANNELS = 1_000;

interface Observation {
  readonly head: Head;
  readonly at: number;
  /** Appends of others, by the millisecond. */
  readonly rate: number;
  /** Average size of payloads. */
  readonly bytes?: number | undefined;
}

/**
 * HEADs as this process saw them last, so that most appends need not read theirs. An old one does no harm,
 * it only makes the append take another try.
 */
export class Observations {
  readonly #seen = new Map<string, Observation>();

  /** HEAD as it was seen last, if not much can have been appended since. */
  recent(channel: string, now: number): Head | undefined {
    const { head, at, rate } = this.#seen.get(channel) ?? { at: -Infinity, rate: 0 };
    const age = now - at;
    return age >= 0 && age <= USED_FOR_MS && rate * age <= RING / 2 ? head : undefined;
  }

  /**
   * Keeps a HEAD.
   *
   * @param at - A time before it was read: the process may have been frozen since.
   * @param own - How many of the appends since the last observation are one's own.
   */
  note(channel: string, { head, at, own }: { head: Head; at: number; own: number }): void {
    const last = this.#seen.get(channel);
    const isSameLog = last?.head.epoch === head.epoch;
    if (isSameLog && last.head.top > head.top) return;
    const rise = isSameLog ? head.top - last.head.top - own : 0;
    // Read and append follow each other so soon that the rise between the two says little.
    const rate = Math.max(rise / Math.max(1, at - (last?.at ?? 0)), (last?.rate ?? 0) / 2);
    this.#seen.delete(channel);
    this.#seen.set(channel, { head, at, rate, bytes: last?.bytes });
    const [oldest = ''] = this.#seen.keys();
    if (this.#seen.size > MOST_CHANNELS) this.#seen.delete(oldest);
  }

  /** Average size of the channel's payloads, in bytes. */
  payloadBytes(channel: string): number | undefined {
    return this.#seen.get(channel)?.bytes;
  }

  notePayloads(channel: string, bytes: number): void {
    const seen = this.#seen.get(channel);
    if (seen) this.#seen.set(channel, { ...seen, bytes });
  }
}
