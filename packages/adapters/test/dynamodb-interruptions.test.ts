import { type ConnectionRecord, StoreError } from '@gatecast/framework';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from './engines/engine.js';
import { startDynalite } from './engines/start-dynalite.js';
import {
  connected,
  makeRecord,
  openTable,
  subscribe,
  type TableUnderTest,
} from './table-under-test.js';

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

/** When a call is cut off: before DynamoDB gets the request, or after it, so that the answer is lost. */
type Moment = 'before' | 'after';

/** Runs an operation and cuts off one of its calls. Returns whether it makes that many calls. */
type Cut = (
  operation: () => Promise<unknown>,
  meanwhile?: () => Promise<unknown>,
) => Promise<boolean>;

/** Cuts off the n-th call, and runs `meanwhile` at that moment. */
function cutAt(call: number, moment: Moment): Cut {
  return async (operation, meanwhile) => {
    const { hooks } = table;
    let count = 0;
    let isCutOff = false;
    const fail = () => {
      throw new Error('cut off');
    };
    hooks[moment] = async () => {
      count += 1;
      if (count !== call) return;
      isCutOff = true;
      delete hooks[moment];
      await meanwhile?.();
      // As if the environment ended: no further call gets through.
      hooks.before = fail;
      fail();
    };
    const error: unknown = await operation().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    delete hooks.before;
    delete hooks.after;
    expect(StoreError.is(error)).toBe(isCutOff);
    return isCutOff;
  };
}

/** Rows of memberships, and of connections whose removal has not begun. */
async function remains(): Promise<object[]> {
  const rows = await table.rows();
  return rows.filter(({ closing, pruned }) => closing === undefined && pruned === undefined);
}

/**
 * Plays a scenario once for each call of its operation and each moment, with that call cut off. No rows
 * may be left afterwards. Returns how many calls were cut off.
 */
async function everywhere(scenario: (cut: Cut) => Promise<boolean>): Promise<number> {
  let calls = 0;
  for (const moment of ['before', 'after'] as const) {
    for (let call = 1; await scenario(cutAt(call, moment)); call += 1) {
      calls += 1;
      expect(await remains(), `${moment} call ${call}`).toEqual([]);
    }
    expect(await remains()).toEqual([]);
  }
  return calls;
}

const channels = Array.from({ length: 30 }, (_, index) => `rooms/${index}`);

/** An operation on a connection and its effect. */
interface Case {
  readonly begin: () => Promise<ConnectionRecord>;
  readonly run: (record: ConnectionRecord) => Promise<unknown>;
  readonly calls: number;
  readonly channels: readonly string[];
}

const cases: Readonly<Record<string, Case>> = {
  connect: {
    begin: async () => makeRecord(),
    run: (record) => table.connections.connect(record, channels),
    calls: 4,
    channels,
  },
  subscribe: {
    begin: () => connected(table),
    run: ({ connectionId }) => subscribe(table.connections, connectionId, 'rooms/1'),
    calls: 4,
    channels: ['rooms/1'],
  },
  unsubscribe: {
    begin: () => connected(table, ['rooms/1', 'rooms/2']),
    run: ({ connectionId }) => table.connections.unsubscribe(connectionId, ['rooms/1']),
    calls: 4,
    channels: ['rooms/2'],
  },
};

describe.each(Object.entries(cases))(
  '%s() cut off at any call',
  (_name, { begin, run, ...rest }) => {
    it('is completed by calling it again', async () => {
      const { connections } = table;
      const calls = await everywhere(async (cut) => {
        const record = await begin();
        const wasCutOff = await cut(() => run(record));
        await run(record);
        const found = await connections.channels(record.connectionId);
        expect([...found].sort()).toEqual([...rest.channels].sort());
        for (const channel of ['rooms/1', 'rooms/2']) {
          const { items } = await connections.subscribers(channel);
          expect(items).toHaveLength(rest.channels.includes(channel) ? 1 : 0);
        }
        await connections.disconnect(record.connectionId);
        return wasCutOff;
      });
      expect(calls).toBe(2 * rest.calls);
    });

    it('leaves nothing behind when it is not called again and the connection ends', async () => {
      const calls = await everywhere(async (cut) => {
        const record = await begin();
        const wasCutOff = await cut(() => run(record));
        await table.connections.disconnect(record.connectionId);
        return wasCutOff;
      });
      expect(calls).toBe(2 * rest.calls);
    });
  },
);

describe('an operation that is cut off', () => {
  it('leaves nothing behind when it is a subscribe and the connection ends at that moment', async () => {
    const { connections } = table;
    const calls = await everywhere(async (cut) => {
      const { connectionId } = await connected(table);
      const wasCutOff = await cut(
        () => subscribe(connections, connectionId, 'rooms/1'),
        () => connections.disconnect(connectionId),
      );
      await connections.disconnect(connectionId);
      expect(await subscribe(connections, connectionId, 'rooms/1')).toBe('gone');
      return wasCutOff;
    });
    expect(calls).toBe(8);
  });

  it('leaves nothing behind when it is a subscribe whose last write came after the end', async () => {
    const { connections, hooks } = table;
    const { connectionId } = await connected(table);
    hooks.before = async (action) => {
      if (action !== 'BatchWriteItem') return;
      delete hooks.before;
      await connections.disconnect(connectionId);
      hooks.after = () => {
        throw new Error('cut off');
      };
    };
    await expect(subscribe(connections, connectionId, 'rooms/1')).rejects.toThrow(StoreError);
    delete hooks.after;
    expect(await remains()).toHaveLength(1);
    expect(await subscribe(connections, connectionId, 'rooms/1')).toBe('gone');
    expect(await remains()).toEqual([]);
  });

  it('leaves nothing behind when it is a disconnect, and an older one for the same id ends late', async () => {
    const { connections, hooks } = table;
    const record = await connected(table, ['rooms/1']);
    const { connectionId } = record;
    hooks.before = async (action) => {
      if (action !== 'DeleteItem') return;
      delete hooks.before;
      await connections.connect(record, ['rooms/2']);
      await cutAt(1, 'after')(() => connections.disconnect(connectionId));
    };
    expect((await connections.disconnect(connectionId))?.channels).toEqual(['rooms/1']);
    expect(await connections.disconnect(connectionId)).toBeUndefined();
    expect(await remains()).toEqual([]);
  });

  it('leaves nothing behind when it is a disconnect that is called again', async () => {
    const { connections } = table;
    const calls = await everywhere(async (cut) => {
      const { connectionId } = await connected(table, channels);
      const wasCutOff = await cut(() => connections.disconnect(connectionId));
      await connections.disconnect(connectionId);
      return wasCutOff;
    });
    expect(calls).toBe(8);
  });

  it('of a disconnect hides the connection from its first write on, and the next disconnect completes it', async () => {
    const { connections } = table;
    const { connectionId } = await connected(table, channels);
    await cutAt(1, 'after')(() => connections.disconnect(connectionId));
    expect(await connections.get(connectionId)).toBeUndefined();
    expect(await subscribe(connections, connectionId, 'rooms/99')).toBe('gone');
    expect(await connections.disconnect(connectionId)).toBeUndefined();
    expect(await remains()).toEqual([]);
  });

  it('leaves nothing behind when it is a prune that is called again', async () => {
    const { connections } = table;
    const calls = await everywhere(async (cut) => {
      const some = [await connected(table, ['rooms/1']), await connected(table, ['rooms/2'])];
      const ids = some.map(({ connectionId }) => connectionId);
      const wasCutOff = await cut(() => connections.prune(ids));
      await connections.prune(ids);
      return wasCutOff;
    });
    expect(calls).toBe(8);
  });

  it('leaves nothing behind when it is a connect with the id of an expired connection', async () => {
    let now = 0;
    await using aged = await openTable(engine, { table: table.table, now: () => now });
    const { connections } = aged;
    const calls = await everywhere(async (cut) => {
      now = 1_000;
      const old = makeRecord({ expiresAt: 2_000 });
      await connections.connect(old, ['rooms/1', 'rooms/2']);
      now = 3_000;
      const again = { ...old, expiresAt: 4_000 };
      aged.hooks.before = (action, input) => table.hooks.before?.(action, input);
      aged.hooks.after = (action, output, input) => table.hooks.after?.(action, output, input);
      const wasCutOff = await cut(() => connections.connect(again, ['rooms/3']));
      await connections.connect(again, ['rooms/3']);
      expect(await connections.channels(old.connectionId)).toEqual(['rooms/3']);
      expect((await connections.subscribers('rooms/1')).items).toEqual([]);
      await connections.disconnect(old.connectionId);
      return wasCutOff;
    });
    // Eight are cut off before DynamoDB gets them, and seven after: the first is refused and gives no
    // answer that could be lost.
    expect(calls).toBe(15);
  });
});
