import { randomBytes } from 'node:crypto';
import type { Item } from '../attributes.js';
import { DEAD_S } from './times.js';

/** BODY: the claim of an id, with the content of the event. */
export interface Body {
  readonly item: Item;
  readonly nonce: string;
  /** Random at every write, so that a publisher recognises its own. */
  readonly attempt: string;
  readonly hash: string;
  readonly ttl: number;
  /** The log that the claim was made for. Absent if a transaction of a user has written it. */
  readonly epoch?: string | undefined;
  /** The last offset up to which the log surely does not have the id. */
  readonly after?: number | undefined;
}

/** Attributes of BODY that are not part of the content, which goes into the row of LOG. */
const CLAIM = ['pk', 'sk', 'nonce', 'attempt', 'hash', 'epoch', 'after', 'ttl'];

export function toBody(item: Item): Body {
  const text = (name: string): string => item[name]?.S ?? '';
  const { epoch, after, ttl } = item;
  return {
    item,
    nonce: text('nonce'),
    attempt: text('attempt'),
    hash: text('hash'),
    ttl: Number(ttl?.N),
    ...(after?.N !== undefined && { epoch: epoch?.S, after: Number(after.N) }),
  };
}

/** The content of an entry, with the attributes that only a later version knows. */
export function contentOf(item: Item): Item {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !CLAIM.includes(name)));
}

/** Whether a claim is dead: its id can be claimed anew. The row may be deleted only later. */
export function isDead({ ttl }: Pick<Body, 'ttl'>, nowSeconds: number): boolean {
  return ttl - DEAD_S < nowSeconds;
}

/** Random text of base64url. */
export function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

/** A nonce that makes a key which is not in the ring. */
export function freshNonce(idKey: string, ids: ReadonlyMap<string, number>): string {
  let nonce: string;
  do {
    nonce = randomText(2).slice(0, 2);
  } while (ids.has(idKey + nonce));
  return nonce;
}
