import type { Item } from '../attributes.js';

const ROWS_PER_SEGMENT = 1_000;
const ID_KEY_LENGTH = 16;
const TAG_LENGTH = 6;
const OFFSET_DIGITS = 12;

/** Offsets of the rows of one partition, both included. */
export interface Segment {
  readonly first: number;
  readonly last: number;
}

/** Keys of the rows of one channel's log. */
export class LogKeys {
  /** Key of HEAD: where the log ends. */
  readonly head: Item;
  readonly #prefix: string;
  readonly #channel: string;

  /** @param prefix - Of every key of the log: the store's prefix and its generation. */
  constructor(prefix: string, channel: string) {
    this.#prefix = prefix;
    this.#channel = channel;
    this.head = { pk: { S: `${prefix}H#${channel}` }, sk: { S: '-' } };
  }

  /** Key of BODY: who has claimed an id last, and with which content. Takes a key of the ring, too. */
  body(idKey: string): Item {
    const id = idKey.slice(0, ID_KEY_LENGTH);
    return { pk: { S: `${this.#prefix}B#${this.#channel}#${id}` }, sk: { S: '-' } };
  }

  /** Key of LOG: one entry. */
  entry(epoch: string, offset: number): Item {
    const segment = Math.floor(offset / ROWS_PER_SEGMENT);
    const pk = { S: `${this.#prefix}L#${this.#channel}#${epoch}#${segment}` };
    return { pk, sk: { S: String(offset).padStart(OFFSET_DIGITS, '0') } };
  }
}

/** Splits the offsets behind `after` up to `to` by partitions, in ascending or descending order. */
export function* segmentsOf(after: number, to: number, isBackward = false): Generator<Segment> {
  let [first, last] = [after + 1, to];
  while (first <= last) {
    const whole = segmentOf(isBackward ? last : first);
    yield { first: Math.max(first, whole.first), last: Math.min(last, whole.last) };
    if (isBackward) last = whole.first - 1;
    else first = whole.last + 1;
  }
}

/** The partition of an offset. */
export function segmentOf(offset: number): Segment {
  const first = Math.floor(offset / ROWS_PER_SEGMENT) * ROWS_PER_SEGMENT;
  return { first, last: first + ROWS_PER_SEGMENT - 1 };
}

/** The nonce of a key of the ring. */
export function nonceOf(ringKey: string): string {
  return ringKey.slice(ID_KEY_LENGTH);
}

/** What a position shows of the entry that it names. */
export function tagOf(ringKey: string): string {
  return ringKey.slice(0, TAG_LENGTH);
}
