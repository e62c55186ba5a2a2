// The time of a delivery in difficult cases: many subscribers are gone, one is throttled, or many
// publishes run at once. On DynamoDB, with the framework's own sender. A stand-in for the @connections
// API and dynalite are in another process. Each figure is the median of the ratios between neighbouring
// rounds.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createTable } from '@gatecast/adapters/dynamodb/create-table';
import { createPublisher } from '@gatecast/framework';
import { hasDynamoDbLocal, startDynamoDbLocal } from './engines.mjs';

const ROUNDS = 5;
const TABLE = 'delivery';
const AT_ONCE = 50;
const ADDRESS = { apiId: 'abcde12345', stage: 'prod', region: 'us-east-1' };
/** Age of the connections, because younger ones are not removed: their $connect may still run. */
const AGE_MS = 60_000;

async function startApi() {
  const file = fileURLToPath(new URL('delivery-api.mjs', import.meta.url));
  const child = fork(file);
  const [{ port, endpoint }] = await once(child, 'message');
  const ask = async () => {
    child.send('');
    const [seen] = await once(child, 'message');
    return seen;
  };
  return { endpoint, url: `http://127.0.0.1:${port}/${ADDRESS.stage}`, ask, child };
}

async function openStore(endpoint) {
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  await createTable({ table: TABLE, client });
  return dynamoDbStore({ table: TABLE, client, budgetMs: 60_000 });
}

let count = 0;

/** Saves connections that are subscribed to channels. Their ids determine how they answer. */
async function subscribe({ connections }, channels, kinds) {
  const connectedAt = Date.now() - AGE_MS;
  const queue = kinds.values();
  const drain = async () => {
    for (const kind of queue) {
      count += 1;
      const connectionId = `${kind}${String(count).padStart(8, '0')}=`;
      const record = { ...ADDRESS, connectionId, connectedAt, expiresAt: connectedAt + 8_100_000 };
      await connections.connect(record, channels);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, drain));
}

const times = (count, kind) => Array.from({ length: count }, () => kind);
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const rounded = (number) => Number(number.toFixed(2));

/** Measures two cases in turn, in alternating order. Returns the medians. */
async function compare(usual, special) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const measured = {};
    const sides = { usual: () => usual(round), special: () => special(round) };
    const order = round % 2 === 0 ? ['usual', 'special'] : ['special', 'usual'];
    for (const side of order) measured[side] = await sides[side]();
    rounds.push(measured);
  }
  return {
    ms: rounded(median(rounds.map((one) => one.special))),
    'usual ms': rounded(median(rounds.map((one) => one.usual))),
    ratio: rounded(median(rounds.map((one) => one.special / one.usual))),
  };
}

/** A publish to subscribers that are all gone, compared with as many open ones. */
async function toGone({ store, publish }) {
  const timed = async (channel) => {
    const start = performance.now();
    await publish(channel);
    return performance.now() - start;
  };
  await subscribe(store, ['there'], times(400, 'there'));
  await publish('there');
  let left = 0;
  const result = await compare(
    () => timed('there'),
    async (round) => {
      await subscribe(store, [`gone/${round}`], times(400, 'gone'));
      const took = await timed(`gone/${round}`);
      const { items } = await store.connections.subscribers(`gone/${round}`);
      left += items.length;
      return took;
    },
  );
  return { ...result, target: '<= 3', note: `${left} of ${400 * ROUNDS} were not removed yet` };
}

/** The time until the last of the others has the event, while one of 3,000 is throttled. */
async function besideThrottled({ store, publish, ask }) {
  await subscribe(store, ['healthy', 'throttled'], times(2_999, 'there'));
  await subscribe(store, ['healthy'], ['there']);
  await subscribe(store, ['throttled'], ['slow']);
  const lastOf = (channel, count) => async () => {
    const start = Date.now();
    await publish(channel);
    const { reached, lastAt } = await ask();
    if (reached !== count) throw new Error(`${reached} of ${count} had the event.`);
    return lastAt - start;
  };
  await lastOf('healthy', 3_000)();
  const result = await compare(lastOf('healthy', 3_000), lastOf('throttled', 2_999));
  return { ...result, target: '<= 1.2' };
}

/** Many concurrent publishes, and whether each subscriber got each event once. */
async function sideBySide({ store, publish, ask }) {
  const channels = Array.from({ length: 40 }, (_, index) => `room/${index}`);
  for (const channel of channels) await subscribe(store, [channel], times(64, 'there'));
  const start = performance.now();
  const deliveries = await Promise.all(channels.map((channel) => publish(channel)));
  const ms = rounded(performance.now() - start);
  const { reached, doubled } = await ask();
  const failed = deliveries.reduce((sum, delivery) => sum + delivery.failed, 0);
  const note = `${40 * 64 - reached} lost, ${doubled} doubled, ${failed} counted failed`;
  return { ms, target: 'none', note };
}

const scenarios = {
  'publish to 400 that are gone': toGone,
  'publish to 3,000, one is throttled': besideThrottled,
  '40 publishes at once, to 64 each': sideBySide,
};

async function measureOn(engine, endpoint, api) {
  const store = await openStore(endpoint);
  const publisher = createPublisher({ store, plugins: [{ name: 'quiet', onError() {} }] });
  const publish = async (channel) => {
    const { delivery } = await publisher.channel(channel).publish('message', { text: 'Hello' });
    return delivery;
  };
  const rows = [];
  for (const [operation, run] of Object.entries(scenarios)) {
    await api.ask();
    rows.push({ engine, operation, ...(await run({ store, publish, ask: api.ask })) });
  }
  return rows;
}

export async function measure() {
  const api = await startApi();
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'any',
    AWS_SECRET_ACCESS_KEY: 'any',
    AWS_REGION: ADDRESS.region,
    GATECAST_ENDPOINT: api.url,
    GATECAST_API_ID: ADDRESS.apiId,
    GATECAST_STAGE: ADDRESS.stage,
  });
  const rows = await measureOn('dynalite', api.endpoint, api);
  if (hasDynamoDbLocal()) {
    const engine = await startDynamoDbLocal();
    rows.push(...(await measureOn('DynamoDB Local', engine.endpoint, api)));
    engine.stop();
  }
  api.child.disconnect();
  return { benchmark: 'delivery', rounds: ROUNDS, node: process.version, rows };
}
