import { StoreError } from '@gatecast/framework';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import { connected, makeRecord, openTable, type TableUnderTest } from './table-under-test.js';

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

/** What is cut off: the request on its way, or the answer on its way back. */
type Moment = 'before' | 'after';

/**
 * Runs an operation with its n-th call cut off; returns whether it has that many calls. `meanwhile`
 * happens at that moment.
 */
async function cutOff(
  operation: () => Promise<unknown>,
  { call, moment, meanwhile }: { call: number; moment: Moment; meanwhile?: () => Promise<unknown> },
): Promise<boolean> {
  let count = 0;
  let isCutOff = false;
  table.hooks[moment] = async () => {
    count += 1;
    if (count !== call) return;
    isCutOff = true;
    delete table.hooks[moment];
    await meanwhile?.();
    // As when the environment ends: what is under way is not waited for, and nothing follows.
    table.hooks.before = () => {
      throw new Error('cut off');
    };
    throw new Error('cut off');
  };
  try {
    await operation();
    expect(isCutOff).toBe(false);
  } catch (error) {
    expect(isCutOff).toBe(true);
    expect(error).toBeInstanceOf(StoreError);
  } finally {
    delete table.hooks.before;
    delete table.hooks.after;
  }
  return isCutOff;
}

/** Runs a scenario with each call of its operation cut off in turn, at both moments. */
async function everywhere(
  scenario: (cut: {
    readonly cut: (
      operation: () => Promise<unknown>,
      meanwhile?: () => Promise<unknown>,
    ) => Promise<void>;
  }) => Promise<void>,
): Promise<number> {
  let calls = 0;
  for (const moment of ['before', 'after'] as const) {
    let wasCutOff = true;
    for (let call = 1; wasCutOff; call += 1) {
      await scenario({
        async cut(operation, meanwhile) {
          wasCutOff = await cutOff(operation, { call, moment, ...(meanwhile && { meanwhile }) });
          if (wasCutOff) calls += 1;
        },
      });
      expect(await table.rows(), `${moment} call ${call}`).toEqual([]);
    }
  }
  return calls;
}

const channels = Array.from({ length: 30 }, (_, index) => `rooms/${index}`);

describe('an operation that is cut off at any call', () => {
  it.each(['again', 'never'])(
    'leaves nothing behind when it is connect, tried %s, and the connection ends',
    async (when) => {
      const { connections } = table;
      const calls = await everywhere(async ({ cut }) => {
        const record = makeRecord();
        await cut(() => connections.connect(record, channels));
        if (when === 'again') {
          await connections.connect(record, channels);
          expect(await connections.channels(record.connectionId)).toHaveLength(30);
          expect((await connections.subscribers('rooms/29')).items).toHaveLength(1);
        }
        await connections.disconnect(record.connectionId);
      });
      expect(calls).toBe(8);
    },
  );

  it.each(['again', 'never'])(
    'leaves nothing behind when it is subscribe, tried %s, and the connection ends',
    async (when) => {
      const { connections } = table;
      const calls = await everywhere(async ({ cut }) => {
        const { connectionId } = await connected(table);
        await cut(() => connections.subscribe(connectionId, 'rooms/1', 200));
        if (when === 'again') {
          expect(await connections.subscribe(connectionId, 'rooms/1', 200)).toBe('subscribed');
          expect((await connections.subscribers('rooms/1')).items).toHaveLength(1);
        }
        await connections.disconnect(connectionId);
      });
      expect(calls).toBe(6);
    },
  );

  it('leaves nothing behind when it is subscribe, and the connection ends at that moment', async () => {
    const { connections } = table;
    await everywhere(async ({ cut }) => {
      const { connectionId } = await connected(table);
      await cut(
        () => connections.subscribe(connectionId, 'rooms/1', 200),
        () => connections.disconnect(connectionId),
      );
      await connections.disconnect(connectionId);
      expect(await connections.subscribe(connectionId, 'rooms/1', 200)).toBe('gone');
    });
  });

  it.each(['again', 'never'])(
    'leaves nothing behind when it is unsubscribe, tried %s, and the connection ends',
    async (when) => {
      const { connections } = table;
      const calls = await everywhere(async ({ cut }) => {
        const { connectionId } = await connected(table, ['rooms/1', 'rooms/2']);
        await cut(() => connections.unsubscribe(connectionId, 'rooms/1'));
        if (when === 'again') {
          await connections.unsubscribe(connectionId, 'rooms/1');
          expect(await connections.channels(connectionId)).toEqual(['rooms/2']);
        }
        expect((await connections.subscribers('rooms/1')).items.length).toBeLessThan(2);
        await connections.disconnect(connectionId);
      });
      expect(calls).toBe(6);
    },
  );

  it('leaves nothing behind when it is disconnect, and hides the connection from the first write on', async () => {
    const { connections } = table;
    const calls = await everywhere(async ({ cut }) => {
      const { connectionId } = await connected(table, channels);
      await cut(() => connections.disconnect(connectionId));
      const left = await connections.disconnect(connectionId);
      expect([0, 30]).toContain(left.length);
    });
    expect(calls).toBe(8);
    const { connectionId } = await connected(table, channels);
    await cutOff(() => connections.disconnect(connectionId), { call: 1, moment: 'after' });
    expect(await connections.get(connectionId)).toBeUndefined();
    expect(await connections.subscribe(connectionId, 'rooms/99', 200)).toBe('gone');
    expect(await connections.disconnect(connectionId)).toHaveLength(30);
    expect(await table.rows()).toEqual([]);
  });

  it('leaves nothing behind when it is prune', async () => {
    const { connections } = table;
    await everywhere(async ({ cut }) => {
      const some = [await connected(table, ['rooms/1']), await connected(table, ['rooms/2'])];
      const ids = some.map(({ connectionId }) => connectionId);
      await cut(() => connections.prune(ids));
      await connections.prune(ids);
    });
  });

  it('leaves nothing behind of an expired connection whose id comes back', async () => {
    const { connections } = table;
    await everywhere(async ({ cut }) => {
      const old = makeRecord({ expiresAt: Date.now() + 60_000 });
      await connections.connect(old, ['rooms/1', 'rooms/2']);
      const later = await openTable(engine, {
        table: table.table,
        now: () => Date.now() + 120_000,
      });
      await using _ = later;
      Object.defineProperty(later, 'hooks', { value: table.hooks });
      const again = { ...old, expiresAt: Date.now() + 8_100_000 };
      await cut(() => later.connections.connect(again, ['rooms/3']));
      await later.connections.connect(again, ['rooms/3']);
      expect(await later.connections.channels(old.connectionId)).toEqual(['rooms/3']);
      expect((await later.connections.subscribers('rooms/1')).items).toEqual([]);
      await later.connections.disconnect(old.connectionId);
    });
  });
});
