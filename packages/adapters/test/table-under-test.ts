import { randomUUID } from 'node:crypto';
import { type AttributeValue, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { type DynamoDbStoreOptions, dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createTable } from '@gatecast/adapters/dynamodb/create-table';
import type {
  ChannelLimits,
  ConnectionRecord,
  ConnectionStore,
  MessageLog,
  SubscribeResult,
} from '@gatecast/framework';
import { vi } from 'vitest';
import type { Engine } from './engines/engine.js';

// The SDK warns that it will drop Node 20, but this package supports it.
vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

/** Hooks that a test may set around each call to DynamoDB. */
export interface CallHooks {
  /** Called with the command's input before it is sent. If it throws, the call fails with that error. */
  before?: (action: string, input: Record<string, unknown>) => unknown;
  /** Called when it was answered, with the same input. */
  after?: (action: string, output: Record<string, unknown>, input: object) => unknown;
  /** Called when it was answered or refused. */
  finally?: () => void;
}

/** A new empty table and a store on it. */
export interface TableUnderTest extends AsyncDisposable {
  readonly table: string;
  readonly client: DynamoDBClient;
  readonly connections: ConnectionStore;
  readonly log: MessageLog;
  readonly hooks: CallHooks;
  /** Names of the actions that were called, in order. */
  readonly calls: string[];
  /** All rows of the table. */
  rows(): Promise<Record<string, AttributeValue>[]>;
}

/** A budget that is enough on a busy machine. */
const BUDGET_MS = 60_000;

/** Credentials that every engine of the tests accepts. */
export const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };

/** Makes a client without retries, like the store's own. */
export function makeTestClient(endpoint: string): DynamoDBClient {
  return new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
}

/** Creates a table in an engine. */
export async function openTable(
  { endpoint }: Engine,
  options: DynamoDbStoreOptions = {},
): Promise<TableUnderTest> {
  const table = `t-${randomUUID()}`;
  const client = makeTestClient(endpoint);
  await createTable({ table, client });
  const observed = makeTestClient(endpoint);
  const hooks: CallHooks = {};
  const calls: string[] = [];
  observed.middlewareStack.add(
    (next, context) => async (args) => {
      const action = (context['commandName'] as string).replace(/Command$/, '');
      calls.push(action);
      await hooks.before?.(action, args.input as unknown as Record<string, unknown>);
      const answer = await next(args).finally(() => hooks.finally?.());
      await hooks.after?.(action, answer.output as unknown as Record<string, unknown>, args.input);
      return answer;
    },
    { step: 'initialize' },
  );
  const { connections, log } = dynamoDbStore({
    table,
    client: observed,
    budgetMs: BUDGET_MS,
    ...options,
  });
  if (!log) throw new Error('The store has no log.');
  return {
    table,
    client,
    connections,
    log,
    hooks,
    calls,
    async rows() {
      const found: Record<string, AttributeValue>[] = [];
      let start: Record<string, AttributeValue> | undefined;
      do {
        const page = await client.send(
          new ScanCommand({ TableName: table, ConsistentRead: true, ExclusiveStartKey: start }),
        );
        found.push(...(page.Items ?? []));
        start = page.LastEvaluatedKey;
      } while (start);
      return found;
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
      observed.destroy();
    },
  };
}

let made = 0;

/** The record of a connection that no other test uses. */
export function makeRecord(over: Partial<ConnectionRecord> = {}): ConnectionRecord {
  made += 1;
  return {
    connectionId: `L0SM9cOF${String(made).padStart(6, '0')}w=`,
    apiId: 'abcde12345',
    stage: 'dev',
    region: 'us-east-1',
    connectedAt: Date.now(),
    expiresAt: Date.now() + 8_100_000,
    ...over,
  };
}

/** Limits that no test reaches by accident. */
export const ample: ChannelLimits = { maxChannels: 200, maxBytes: 40_960 };

/** Subscribes a connection to one channel. */
export async function subscribe(
  connections: ConnectionStore,
  connectionId: string,
  channel: string,
): Promise<SubscribeResult | undefined> {
  const [result] = await connections.subscribe(connectionId, [channel], ample);
  return result;
}

/** Connects a new connection and subscribes it to channels. */
export async function connected(
  { connections }: Pick<TableUnderTest, 'connections'>,
  channels: readonly string[] = [],
  over: Partial<ConnectionRecord> = {},
): Promise<ConnectionRecord> {
  const record = makeRecord(over);
  await connections.connect(record, channels);
  return record;
}
