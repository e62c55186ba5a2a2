import type { LogHead } from '@gatecast/framework';
import type { Item } from '../attributes.js';
import { tagOf } from './log-keys.js';

/** HEAD: the item that decides which entry is in the log, and at which offset. */
export interface Head {
  readonly epoch: string;
  /** Offset of the last entry. */
  readonly top: number;
  /** Entries up to here are surely in LOG, unless they have expired. */
  readonly floor: number;
  /** The ring: offsets of exactly the entries behind `floor`, by the ring's keys. */
  readonly ids: ReadonlyMap<string, number>;
  /** Second from which DynamoDB may delete it. */
  readonly ttl: number;
  /** Entries up to here have been purged. */
  readonly purged: number;
  readonly audience?: number;
}

/** Reads HEAD. Attributes of later versions are ignored, and stay where they are. */
export function toHead(item: Item): Head {
  const number = (name: string): number => Number(item[name]?.N ?? 0);
  return {
    epoch: item['epoch']?.S ?? '',
    top: number('top'),
    floor: number('floor'),
    ids: new Map(Object.entries(item['ids']?.M ?? {}).map(([key, { N }]) => [key, Number(N)])),
    ttl: number('ttl'),
    purged: number('purged'),
    ...(item['audience'] && { audience: number('audience') }),
  };
}

/** The keys of the ring, by their offsets. */
export function ringOf({ ids }: Head): ReadonlyMap<number, string> {
  return new Map([...ids].map(([ringKey, offset]) => [offset, ringKey]));
}

/** HEAD as readers of the log see it. */
export function toLogHead(head: Head): LogHead {
  const { epoch, top, audience } = head;
  const tag = tagOf(ringOf(head).get(top) ?? '');
  return { position: { epoch, offset: top, tag }, ...(audience !== undefined && { audience }) };
}
