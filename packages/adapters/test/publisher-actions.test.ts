// What a publisher calls, compared with what the roles of publishers are allowed.
import { iamActions, logActions, publisherActions } from '@gatecast/adapters/dynamodb';
import { composeStore, createPublisher, memoryStore, type Store } from '@gatecast/framework';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import { connected, openTable, type TableUnderTest } from './table-under-test.js';

let engine: Engine;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine[Symbol.asyncDispose]());

const GONE = { result: 'gone' } as const;
/** Enough for HEAD to drop keys, which it does every 12. */
const EVENTS = 24;

/**
 * Does everything that a publisher can do, on a channel whose only subscriber has left. Returns the actions
 * that it called.
 */
async function actionsOf(table: TableUnderTest, store: Store): Promise<readonly string[]> {
  // So old that it may be removed.
  await connected(store, ['orders/1'], { connectedAt: Date.now() - 60_000 });
  const used = watch(table);
  const publisher = createPublisher({
    store,
    address: { apiId: 'abcde12345', stage: 'dev', region: 'us-east-1' },
    gateway: { post: async () => GONE, disconnect: async () => GONE },
    plugins: [{ name: 'silent', onError() {} }],
    history: { 'orders/:id': { retentionSeconds: 600 } },
  });
  const channel = publisher.channel('orders/1');
  expect(await channel.members()).toMatchObject({ items: [{}] });
  const first = await channel.publish('shipped', { id: 1 }, { id: 'one' });
  expect(first).toMatchObject({ delivery: { gone: 1 }, duplicate: false });
  await vi.waitFor(async () => {
    // A delivery only removes as much as it has time for.
    expect(await channel.publish('shipped', { id: 1 }, { id: 'one' })).toMatchObject({
      position: first.position,
      duplicate: true,
    });
    expect(await channel.members()).toEqual({ items: [] });
  }, 20_000);
  for (let count = 1; count < EVENTS; count += 1) await channel.publish('shipped', { id: count });
  const { events } = await channel.history({ limit: 100 });
  expect(events).toHaveLength(EVENTS);
  await channel.purge();
  expect((await channel.history()).events).toEqual([]);
  return [...used].sort();
}

/** The actions from now on. The last entry is never in LOG, as if its publisher had died. */
function watch(table: TableUnderTest): Set<string> {
  const used = new Set<string>();
  const last = String(EVENTS).padStart(12, '0');
  table.hooks.before = (action, { Item }) => {
    used.add(`dynamodb:${action}`);
    const { sk } = (Item ?? {}) as { readonly sk?: { readonly S: string } };
    if (sk?.S !== last) return;
    throw Object.assign(new Error('It is not put.'), { $metadata: { httpStatusCode: 400 } });
  };
  return used;
}

describe('a publisher', () => {
  it('calls exactly the actions of publisherActions', async () => {
    await using table = await openTable(engine);
    const { connections, log } = table;
    const used = await actionsOf(table, { name: 'dynamodb', connections, log });
    expect(used).toEqual(publisherActions);
    expect(iamActions).toEqual(expect.arrayContaining([...used]));
  });

  it('calls exactly the actions of logActions on a table with nothing but the log', async () => {
    await using table = await openTable(engine);
    const { connections, log } = table;
    const withLog = { name: 'dynamodb', connections, log };
    const store = composeStore({ connections: memoryStore(), log: withLog });
    expect(await actionsOf(table, store)).toEqual(logActions);
  });
});
