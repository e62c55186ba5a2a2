import { strict as assert } from 'node:assert';
import type { ConnectionRecord, ConnectionStore, Subscriber } from '../store/connections.js';

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
