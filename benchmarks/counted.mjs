// The engines of a store, with a count of the calls and of the capacity units that they cost. `open()` makes
// a store with a client and counters of its own, like one execution environment.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createTable } from '@gatecast/adapters/dynamodb/create-table';
import { redisStore } from '@gatecast/adapters/redis';
import { memoryStore } from '@gatecast/framework';
import { Redis } from 'ioredis';
import { freePort, hasDynamoDbLocal, runs, startDynalite, startDynamoDbLocal } from './engines.mjs';

const TABLE = 'bench';
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

export async function onMemory() {
  const store = memoryStore();
  return { name: 'memory', open: async () => ({ store, counted: {} }), async stop() {} };
}

export async function onDynalite() {
  return onDynamoDb('dynalite', await startDynalite());
}

export async function onDynamoDbLocal() {
  if (hasDynamoDbLocal()) return onDynamoDb('DynamoDB Local', await startDynamoDbLocal());
  console.warn('DynamoDB Local is left out: install Java, then run npm test, which downloads it.');
  return undefined;
}

async function onDynamoDb(name, { endpoint, stop }) {
  const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
  const config = { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 };
  await createTable({ table: TABLE, client: new DynamoDBClient(config) });
  const open = async ({ delayMs = 0 } = {}) => {
    const client = new DynamoDBClient(config);
    const counted = { calls: 0, WCU: 0, RCU: 0, updates: 0 };
    client.middlewareStack.add(
      (next, { commandName }) =>
        async (args) => {
          args.input.ReturnConsumedCapacity = 'TOTAL';
          counted.calls += 1;
          if (commandName === 'UpdateItemCommand') counted.updates += 1;
          const unit = /Get|Query/.test(commandName) ? 'RCU' : 'WCU';
          try {
            const answer = await next(args);
            for (const { CapacityUnits = 0 } of [answer.output.ConsumedCapacity ?? []].flat()) {
              counted[unit] += CapacityUnits;
            }
            return answer;
          } catch (error) {
            if (error.name === 'ConditionalCheckFailedException')
              counted.WCU += unitsOf(error.Item);
            throw error;
          } finally {
            if (delayMs > 0) await sleep(delayMs);
          }
        },
      { step: 'initialize' },
    );
    return { store: dynamoDbStore({ table: TABLE, client, budgetMs: 60_000 }), counted };
  };
  return { name, open, stop };
}

/** The write units of a condition that failed: the engine charges for the item, but does not report it. */
function unitsOf(item = {}) {
  const sizeOf = (value) => {
    const [[type, content]] = Object.entries(value);
    if (type === 'M') return 3 + sizeOfAll(content);
    if (type === 'L') return 3 + content.reduce((sum, one) => sum + 1 + sizeOf(one), 0);
    if (type === 'N') return Math.ceil(content.length / 2) + 1;
    return typeof content === 'string' ? Buffer.byteLength(content) : (content.length ?? 1);
  };
  const sizeOfAll = (fields) =>
    Object.entries(fields).reduce((sum, [name, value]) => sum + name.length + 1 + sizeOf(value), 0);
  return Math.max(1, Math.ceil(sizeOfAll(item) / 1_024));
}

export async function onRedis() {
  if (!runs('redis-server', '--version')) {
    console.warn('Redis is left out: apt-get install redis-server.');
    return undefined;
  }
  const port = await freePort();
  const child = spawn('redis-server', ['--port', port, '--save', '', '--bind', '127.0.0.1'], {
    stdio: 'ignore',
  });
  const clients = [];
  const open = async ({ delayMs = 0 } = {}) => {
    const client = new Redis({ port, retryStrategy: () => 50, maxRetriesPerRequest: null });
    clients.push(client);
    client.on('error', () => {});
    await client.ping();
    const counted = { calls: 0 };
    const sendCommand = client.sendCommand.bind(client);
    const delayed = async (answer) => {
      try {
        return await answer;
      } finally {
        await sleep(delayMs);
      }
    };
    client.sendCommand = (...args) => {
      counted.calls += 1;
      const answer = sendCommand(...args);
      return delayMs > 0 ? delayed(answer) : answer;
    };
    return { store: redisStore({ client }), counted };
  };
  const stop = async () => {
    for (const client of clients) client.disconnect();
    child.kill();
    await once(child, 'exit');
  };
  return { name: 'Redis', open, stop };
}
