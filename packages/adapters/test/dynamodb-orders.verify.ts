// Runs two operations on one connection: the second one during each call of the first in turn, while that
// call suffers a fault.
import { strict as assert } from 'node:assert';
import type { ConnectionStore } from '@gatecast/framework';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DynamoDbAccess, storeOver } from '../src/dynamodb/dynamo-db-store.js';
import { sdkPort } from '../src/dynamodb/sdk-port.js';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import { ample, makeRecord, openTable, type TableUnderTest } from './table-under-test.js';

let engine: Engine;
let table: TableUnderTest;
beforeAll(async () => {
  engine = await startDynalite();
  table = await openTable(engine);
});
afterAll(async () => {
  await table[Symbol.asyncDispose]();
  await engine[Symbol.asyncDispose]();
});

/**
 * The fault of the call. The other operation runs before the call and, if the call runs twice or its
 * answer is lost, after it.
 */
type Fault = 'none' | 'twice' | 'lost answer' | 'death before it' | 'death after it';
const faults: readonly Fault[] = [
  'none',
  'twice',
  'lost answer',
  'death before it',
  'death after it',
];

const died = new Error('The environment has ended.');

/** A store in which one call suffers a fault while another operation runs. */
function storeWithFault(fault: Fault, at: number, meanwhile: () => Promise<unknown>) {
  const sdk = sdkPort(table.client);
  const seen = { calls: 0, isDead: false };
  const port: DynamoDbAccess['port'] = {
    async call(operation, input, limit) {
      if (seen.isDead) throw died;
      seen.calls += 1;
      if (seen.calls !== at) return sdk.call(operation, input, limit);
      if (/twice|answer/.test(fault)) await sdk.call(operation, input, limit).catch(() => {});
      await meanwhile();
      if (/none|twice/.test(fault)) return sdk.call(operation, input, limit);
      if (fault === 'death after it') await sdk.call(operation, input, limit).catch(() => {});
      if (fault === 'lost answer') {
        throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
      }
      seen.isDead = true;
      throw died;
    },
  };
  const store = storeOver(async () => ({ port, region: 'us-east-1' }), { table: table.table });
  return { store: store.connections, seen };
}

/** Ids and channels that no other run uses. */
interface Scene {
  readonly connectionId: string;
  readonly x: string;
  readonly y: string;
}
type Operation = (store: ConnectionStore, scene: Scene) => Promise<unknown>;

const operations: Readonly<Record<string, Operation>> = {
  connect: (store, { connectionId, x, y }) =>
    store.connect(makeRecord({ connectionId, userId: 'ann' }), [x, y]),
  subscribe: (store, { connectionId, x, y }) => store.subscribe(connectionId, [x, y], ample),
  unsubscribe: (store, { connectionId, x, y }) => store.unsubscribe(connectionId, [x, y]),
  disconnect: (store, { connectionId }) => store.disconnect(connectionId),
  prune: (store, { connectionId }) => store.prune([connectionId]),
};
const pairs = Object.keys(operations).flatMap((first) =>
  Object.keys(operations).map((second) => [first, second] as const),
);

let scenes = 0;
async function openScene(): Promise<Scene> {
  scenes += 1;
  const [x, y] = [`x/${scenes}`, `y/${scenes}`];
  const { connectionId } = makeRecord();
  await table.connections.connect(makeRecord({ connectionId }), [x]);
  return { connectionId, x, y };
}

/** The channels that list the connection as a subscriber. */
async function memberships({ connectionId, x, y }: Scene): Promise<string[]> {
  const found: string[] = [];
  for (const channel of [x, y]) {
    const { items } = await table.connections.subscribers(channel);
    if (items.some((item) => item.connectionId === connectionId)) found.push(channel);
  }
  return found;
}

/** Asserts that a connection's row and its memberships agree. */
async function expectAgreement(scene: Scene, place: string): Promise<void> {
  const { connections } = table;
  const channels = await connections.channels(scene.connectionId);
  assert.deepEqual(await memberships(scene), [...channels].sort(), place);
  const {
    expiresAt: _,
    identity: __,
    ...subscriber
  } = (await connections.get(scene.connectionId)) ?? {};
  for (const channel of channels) {
    assert.deepEqual((await connections.subscribers(channel)).items, [subscriber], place);
  }
}

/**
 * Runs a pair of operations once for each call of the first, with the fault in that call. Returns the
 * number of calls.
 */
async function play(first: string, second: string, fault: Fault): Promise<number> {
  const [run, interfere] = [operations[first] as Operation, operations[second] as Operation];
  for (let at = 1; ; at += 1) {
    const scene = await openScene();
    let other: unknown;
    const { store, seen } = storeWithFault(fault, at, async () => {
      other = await interfere(table.connections, scene);
    });
    const result = await run(store, scene).catch((error: unknown) => {
      if (!seen.isDead) throw error;
    });
    if (seen.calls < at) return at - 1;
    // An operation that was cut off leaves nothing behind once it is repeated.
    if (seen.isDead) await run(table.connections, scene);
    const place = `${first} with ${second} at call ${at}`;
    await expectAgreement(scene, place);
    if (first === 'disconnect' && second === 'disconnect' && !seen.isDead) {
      assert.equal([result, other].filter(Boolean).length, 1, place);
    }
    await table.connections.disconnect(scene.connectionId);
    assert.deepEqual(await memberships(scene), [], place);
  }
}

describe.each(pairs)('%s() with %s() at any of its calls', (first, second) => {
  it.each(faults)('leaves connection and memberships in agreement: %s', async (fault) => {
    expect(await play(first, second, fault)).toBeGreaterThan(0);
  });
});
