// The cost of each operation of a store: calls, capacity units as the engine reports them, and time, on
// dynalite in this process, on DynamoDB Local (if the tests have downloaded it and Java is installed) and
// on redis-server (if it is installed). Then the measurements of delivery.mjs.
import { onDynalite, onDynamoDbLocal, onMemory, onRedis } from './counted.mjs';
import { measure as measureDelivery } from './delivery.mjs';

const REPEATS = 30;
const SUBSCRIBERS = [10, 1_000, 10_000];

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
    for (const unit of ['calls', 'WCU', 'RCU']) {
      if (unit in counted) total[unit] = (total[unit] ?? 0) + counted[unit];
    }
  }
  const averages = Object.entries(total).map(([unit, sum]) => [
    unit,
    Number((sum / repeats).toFixed(1)),
  ]);
  const median = times.toSorted((a, b) => a - b)[Math.floor(repeats / 2)];
  return { ...Object.fromEntries(averages), ms: Number(median.toFixed(2)) };
}

async function measureStore(engine) {
  const { store, counted } = await engine.open();
  const { connections } = store;
  const rows = [];
  const add = async (operation, ...run) => {
    const cost = await costOf({ connections, counted }, run);
    rows.push({ engine: engine.name, operation, calls: '', WCU: '', RCU: '', ...cost });
  };
  for (const [operation, run] of Object.entries(operations)) await add(operation, ...run);
  for (const count of SUBSCRIBERS) {
    const channel = `large/${count}`;
    for (let index = 0; index < count; index += 50) {
      const some = Array.from({ length: Math.min(50, count - index) });
      await Promise.all(some.map(() => connected(connections, [channel])));
    }
    await add(
      `publish to ${count}`,
      () => undefined,
      async () => {
        const found = await readAll(connections, channel);
        if (found !== count) throw new Error(`${found} of ${count} subscribers were read.`);
      },
    );
  }
  await engine.stop();
  return rows;
}

export async function measure() {
  const rows = [];
  for (const start of [onMemory, onDynalite, onDynamoDbLocal, onRedis]) {
    const engine = await start();
    if (engine) rows.push(...(await measureStore(engine)));
  }
  rows.push(...(await measureDelivery()).rows);
  return { benchmark: 'store', repeats: REPEATS, node: process.version, rows };
}
