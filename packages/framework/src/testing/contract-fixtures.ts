import { strict as assert } from 'node:assert';
import type {
  ConnectionRecord,
  ConnectionStore,
  SubscribeResult,
  Subscriber,
} from '../store/connections.js';
import { sliceKey } from '../store/slice.js';

/** One check, on an empty store. */
export type Check = (store: ConnectionStore) => Promise<void>;

/** How long a row lives: 2 h 15 min. */
export const LIFETIME_MS = 8_100_000;

let made = 0;

/** A connection that no other check has. */
export function record(over: Partial<ConnectionRecord> = {}): ConnectionRecord {
  made += 1;
  return {
    connectionId: `c${String(made).padStart(6, '0')}=`,
    apiId: 'abcde12345',
    stage: 'dev',
    region: 'us-east-1',
    connectedAt: Date.now(),
    expiresAt: Date.now() + LIFETIME_MS,
    ...over,
  };
}

/** A channel that no other check has. */
export function uniqueChannel(): string {
  made += 1;
  return `contract/${made}`;
}

/** Reads a channel's subscribers page by page. */
export async function everySubscriber(
  store: ConnectionStore,
  channel: string,
  limit: number,
): Promise<Subscriber[]> {
  const all: Subscriber[] = [];
  let after: string | undefined;
  do {
    const page = await store.subscribers(channel, { limit, ...(after !== undefined && { after }) });
    assert.ok(page.items.length <= limit, 'a page is longer than its limit');
    all.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return all;
}

/** The ids of subscribers. */
export function idsOf(subscribers: readonly Subscriber[]): string[] {
  return subscribers.map(({ connectionId }) => connectionId);
}

/** Ids in the order in which a store returns subscribers. */
export function inSliceOrder(connectionIds: readonly string[]): string[] {
  return [...connectionIds].sort((a, b) => (sliceKey(a) < sliceKey(b) ? -1 : 1));
}

/** Subscribes a connection to one channel. */
// oxlint-disable-next-line max-params -- what the contract's method takes.
export async function subscribe(
  store: ConnectionStore,
  connectionId: string,
  channel: string,
  maxChannels = 200,
): Promise<SubscribeResult | undefined> {
  const limits = { maxChannels, maxBytes: 16_384 };
  const [result] = await store.subscribe(connectionId, [channel], limits);
  return result;
}

/** Ends one subscription of a connection. */
export async function unsubscribe(
  store: ConnectionStore,
  connectionId: string,
  channel: string,
): Promise<boolean | undefined> {
  const [wasSubscribed] = await store.unsubscribe(connectionId, [channel]);
  return wasSubscribed;
}
