// Checks the keys after a function died, or an answer was lost, at any command of a call.
import type { ConnectionStore, Disconnected } from '@gatecast/framework';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Around, interceptCommands } from './engines/intercept-commands.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import { expectConsistent, expectNoOrphans } from './redis-keys.js';
import { LIMITS, openStore, recordOf, subscribe, unsubscribe } from './redis-records.js';

type Operation = (connections: ConnectionStore) => Promise<unknown>;

const record = recordOf('a=');
const other = { ...record, expiresAt: record.expiresAt + 1, userId: 'ann' };
const operations: Record<string, Operation> = {
  connect: (connections) => connections.connect(record, ['x', 'y']),
  'connect with other details': (connections) => connections.connect(other, ['x', 'y']),
  subscribe: (connections) => connections.subscribe('a=', ['x', 'y'], LIMITS),
  unsubscribe: (connections) => connections.unsubscribe('a=', ['x', 'y']),
  disconnect: (connections) => connections.disconnect('a='),
  prune: (connections) => connections.prune(['a=']),
};
const meanwhiles: Record<string, Operation> = {
  'nothing else': async () => {},
  'a disconnect': (connections) => connections.disconnect('a='),
  'an unsubscribe': (connections) => unsubscribe(connections, 'a=', 'x'),
  'a subscribe': (connections) => subscribe(connections, 'a=', 'x'),
  'other details': (connections) => connections.connect(other, []),
  'an unsubscribe and a subscribe': async (connections) => {
    await unsubscribe(connections, 'a=', 'x');
    await subscribe(connections, 'a=', 'x');
  },
  'a connection of the same id': async (connections) => {
    await connections.disconnect('a=');
    await connections.connect(record, ['x']);
  },
};
const befores: readonly (readonly string[])[] = [[], ['x']];
const cases = Object.keys(operations).flatMap((operation) =>
  Object.keys(meanwhiles).map((meanwhile) => [operation, meanwhile] as const),
);

describeRedis('redisStore(), interrupted at any command', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  /** Runs an operation once for each of its commands, and something else at that command. */
  async function atEachCommand(
    channels: readonly string[],
    operate: Operation,
    happen: (store: ReturnType<typeof openStore>) => Around,
    check: (store: ReturnType<typeof openStore>, answer: unknown) => Promise<void>,
  ): Promise<void> {
    let hasHappened = true;
    for (let nth = 1; hasHappened; nth += 1) {
      await using store = openStore({ url: server.url });
      let sent = 0;
      const around = happen(store);
      const client = interceptCommands(server.admin, (send, command) => {
        sent += 1;
        return sent < nth ? send() : around(send, command);
      });
      await using disturbed = openStore({ client, keyPrefix: store.keyPrefix });
      await store.connections.connect(record, channels);
      const answer = await operate(disturbed.connections).catch((error: unknown) => error);
      hasHappened = sent >= nth;
      await check(store, answer);
      expect(nth).toBeLessThan(12);
    }
  }

  it.each(cases)('%s that dies leaves nothing behind, with %s before that', async (name, other) => {
    const [operate, happen] = [operations[name], meanwhiles[other]];
    if (!operate || !happen) throw new Error('No such case.');
    for (const channels of befores) {
      for (const isSent of [false, true]) {
        await atEachCommand(
          channels,
          operate,
          ({ connections }) => {
            let death: Promise<unknown> | undefined;
            return async (send) => {
              // Commands that were sent at the same time share their fate: either all of them arrive
              // late, or none does.
              death ??= happen(connections);
              await death;
              if (isSent) await send();
              throw new Error('The function has died.');
            };
          },
          async (store) => {
            await expectNoOrphans(store, server.admin);
            await operate(store.connections);
            const isThere = (await store.connections.get('a=')) !== undefined;
            await expectConsistent(store, server.admin, isThere ? ['a='] : []);
            await store.connections.disconnect('a=');
            expect(await store.keys(server.admin)).toEqual([]);
          },
        );
      }
    }
  });

  it.each(cases)(
    '%s whose answer is lost takes effect once, with %s before it is sent again',
    async (name, other) => {
      const [operate, happen] = [operations[name], meanwhiles[other]];
      if (!operate || !happen) throw new Error('No such case.');
      for (const channels of befores) {
        await atEachCommand(
          channels,
          operate,
          ({ connections }) => {
            let isLost = false;
            return async (send) => {
              if (isLost) return send();
              isLost = true;
              await send();
              await happen(connections);
              return send();
            };
          },
          async (store) => {
            const isThere = (await store.connections.get('a=')) !== undefined;
            await expectConsistent(store, server.admin, isThere ? ['a='] : []);
            await store.connections.disconnect('a=');
            expect(await store.keys(server.admin)).toEqual([]);
          },
        );
      }
    },
  );

  /** How often an answer reports that the channel was left. */
  const timesLeft = (answer: unknown): number => {
    if (Array.isArray(answer))
      return answer.filter((wasSubscribed) => wasSubscribed === true).length;
    return (answer as Disconnected | undefined)?.channels.length ?? 0;
  };
  const leaving: Record<string, Operation> = {
    unsubscribe: (connections) => connections.unsubscribe('a=', ['x']),
    disconnect: (connections) => connections.disconnect('a='),
  };
  const pairs = Object.keys(leaving).flatMap((one) =>
    [...Object.keys(leaving), 'nothing else'].map((other) => [one, other] as const),
  );

  it.each(pairs)(
    'reports a channel that was left to %s or to %s, although an answer is lost',
    async (one, other) => {
      const [operate, happen] = [leaving[one], leaving[other]];
      if (!operate) throw new Error('No such case.');
      let meanwhile: unknown;
      await atEachCommand(
        ['x'],
        operate,
        ({ connections }) => {
          meanwhile = undefined;
          let isLost = false;
          return async (send) => {
            if (isLost) return send();
            isLost = true;
            await send();
            meanwhile = await happen?.(connections);
            return send();
          };
        },
        async (store, answer) => {
          expect(timesLeft(answer) + timesLeft(meanwhile)).toBe(1);
          expect(await store.connections.channels('a=')).toEqual([]);
        },
      );
    },
  );

  it.each(Object.keys(leaving))(
    'reports it to one of two racing calls of %s, in any order of their commands',
    async (name) => {
      const operate = leaving[name];
      if (!operate) throw new Error('No such case.');
      let second: Promise<unknown> | undefined;
      await atEachCommand(
        ['x'],
        operate,
        ({ connections }) => {
          second = undefined;
          return async (send) => {
            second ??= operate(connections);
            await second;
            return send();
          };
        },
        async (_store, answer) => {
          expect(timesLeft(answer) + timesLeft(await second)).toBe(1);
        },
      );
    },
  );

  it('completes a disconnect that was cut off before its answer', async () => {
    await using store = openStore({ url: server.url });
    const client = interceptCommands(server.admin, async (send, command) => {
      if (command === 'remove') throw new Error('The function has died.');
      return send();
    });
    await using died = openStore({ client, keyPrefix: store.keyPrefix });
    await store.connections.connect(record, ['x']);
    await expect(died.connections.disconnect('a=')).rejects.toThrow('The function has died.');
    expect(await store.connections.get('a=')).toBeUndefined();
    expect(await server.admin.pttl(`${store.keyPrefix}c:{a=}`)).toBeGreaterThan(60_000);
    expect(await store.connections.disconnect('a=')).toBeUndefined();
    expect(await store.keys(server.admin)).toEqual([]);
  });

  it('reports a connection once, even if some of it is still to be removed', async () => {
    await using store = openStore({ url: server.url });
    const client = interceptCommands(server.admin, async (send, command) => {
      if (command === 'forget') throw new Error('The function has died.');
      return send();
    });
    await using died = openStore({ client, keyPrefix: store.keyPrefix });
    await store.connections.connect(record, ['x']);
    await expect(died.connections.connect(other, [])).rejects.toThrow('has died');
    expect(await server.admin.zcard(`${store.keyPrefix}s:{x}`)).toBe(1);
    expect(await store.connections.subscribers('x')).toMatchObject({ items: [{ userId: 'ann' }] });
  });
});
