import type { ConnectionStore } from '@gatecast/framework';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { interceptCommands } from './engines/intercept-commands.js';
import { RedisProxy } from './engines/redis-proxy.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import { everySubscriber, openStore, recordOf } from './redis-records.js';

const CHANNELS = ['w', 'x', 'y', 'z'];

/** A seeded generator of numbers below `limit` (mulberry32). */
function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

describeRedis('redisStore(), when much happens at once', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('pages 12,000 subscribers whole while others join and leave', async () => {
    await using store = openStore({ url: server.url });
    const { connections } = store;
    const idOf = (number: number, kind: string) => `${String(number).padStart(6, '0')}${kind}=`;
    const staying = Array.from({ length: 12_000 }, (_, number) => idOf(number, 's'));
    for (let start = 0; start < staying.length; start += 500) {
      const batch = staying.slice(start, start + 500);
      await Promise.all(batch.map((id) => connections.connect(recordOf(id), ['big'])));
    }

    const reading = { goesOn: true };
    let turns = 0;
    const comeAndGo = async () => {
      const random = seeded(12);
      while (reading.goesOn) {
        const id = idOf(random(12_000), 'g');
        await connections.connect(recordOf(id), ['big']);
        await connections.disconnect(id);
        turns += 1;
      }
    };
    const others = [comeAndGo(), comeAndGo(), comeAndGo()];
    const found = await everySubscriber(connections, 'big', 100);
    reading.goesOn = false;
    await Promise.all(others);

    expect(found.filter((id) => id.includes('s'))).toEqual(staying);
    expect(found).toEqual([...new Set(found)].sort());
    expect(turns).toBeGreaterThan(10);
    expect(await everySubscriber(connections, 'big')).toEqual(staying);
  });

  // oxlint-disable-next-line vitest/expect-expect -- expectConsistent() asserts.
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'leaves a row only where the last word was connect, order %i',
    async (seed) => {
      const random = seeded(seed);
      await using store = openStore({ url: server.url });
      await using proxy = await RedisProxy.start(server.port, { delayMs: 1 });
      await using away = openStore({ url: proxy.url, keyPrefix: store.keyPrefix });
      const lastWord = new Map<string, string>();
      // The two stores reach the server in an order of their own, so only one of them decides.
      await Promise.all(
        Array.from({ length: 200 }, () => {
          const id = `c${random(6)}=`;
          const channel = CHANNELS[random(CHANNELS.length)] ?? '';
          const { connections } = random(2) === 0 ? store : away;
          switch (random(5)) {
            case 0:
              lastWord.set(id, 'connect');
              return store.connections.connect(recordOf(id), [channel]);
            case 1:
              lastWord.set(id, 'disconnect');
              return store.connections.disconnect(id);
            case 2:
              return connections.unsubscribe(id, channel);
            default:
              return connections.subscribe(id, channel, 200);
          }
        }),
      );
      const there = [...lastWord].flatMap(([id, word]) => (word === 'connect' ? [id] : []));
      await expectConsistent(store, there.sort());
    },
  );

  /** Looks at every key: rows of just these connections, and memberships that both sides know. */
  async function expectConsistent(
    store: ReturnType<typeof openStore>,
    ids: readonly string[],
  ): Promise<void> {
    const memberships: string[] = [];
    const found: string[] = [];
    for (const key of await store.keys(server.admin)) {
      const name = /\{(.*)\}/.exec(key)?.[1] ?? '';
      if (key.startsWith('c:')) {
        found.push(name);
        const row = await server.admin.hgetall(store.keyPrefix + key);
        for (const [field, held] of Object.entries(row)) {
          if (field.startsWith('+')) memberships.push(`${field.slice(1)} ${name} ${held}`);
          else if (field.startsWith('-')) memberships.push(`left behind: ${key} ${field}`);
        }
        continue;
      }
      const members = await server.admin.zrange(store.keyPrefix + key, '0', '-1');
      memberships.push(...members.map((member) => `member of ${name} ${member}`));
    }
    expect(found).toEqual(ids);
    const inChannels = memberships.filter((text) => text.startsWith('member of '));
    const inRows = memberships.filter((text) => !text.startsWith('member of '));
    expect(inChannels.map((text) => text.slice('member of '.length)).sort()).toEqual(inRows.sort());
  }

  describe('interrupted at any command and repeated', () => {
    const record = recordOf('a=');
    const operations: Record<string, (connections: ConnectionStore) => Promise<unknown>> = {
      connect: (connections) => connections.connect(record, ['x', 'y']),
      'connect with another expiry': (connections) =>
        connections.connect({ ...record, expiresAt: record.expiresAt + 1 }, ['x', 'y']),
      subscribe: (connections) => connections.subscribe('a=', 'x', 200),
      unsubscribe: (connections) => connections.unsubscribe('a=', 'x'),
      disconnect: (connections) => connections.disconnect('a='),
      prune: (connections) => connections.prune(['a=']),
    };
    const meanwhiles: Record<string, (connections: ConnectionStore) => Promise<unknown>> = {
      'nothing else': async () => {},
      'a disconnect': (connections) => connections.disconnect('a='),
      'an unsubscribe': (connections) => connections.unsubscribe('a=', 'x'),
      'a connection of the same id': async (connections) => {
        await connections.disconnect('a=');
        await connections.connect(record, ['x']);
      },
    };
    const cases = Object.keys(operations).flatMap((operation) =>
      Object.keys(meanwhiles).map((meanwhile) => [operation, meanwhile] as const),
    );

    it.each(cases)('%s leaves nothing behind, with %s before it dies', async (name, other) => {
      const operate = operations[name];
      const happen = meanwhiles[other];
      if (!operate || !happen) throw new Error('No such case.');
      let hasFinished = false;
      for (let nth = 1; !hasFinished; nth += 1) {
        for (const isSent of [false, true]) {
          let sent = 0;
          let death: Promise<unknown> | undefined;
          await using store = openStore({ url: server.url });
          const dying = interceptCommands(server.admin, async (send) => {
            sent += 1;
            if (sent < nth) return send();
            death ??= happen(store.connections).then(() => (isSent ? send() : undefined));
            await death;
            throw new Error('The function has died.');
          });
          await using died = openStore({ client: dying, keyPrefix: store.keyPrefix });
          await store.connections.connect(record, ['x']);
          hasFinished = await operate(died.connections).then(
            () => true,
            () => false,
          );

          await operate(store.connections);
          const isThere = (await store.connections.get('a=')) !== undefined;
          await expectConsistent(store, isThere ? ['a='] : []);
          await store.connections.disconnect('a=');
          expect(await store.keys(server.admin)).toEqual([]);
        }
        expect(nth).toBeLessThan(12);
      }
    });

    it('shows a connection once while an older membership of it has not gone yet', async () => {
      await using store = openStore({ url: server.url });
      const client = interceptCommands(server.admin, async (send, command) => {
        if (command === 'zrem') throw new Error('The function has died.');
        return send();
      });
      await using died = openStore({ client, keyPrefix: store.keyPrefix });
      await store.connections.connect(record, ['x']);
      const renewed = { ...record, expiresAt: record.expiresAt + 1 };
      await expect(died.connections.connect(renewed, [])).rejects.toThrow('has died');
      expect(await server.admin.zcard(`${store.keyPrefix}s:{x}`)).toBe(2);
      expect(await everySubscriber(store.connections, 'x')).toEqual(['a=']);
      expect(await everySubscriber(store.connections, 'x', 1)).toEqual(['a=']);
    });

    it('tells the channels that an interrupted disconnect has left', async () => {
      await using store = openStore({ url: server.url });
      let sent = 0;
      const client = interceptCommands(server.admin, async (send) => {
        sent += 1;
        if (sent === 2) throw new Error('The function has died.');
        return send();
      });
      await using died = openStore({ client, keyPrefix: store.keyPrefix });
      await store.connections.connect(record, ['x']);
      await expect(died.connections.disconnect('a=')).rejects.toThrow('The function has died.');
      expect(await store.connections.get('a=')).toBeUndefined();
      expect(await server.admin.pttl(`${store.keyPrefix}c:{a=}`)).toBeGreaterThan(0);
      expect(await store.connections.disconnect('a=')).toEqual(['x']);
    });
  });
});
