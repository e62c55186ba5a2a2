import type { AttributeValue } from '@aws-sdk/client-dynamodb';
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

/** What the keys of all logs of a store have in common. */
export interface KeyParts {
  /** Begins every key of the store. */
  readonly prefix: string;
  /** Empty, or the generation and `#`. It is behind the kind of the row, so that it cannot pass for a part of a prefix. */
  readonly generation: string;
}

/** Keys of the rows of one channel's log. Names of channels do not contain `#`. */
export class LogKeys {
  /** Key of HEAD: where the log ends. */
  readonly head: Item;
  readonly #parts: KeyParts;
  readonly #channel: string;

  constructor(parts: KeyParts, channel: string) {
    this.#parts = parts;
    this.#channel = channel;
    this.head = { pk: this.#pk('H'), sk: { S: '-' } };
  }

  /** Key of BODY: who has claimed an id last, and with which content. Takes a key of the ring, too. */
  body(idKey: string): Item {
    return { pk: this.#pk('B', idKey.slice(0, ID_KEY_LENGTH)), sk: { S: '-' } };
  }

  /** Key of LOG: one entry. */
  entry(epoch: string, offset: number): Item {
    const segment = Math.floor(offset / ROWS_PER_SEGMENT);
    return {
      pk: this.#pk('L', epoch, segment),
      sk: { S: String(offset).padStart(OFFSET_DIGITS, '0') },
    };
  }

  #pk(kind: string, ...rest: readonly (string | number)[]): AttributeValue {
    const { prefix, generation } = this.#parts;
    return { S: `${prefix}${kind}#${generation}${[this.#channel, ...rest].join('#')}` };
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
