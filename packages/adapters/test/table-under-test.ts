import { randomUUID } from 'node:crypto';
import { type AttributeValue, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { type DynamoDbStoreOptions, dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createTable } from '@gatecast/adapters/dynamodb/create-table';
import type {
  ChannelLimits,
  ConnectionRecord,
  ConnectionStore,
  SubscribeResult,
} from '@gatecast/framework';
import { vi } from 'vitest';
import type { Engine } from './engines/engine.js';

// Node 20 is what this package supports, whatever the SDK says about it.
vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

/** What a test may do around each call to DynamoDB. */
export interface CallHooks {
  /** Called with the command's input before it is sent; what it throws is thrown instead. */
  before?: (action: string, input: Record<string, unknown>) => unknown;
  /** Called when it was answered, with the same input. */
  after?: (action: string, output: Record<string, unknown>, input: object) => unknown;
  /** Called when it was answered or refused. */
  finally?: () => void;
}

/** An empty table of its own, and a store on it. */
export interface TableUnderTest extends AsyncDisposable {
  readonly table: string;
  readonly client: DynamoDBClient;
  readonly connections: ConnectionStore;
  readonly hooks: CallHooks;
  /** Names of the actions that were called, in order. */
  readonly calls: string[];
  /** All there is in the table. */
  rows(): Promise<Record<string, AttributeValue>[]>;
}

/** What an operation may take on a busy machine. */
const BUDGET_MS = 60_000;

/** Credentials that every engine of the tests takes. */
export const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };

/** Makes a client without retries, as the store's own is. */
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
  const { connections } = dynamoDbStore({
    table,
    client: observed,
    budgetMs: BUDGET_MS,
    ...options,
  });
  return {
    table,
    client,
    connections,
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

/** A connection that no other test has. */
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

/** Limits that no test meets by chance. */
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

/** Connects a connection. */
export async function connected(
  { connections }: Pick<TableUnderTest, 'connections'>,
  channels: readonly string[] = [],
  over: Partial<ConnectionRecord> = {},
): Promise<ConnectionRecord> {
  const record = makeRecord(over);
  await connections.connect(record, channels);
  return record;
}
