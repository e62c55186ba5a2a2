import { afterAll, beforeAll, expect, it } from 'vitest';
import { RedisProxy } from './engines/redis-proxy.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import { expectConsistent } from './redis-keys.js';
import {
  everySubscriber,
  inSliceOrder,
  openStore,
  recordOf,
  subscribe,
  unsubscribe,
} from './redis-records.js';

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

describeRedis('redisStore(), with many calls at once', () => {
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

    expect(found.filter((id) => id.includes('s'))).toEqual(inSliceOrder(staying));
    expect(found).toEqual(inSliceOrder([...new Set(found)]));
    expect(turns).toBeGreaterThan(10);
    expect(await everySubscriber(connections, 'big')).toEqual(inSliceOrder(staying));
  });

  // oxlint-disable-next-line vitest/expect-expect -- expectConsistent() asserts.
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'leaves a row only if the last call was connect, order %i',
    async (seed) => {
      const random = seeded(seed);
      await using store = openStore({ url: server.url });
      await using proxy = await RedisProxy.start(server.port, { delayMs: 1 });
      await using away = openStore({ url: proxy.url, keyPrefix: store.keyPrefix });
      const lastWord = new Map<string, string>();
      // The commands of the two stores reach the server in any order, so only one store connects and
      // disconnects.
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
              return unsubscribe(connections, id, channel);
            default:
              return subscribe(connections, id, channel);
          }
        }),
      );
      const there = [...lastWord].flatMap(([id, word]) => (word === 'connect' ? [id] : []));
      await expectConsistent(store, server.admin, there.sort());
    },
  );
});
