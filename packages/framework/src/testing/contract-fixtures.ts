import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { StoreError } from '../errors/gatecast-error.js';
import type {
  ConnectionRecord,
  ConnectionStore,
  SubscribeResult,
  Subscriber,
} from '../store/connections.js';
import { sliceKey } from '../store/slice.js';
import type { TimeLimit } from '../time/time-limit.js';

/** One check of the contract. Other checks may use the store at the same time. */
export interface Check {
  /** What the store must do, as the end of a sentence. */
  readonly name: string;
  readonly run: (store: ConnectionStore, sizes: CheckSizes) => Promise<void>;
}

/** Sizes and seed of a check. */
export interface CheckSizes {
  /** Number of subscribers of a channel. */
  readonly subscribers: number;
  /** Seed of random orders. */
  readonly seed: number;
}

/** Lifetime of a row: 2 h 15 min. */
export const LIFETIME_MS = 8_100_000;

/** More than any check needs. */
export const WIDE = { maxChannels: 1_000, maxBytes: 100_000 } as const;

const AT_ONCE = 25;

// Stores may share a database, even with another process or an earlier run.
const ownPrefix = randomBytes(6).toString('base64url');
let counter = 0;

/** The record of a connection that no other check uses. */
export function record(over: Partial<ConnectionRecord> = {}): ConnectionRecord {
  counter += 1;
  return {
    connectionId: `${ownPrefix}${counter.toString(36).padStart(4, '0')}=`,
    apiId: 'abcde12345',
    stage: 'dev',
    region: 'us-east-1',
    connectedAt: Date.now(),
    expiresAt: Date.now() + LIFETIME_MS,
    ...over,
  };
}

/** A channel that no other check uses. */
export function uniqueChannel(): string {
  counter += 1;
  return `contract/${ownPrefix}/${counter}`;
}

/** Time limits that no call reaches, with and without a signal. */
export function futureLimits(): readonly TimeLimit[] {
  const { signal } = new AbortController();
  return [
    {},
    { signal },
    { endsAt: Date.now() + 60_000, signal },
    // Longer than a timer can wait.
    { endsAt: Date.now() + 2 ** 31 + 60_000 },
    { endsAt: 1e15, signal },
    { endsAt: Number.POSITIVE_INFINITY, signal },
  ];
}

/** Several channels that no other check uses. */
export function uniqueChannels(count: number): string[] {
  return Array.from({ length: count }, uniqueChannel);
}

/** Saves a new connection that is subscribed to channels. */
export async function connected(
  store: ConnectionStore,
  channels: readonly string[],
  over: Partial<ConnectionRecord> = {},
): Promise<ConnectionRecord> {
  const connection = record(over);
  await store.connect(connection, channels);
  return connection;
}

/** Saves a connection with memberships whose row has then expired. */
export async function expired(
  store: ConnectionStore,
  channels: readonly string[],
): Promise<ConnectionRecord> {
  const connection = await connected(store, channels);
  const old = { ...connection, expiresAt: 1_000 };
  await store.connect(old, []);
  return old;
}

/** Reads a channel's subscribers page by page. */
export async function everySubscriber(
  store: ConnectionStore,
  channel: string,
  limit = 100,
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

/** The ids of a channel's subscribers, in the order in which the store returns them. */
export async function memberIds(store: ConnectionStore, channel: string): Promise<string[]> {
  return idsOf(await everySubscriber(store, channel));
}

/** The subscriber that a channel must return for a connection. */
export function subscriberOf({
  expiresAt: _expiresAt,
  identity: _identity,
  ...subscriber
}: ConnectionRecord): Subscriber {
  return subscriber;
}

export function idsOf(connections: readonly { readonly connectionId: string }[]): string[] {
  return connections.map(({ connectionId }) => connectionId);
}

/** Ids in the order in which a store returns subscribers. */
export function inSliceOrder(connectionIds: readonly string[]): string[] {
  return [...connectionIds].sort((a, b) => (sliceKey(a) < sliceKey(b) ? -1 : 1));
}

/** Sorted, independently of the store. */
export function sorted(texts: readonly string[]): string[] {
  return [...texts].sort();
}

/** Subscribes a connection to one channel. */
export async function subscribe(
  store: ConnectionStore,
  connectionId: string,
  channel: string,
): Promise<SubscribeResult | undefined> {
  const [result] = await store.subscribe(connectionId, [channel], WIDE);
  return result;
}

/** Runs some work for many items, a few at a time. */
export async function forAll<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  const drain = async (): Promise<void> => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, drain));
}

/** The error of a call. */
export async function failureOf(name: string, call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new assert.AssertionError({ message: `${name} did not reject` });
}

/** Asserts that an error says that the time of a call was over. */
export function assertOutOfTime(name: string, error: unknown): void {
  assert.ok(StoreError.is(error), `${name} rejected with ${String(error)}`);
  assert.equal(error.code, 'ERR_STORE_UNAVAILABLE', name);
}

/** Asserts that nothing is left of a connection. */
export async function assertGone(
  store: ConnectionStore,
  connectionId: string,
  channels: readonly string[],
): Promise<void> {
  assert.equal(await store.get(connectionId), undefined);
  assert.deepEqual(await store.channels(connectionId), []);
  for (const channel of channels) {
    const ids = await memberIds(store, channel);
    assert.ok(!ids.includes(connectionId), `${connectionId} is gone and subscribed to ${channel}`);
  }
}

/**
 * Asserts that the subscribers of channels match the channels of connections, with the same details, and
 * that no connection that is gone has channels.
 */
export async function assertAgreement(
  store: ConnectionStore,
  connectionIds: readonly string[],
  channels: readonly string[],
): Promise<void> {
  const expected: string[] = [];
  for (const id of connectionIds) {
    const connection = await store.get(id);
    const own = await store.channels(id);
    if (!connection) {
      assert.deepEqual(own, [], `${id} is gone and has channels`);
      continue;
    }
    const watched = own.filter((channel) => channels.includes(channel));
    expected.push(...watched.map((channel) => membership(channel, subscriberOf(connection))));
  }
  const found: string[] = [];
  for (const channel of channels) {
    const subscribers = await everySubscriber(store, channel);
    found.push(...subscribers.map((subscriber) => membership(channel, subscriber)));
  }
  assert.deepEqual(sorted(found), sorted(expected), 'subscribers and connections do not agree');
}

function membership(channel: string, subscriber: Subscriber): string {
  const fields = Object.entries(subscriber).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${channel} ${JSON.stringify(fields)}`;
}
