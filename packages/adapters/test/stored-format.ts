// What a store keeps: written by one version, read by later ones.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type {
  ConnectionRecord,
  ConnectionStore,
  LogEntry,
  MessageLog,
  Store,
} from '@gatecast/framework';
import { expect } from 'vitest';
import { keyOf } from './log-under-test.js';

/** The time of all fixtures, in milliseconds since 1970. */
export const NOW = 1_795_800_000_000;
const LIMITS = { maxChannels: 200, maxBytes: 40_960 };
const KEPT = { channel: 'rooms/1', retentionSeconds: 3_600 };
const PURGED = { channel: 'rooms/2', retentionSeconds: 3_600 };
const ALL = { limit: 100, maxBytes: 1_000_000 };

/** Everything that a version has stored, and what can be read of it. */
export interface StoredFormat<Rows> {
  readonly rows: Rows;
  readonly kept: readonly LogEntry[];
  readonly purged: readonly LogEntry[];
}

/** Lets an operation die at a step, as if its environment ended there. */
export type Interrupt = (
  step: 'removal of memberships' | 'append',
  operation: () => Promise<unknown>,
) => Promise<void>;

function recordOf(connectionId: string, over: Partial<ConnectionRecord> = {}): ConnectionRecord {
  return {
    connectionId,
    apiId: 'abcde12345',
    stage: 'dev',
    region: 'us-east-1',
    connectedAt: NOW - 1_000,
    expiresAt: NOW + 8_100_000,
    ...over,
  };
}

const ann = recordOf('ann', {
  userId: 'u1',
  identityExpiresAt: NOW + 3_600_000,
  identity: '{"claims":{"team":"red"}}',
});
const guest = recordOf('guest');
const pruned = recordOf('pruned', { userId: 'u2' });
const closing = recordOf('closing');

async function append(log: MessageLog, id: string, of: typeof KEPT) {
  const request = { ...of, key: keyOf(id), hash: `hash-of-${id}`, payload: `{"id":"${id}"}` };
  const result = await log.append({ ...request, onOtherHash: 'refuse' });
  if (result.result !== 'appended') throw new Error(`append returned "${result.result}"`);
  return result;
}

async function publish(log: MessageLog, id: string, of: typeof KEPT): Promise<void> {
  const { finish } = await append(log, id, of);
  await finish?.(Promise.resolve(3));
}

async function entriesOf(log: MessageLog, of: typeof KEPT): Promise<readonly LogEntry[]> {
  const page = await log.readBefore({ ...of, ...ALL });
  if ('reset' in page) throw new Error(`The read was answered by a reset: ${page.reset}.`);
  return page.entries;
}

function partsOf({ connections, log }: Store): { connections: ConnectionStore; log: MessageLog } {
  if (!log) throw new Error('The store has no log.');
  return { connections, log };
}

/** Makes a row of every kind, in every state. Returns what can be read of the logs. */
export async function writeEverything(store: Store, interrupt: Interrupt) {
  const { connections, log } = partsOf(store);
  await connections.connect(ann, ['rooms/1', 'rooms/2']);
  await connections.connect(guest, ['rooms/2']);
  await connections.subscribe('guest', ['rooms/1'], LIMITS);
  await connections.unsubscribe('guest', ['rooms/2']);
  await connections.connect(pruned, ['rooms/1']);
  await connections.prune(['pruned']);
  await connections.connect(closing, ['rooms/3']);
  await interrupt('removal of memberships', () => connections.disconnect('closing'));

  for (let number = 1; number <= 26; number += 1) await publish(log, `p${number}`, KEPT);
  // Its publisher ended before the entry was in its place.
  await append(log, 'unfinished', KEPT);
  await interrupt('append', () => append(log, 'claimed', KEPT));
  await publish(log, 'q1', PURGED);
  await publish(log, 'q2', PURGED);
  await log.purge(PURGED);
  await publish(log, 'q3', PURGED);
  return { kept: await entriesOf(log, KEPT), purged: await entriesOf(log, PURGED) };
}

async function subscribersOf(connections: ConnectionStore, channel: string): Promise<string[]> {
  const { items } = await connections.subscribers(channel);
  return items.map(({ connectionId }) => connectionId).toSorted();
}

/** Expects that a store serves the connections of {@link writeEverything}. */
export async function expectToServeConnections(store: Store): Promise<void> {
  const { connections } = partsOf(store);
  for (const record of [ann, guest]) {
    expect(await connections.get(record.connectionId)).toMatchObject(record);
  }
  for (const id of ['pruned', 'closing']) expect(await connections.get(id)).toBeUndefined();
  expect((await connections.channels('ann')).toSorted()).toEqual(['rooms/1', 'rooms/2']);
  expect(await connections.channels('guest')).toEqual(['rooms/1']);
  expect(await subscribersOf(connections, 'rooms/1')).toEqual(['ann', 'guest']);
  const { items } = await connections.subscribers('rooms/2');
  const { expiresAt: _expiresAt, identity: _identity, ...subscriber } = ann;
  expect(items).toEqual([expect.objectContaining(subscriber)]);

  const again = await connections.subscribe('guest', ['rooms/2', 'rooms/1'], LIMITS);
  expect(again).toEqual(['subscribed', 'present']);
  expect(await connections.unsubscribe('ann', ['rooms/2', 'rooms/3'])).toEqual([true, false]);
  expect(await subscribersOf(connections, 'rooms/2')).toEqual(['guest']);
  await connections.connect({ ...guest, userId: 'u3' }, []);
  expect((await connections.subscribers('rooms/2')).items).toMatchObject([{ userId: 'u3' }]);

  expect(await connections.disconnect('pruned')).toMatchObject({
    record: pruned,
    channels: ['rooms/1'],
  });
  expect(await connections.disconnect('closing')).toBeUndefined();
  expect(await subscribersOf(connections, 'rooms/3')).toEqual([]);
  expect(await connections.disconnect('ann')).toMatchObject({ record: ann, channels: ['rooms/1'] });
  expect(await subscribersOf(connections, 'rooms/1')).toEqual(['guest']);
}

/** Expects that a store reads the logs of {@link writeEverything}, and goes on with them. */
export async function expectToServeLogs(
  store: Store,
  { kept, purged }: Pick<StoredFormat<unknown>, 'kept' | 'purged'>,
): Promise<void> {
  const { log } = partsOf(store);
  expect(kept).toHaveLength(27);
  expect(await entriesOf(log, KEPT)).toEqual(kept);
  const [, , third] = kept;
  const last = kept.at(-1);
  if (!third || !last) throw new Error('The fixture has too few entries.');
  const page = await log.readAfter({ ...KEPT, ...ALL, after: third.position });
  expect(page).toMatchObject({ entries: kept.slice(3), more: false });
  expect(await log.head(KEPT)).toEqual({ position: last.position, audience: 3 });

  // What is sent again, whether its publisher had finished or not.
  for (const [id, entry] of [
    ['p3', third],
    ['p26', kept[25]],
    ['unfinished', last],
  ] as const) {
    expect(await append(log, id, KEPT)).toMatchObject({ entry, isDuplicate: true });
  }
  for (const [index, id] of ['claimed', 'new'].entries()) await publishAs(log, id, 28 + index);
  expect((await entriesOf(log, KEPT)).slice(0, 27)).toEqual(kept);

  expect(purged.map(({ payload }) => payload)).toEqual(['{"id":"q3"}']);
  expect(await entriesOf(log, PURGED)).toEqual(purged);
}

async function publishAs(log: MessageLog, id: string, offset: number): Promise<void> {
  const result = await append(log, id, KEPT);
  await result.finish?.(Promise.resolve(3));
  expect(result).toMatchObject({ entry: { position: { offset } }, isDuplicate: false });
}

const folder = new URL('fixtures/stored/', import.meta.url);

/** The fixtures of a kind of store, the oldest version first. */
export function storedFormats<Rows>(
  kind: string,
): readonly (readonly [string, StoredFormat<Rows>])[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(`${kind}-`))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .map((name) => {
      const text = readFileSync(new URL(name, folder), 'utf8');
      return [name, JSON.parse(text) as StoredFormat<Rows>];
    });
}

/** Writes a fixture, if `GATECAST_STORED_FORMAT` names the version. */
export function saveStoredFormat(kind: string, format: StoredFormat<unknown>): void {
  const version = process.env['GATECAST_STORED_FORMAT'];
  if (!version) return;
  const text = `${JSON.stringify(format, null, 2)}\n`;
  writeFileSync(new URL(`${kind}-${version}.json`, folder), text, { flag: 'wx' });
}
