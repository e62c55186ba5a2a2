// The cost of each operation of a store: calls, capacity units as the engine reports them, and time, on
// dynalite in this process, on DynamoDB Local (if the tests have downloaded it and Java is installed) and
// on redis-server (if it is installed). Then the measurements of publish.mjs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createTable } from '@gatecast/adapters/dynamodb/create-table';
import { redisStore } from '@gatecast/adapters/redis';
import { memoryStore } from '@gatecast/framework';
import { Redis } from 'ioredis';
import { freePort, hasDynamoDbLocal, runs, startDynalite, startDynamoDbLocal } from './engines.mjs';
import { measure as measurePublish } from './publish.mjs';

const REPEATS = 30;
const SUBSCRIBERS = [10, 1_000, 10_000];
const TABLE = 'bench';
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

/** A store, and counters since the last query. */
async function onDynamoDb(name, { endpoint, stop }) {
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  await createTable({ table: TABLE, client });
  const counted = { calls: 0, WCU: 0, RCU: 0 };
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        args.input.ReturnConsumedCapacity = 'TOTAL';
        const answer = await next(args);
        counted.calls += 1;
        const unit = /Get|Query/.test(commandName) ? 'RCU' : 'WCU';
        for (const { CapacityUnits = 0 } of [answer.output.ConsumedCapacity ?? []].flat()) {
          counted[unit] += CapacityUnits;
        }
        return answer;
      },
    { step: 'initialize' },
  );
  const { connections } = dynamoDbStore({ table: TABLE, client, budgetMs: 60_000 });
  return { name, connections, counted, stop };
}

async function onRedis() {
  const port = await freePort();
  const child = spawn('redis-server', ['--port', port, '--save', '', '--bind', '127.0.0.1'], {
    stdio: 'ignore',
  });
  const client = new Redis({ port, retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => {});
  await client.ping();
  const counted = { calls: 0 };
  const sendCommand = client.sendCommand.bind(client);
  client.sendCommand = (...args) => {
    counted.calls += 1;
    return sendCommand(...args);
  };
  const stop = async () => {
    client.disconnect();
    child.kill();
    await once(child, 'exit');
  };
  return { name: 'Redis', connections: redisStore({ client }).connections, counted, stop };
}

let count = 0;
function record() {
  count += 1;
  const connectionId = `${String(count).padStart(15, '0')}=`;
  const connectedAt = Date.now();
  const stage = { apiId: 'abcde12345', stage: 'prod', region: 'us-east-1', userId: 'user-1234' };
  return { ...stage, connectionId, connectedAt, expiresAt: connectedAt + 8_100_000 };
}

async function connected(connections, channels = []) {
  const connection = record();
  await connections.connect(connection, channels);
  return connection.connectionId;
}

async function readAll(connections, channel) {
  let count = 0;
  let after;
  do {
    const page = await connections.subscribers(channel, after === undefined ? {} : { after });
    count += page.items.length;
    after = page.next;
  } while (after !== undefined);
  return count;
}

const names = (count, length = 0) =>
  Array.from({ length: count }, (_, index) => `rooms/${index}`.padEnd(length, 'x'));
const limits = { maxChannels: 200, maxBytes: 40_960 };

/**
 * Each operation: its preparation, which does not count; the operation itself; and the number of repeats.
 */
const operations = {
  connect: [record, (store, connection) => store.connect(connection, [])],
  'connect, 1 automatic subscription': [
    record,
    (store, connection) => store.connect(connection, ['users/1']),
  ],
  get: [connected, (store, id) => store.get(id)],
  'connect, 50 channels': [record, (store, connection) => store.connect(connection, names(50))],
  subscribe: [connected, (store, id) => store.subscribe(id, ['rooms/1'], limits)],
  'subscribe, 50 channels': [connected, (store, id) => store.subscribe(id, names(50), limits)],
  'subscribe, 200 channels of 45 characters': [
    connected,
    (store, id) => store.subscribe(id, names(200, 45), limits),
  ],
  'subscribe again, 50 of 200 channels of 200 characters': [
    (store) => connected(store, names(200, 200)),
    (store, id) => store.subscribe(id, names(50, 200), limits),
  ],
  unsubscribe: [
    (store) => connected(store, ['rooms/1']),
    (store, id) => store.unsubscribe(id, ['rooms/1']),
  ],
  'unsubscribe, 50 channels': [
    (store) => connected(store, names(50)),
    (store, id) => store.unsubscribe(id, names(50)),
  ],
  'disconnect, 1 channel': [
    (store) => connected(store, ['rooms/1']),
    (store, id) => store.disconnect(id),
  ],
  'disconnect, 50 channels': [
    (store) => connected(store, names(50)),
    (store, id) => store.disconnect(id),
  ],
  'prune, 400 connections of 1 channel': [
    (store) => Promise.all(Array.from({ length: 400 }, () => connected(store, ['rooms/1']))),
    (store, ids) => store.prune(ids),
    3,
  ],
};

async function costOf({ connections, counted }, [prepare, operate, repeats = REPEATS]) {
  const times = [];
  const total = {};
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const prepared = await prepare(connections);
    for (const unit of Object.keys(counted)) counted[unit] = 0;
    const start = performance.now();
    await operate(connections, prepared);
    times.push(performance.now() - start);
    for (const [unit, value] of Object.entries(counted)) total[unit] = (total[unit] ?? 0) + value;
  }
  const averages = Object.entries(total).map(([unit, sum]) => [
    unit,
    Number((sum / repeats).toFixed(1)),
  ]);
  const median = times.toSorted((a, b) => a - b)[Math.floor(repeats / 2)];
  return { ...Object.fromEntries(averages), ms: Number(median.toFixed(2)) };
}

async function measureStore(store) {
  const rows = [];
  const add = async (operation, ...run) => {
    const cost = await costOf(store, run);
    rows.push({ engine: store.name, operation, calls: '', WCU: '', RCU: '', ...cost });
  };
  for (const [operation, run] of Object.entries(operations)) await add(operation, ...run);
  for (const count of SUBSCRIBERS) {
    const channel = `large/${count}`;
    for (let index = 0; index < count; index += 50) {
      const some = Array.from({ length: Math.min(50, count - index) });
      await Promise.all(some.map(() => connected(store.connections, [channel])));
    }
    await add(
      `publish to ${count}`,
      () => undefined,
      async (connections) => {
        const found = await readAll(connections, channel);
        if (found !== count) throw new Error(`${found} of ${count} subscribers were read.`);
      },
    );
  }
  await store.stop();
  return rows;
}

export async function measure() {
  const memory = { name: 'memory', connections: memoryStore().connections, counted: {} };
  const rows = await measureStore({ ...memory, stop() {} });
  rows.push(...(await measureStore(await onDynamoDb('dynalite', await startDynalite()))));
  if (hasDynamoDbLocal()) {
    const store = await onDynamoDb('DynamoDB Local', await startDynamoDbLocal());
    rows.push(...(await measureStore(store)));
  } else {
    console.warn(
      'DynamoDB Local is left out: install Java, then run npm test, which downloads it.',
    );
  }
  if (runs('redis-server', '--version')) rows.push(...(await measureStore(await onRedis())));
  else console.warn('Redis is left out: apt-get install redis-server.');
  rows.push(...(await measurePublish()).rows);
  return { benchmark: 'store', repeats: REPEATS, node: process.version, rows };
}
