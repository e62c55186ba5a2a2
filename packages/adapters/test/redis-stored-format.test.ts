// Keys that earlier versions have written. A change of their format needs a fixture of its own: CONTRIBUTING.md.
import { redisStore } from '@gatecast/adapters/redis';
import { StoreError } from '@gatecast/framework';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { interceptCommands } from './engines/intercept-commands.js';
import { describeRedis, RedisServer } from './engines/redis-server.js';
import {
  expectToServeConnections,
  expectToServeLogs,
  type Interrupt,
  NOW,
  saveStoredFormat,
  storedFormats,
  writeEverything,
} from './stored-format.js';

/** The value of a key, by the type of the key. */
interface Value {
  readonly string?: string;
  readonly hash?: Readonly<Record<string, string>>;
  /** Members whose scores are all 0. */
  readonly zset?: readonly string[];
  readonly stream?: readonly (readonly [id: string, fields: readonly string[]])[];
}
type Keys = Readonly<Record<string, Value>>;

const now = () => NOW;

async function readKeys({ admin }: RedisServer): Promise<Keys> {
  const keys = (await admin.keys('*')).sort();
  const read = keys.map(async (key): Promise<[string, Value]> => {
    expect(await admin.pttl(key), `the life of "${key}"`).toBeGreaterThan(0);
    const type = await admin.type(key);
    if (type === 'hash') return [key, { hash: sorted(await admin.hgetall(key)) }];
    if (type === 'zset') return [key, { zset: await admin.zrange(key, '0', '-1') }];
    if (type === 'stream') return [key, { stream: await admin.xrange(key, '-', '+') }];
    return [key, { string: (await admin.get(key)) ?? '' }];
  });
  return Object.fromEntries(await Promise.all(read));
}

const sorted = (hash: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(hash).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Puts keys into an empty server, with more fields if a later version has written them. */
async function restore({ admin }: RedisServer, keys: Keys, isLater: boolean): Promise<void> {
  await admin.flushall();
  for (const [key, { string, hash, zset, stream }] of Object.entries(keys)) {
    if (string !== undefined) await admin.set(key, string);
    if (hash) await admin.hset(key, { ...hash, ...(isLater && { later: 'unknown' }) });
    for (const member of zset ?? []) await admin.zadd(key, 0, member);
    for (const [id, fields] of stream ?? []) {
      await admin.xadd(key, id, ...fields, ...(isLater ? ['later', 'unknown'] : []));
    }
    await admin.pexpire(key, 8_100_000);
  }
}

const TOKEN = '[\\w-]{8}[\\da-f]{1,7}';
const CALL = '[\\w-]{8}';
const EPOCH = '[\\w-]{12}';
/** Where keys, fields and values have something random, and what takes its place. */
const RANDOM: readonly (readonly [where: string, shape: string])[] = [
  [`^(\\S+e:\\{\\S+\\})${TOKEN}$`, '$1TOKEN'],
  [`^(\\+\\S+) ${TOKEN}$`, '$1 TOKEN'],
  [`^(-\\S+) ${TOKEN}/${CALL}$`, '$1 TOKEN/CALL'],
  [`^by ${CALL}$`, 'by CALL'],
  [`^epoch ${EPOCH}$`, 'epoch EPOCH'],
  [`^${EPOCH} (\\d+ \\w+ \\w* \\d+) ${CALL} `, 'EPOCH $1 CALL '],
  [`^(\\w{4}\\w+) ${TOKEN} `, '$1 TOKEN '],
];

function shapeOfText(text: string): string {
  return RANDOM.reduce(
    (shape, [where, instead]) => shape.replace(new RegExp(where), instead),
    text,
  );
}

/** Keys, fields and values, without what is random in them. */
function shapeOf(keys: Keys) {
  return Object.entries(keys).map(([key, { hash = {}, string, ...rest }]) => ({
    key: shapeOfText(key),
    hash: Object.entries(hash).map((field) => shapeOfText(field.join(' '))),
    string: string === undefined ? [] : [shapeOfText(string)],
    zset: rest.zset?.map(shapeOfText),
    stream: rest.stream,
  }));
}

describeRedis('keys in Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  async function write() {
    await server.admin.flushall();
    let dies: string | undefined;
    const client = interceptCommands(server.admin, async (send, command) => {
      if (command === dies) throw new Error('The environment has ended.');
      return send();
    });
    const interrupt: Interrupt = async (step, operation) => {
      dies = step === 'append' ? 'append' : 'remove';
      await expect(operation()).rejects.toThrow(StoreError);
      dies = undefined;
    };
    const logs = await writeEverything(redisStore({ client, now }), interrupt);
    return { ...logs, rows: await readKeys(server) };
  }

  it('have the format of the newest fixture', async () => {
    const written = await write();
    saveStoredFormat('redis', written);
    const [, newest] = storedFormats<Keys>('redis').at(-1) ?? [];
    expect(shapeOf(written.rows)).toEqual(shapeOf(newest?.rows ?? {}));
  });

  // oxlint-disable-next-line vitest/expect-expect -- the called functions assert.
  it.each(storedFormats<Keys>('redis'))(
    'are served, also with fields of a later version: %s',
    async (_name, { rows, ...logs }) => {
      for (const isLater of [false, true]) {
        await restore(server, rows, isLater);
        const store = redisStore({ client: server.admin, now });
        await expectToServeLogs(store, logs);
        await expectToServeConnections(store);
      }
    },
  );
});
