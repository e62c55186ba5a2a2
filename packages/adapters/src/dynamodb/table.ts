import { setTimeout as sleep } from 'node:timers/promises';
import {
  BatchWriteItemCommand,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import type { StoreError } from '@gatecast/framework';
import {
  type Attempted,
  isConditionFailed,
  isTransient,
  leftUnprocessed,
  toStoreError,
} from './failure.js';
import { inParallel, piecesOf } from './in-parallel.js';
import type { Item } from './items.js';

/** Calls of one operation that are under way at once. */
const CALLS_IN_FLIGHT = 25;

const ITEMS_PER_BATCH = 25;
const CONNECT_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 3_000;
/** What an attempt has at least: with less, no operation could begin near the deadline. */
const SHORTEST_TIMEOUT_MS = 250;
const FIRST_DELAY_MS = 25;
const LONGEST_DELAY_MS = 1_000;
// A subscribe frame names up to 50 channels, and each is a call.
const SOCKETS = 64;

/** Makes the AWS client: without retries, because only the store knows how much time it has. */
export function makeClient(endpoint: string | undefined): DynamoDBClient {
  const agent = { keepAlive: true, maxSockets: SOCKETS };
  return new DynamoDBClient({
    // Where there is a server of one's own there is no Region, but the client insists on one.
    ...(endpoint !== undefined && { endpoint, region: process.env['AWS_REGION'] ?? 'us-east-1' }),
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      httpAgent: agent,
      httpsAgent: agent,
    },
  });
}

type Request<T> = (
  client: DynamoDBClient,
  options: { readonly abortSignal: AbortSignal },
) => Promise<T>;

/** A table, and one operation of the store on it. */
export interface TableOperation {
  readonly client: DynamoDBClient;
  readonly table: string;
  readonly region: string;
  /** What the store is to do, after "could not". */
  readonly operation: string;
  /** When it gives up, in milliseconds of `performance.now()`. */
  readonly deadline: number;
}

/**
 * The calls of one operation, each tried again with full jitter while that may help and the budget
 * lasts.
 */
export class Table {
  readonly #of: TableOperation;

  constructor(operation: TableOperation) {
    this.#of = operation;
  }

  /** Reads an item, strongly consistent. */
  async get(Key: Item): Promise<Item | undefined> {
    const command = new GetItemCommand({ TableName: this.#of.table, Key, ConsistentRead: true });
    return (await this.#send('GetItem', (client, options) => client.send(command, options)))?.Item;
  }

  async put(item: Item): Promise<void> {
    const command = new PutItemCommand({ TableName: this.#of.table, Item: item });
    await this.#send('PutItem', (client, options) => client.send(command, options));
  }

  async delete(Key: Item): Promise<void> {
    const command = new DeleteItemCommand({ TableName: this.#of.table, Key });
    await this.#send('DeleteItem', (client, options) => client.send(command, options));
  }

  /** Deletes an item whose attribute has this value; returns whether it did. */
  async deleteIf(Key: Item, [name, value]: readonly [string, string]): Promise<boolean> {
    const command = new DeleteItemCommand({
      TableName: this.#of.table,
      Key,
      ConditionExpression: '#name = :value',
      ExpressionAttributeNames: { '#name': name },
      ExpressionAttributeValues: { ':value': { S: value } },
    });
    const deleted = await this.#send('DeleteItem', (client, options) =>
      client.send(command, options),
    );
    return deleted !== undefined;
  }

  /** Updates an item; returns the attributes it is asked for, `undefined` when its condition fails. */
  async update(input: Omit<UpdateItemCommandInput, 'TableName'>): Promise<Item | undefined> {
    const command = new UpdateItemCommand({ TableName: this.#of.table, ...input });
    const updated = await this.#send('UpdateItem', (client, options) =>
      client.send(command, options),
    );
    return updated?.Attributes;
  }

  /** Reads one page of at most 1 MB, strongly consistent. */
  async query(
    input: Omit<QueryCommandInput, 'TableName'>,
  ): Promise<{ readonly items: Item[]; readonly lastKey?: Item | undefined }> {
    const command = new QueryCommand({
      TableName: this.#of.table,
      ConsistentRead: true,
      ...input,
    });
    const found = await this.#send('Query', (client, options) => client.send(command, options));
    return { items: found?.Items ?? [], lastKey: found?.LastEvaluatedKey };
  }

  /** Puts and deletes any number of different items, in batches and in no order. */
  async write(requests: readonly WriteRequest[]): Promise<void> {
    await inParallel(piecesOf(requests, ITEMS_PER_BATCH), CALLS_IN_FLIGHT, (batch) =>
      this.#writeBatch(batch),
    );
  }

  async #writeBatch(batch: readonly WriteRequest[]): Promise<void> {
    const { table } = this.#of;
    let pending = [...batch];
    for (let attempt = 0; ; attempt += 1) {
      const command = new BatchWriteItemCommand({ RequestItems: { [table]: pending } });
      const answer = await this.#send('BatchWriteItem', (client, options) =>
        client.send(command, options),
      );
      pending = answer?.UnprocessedItems?.[table] ?? [];
      if (pending.length === 0) return;
      await this.#pause(attempt, () => leftUnprocessed(this.#attempted('BatchWriteItem')));
    }
  }

  async #send<T>(action: string, request: Request<T>): Promise<T | undefined> {
    const { client, deadline } = this.#of;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const leftMs = Math.max(SHORTEST_TIMEOUT_MS, Math.ceil(deadline - performance.now()));
        const abortSignal = AbortSignal.timeout(Math.min(REQUEST_TIMEOUT_MS, leftMs));
        return await request(client, { abortSignal });
      } catch (error) {
        if (isConditionFailed(error)) return undefined;
        const fail = () => toStoreError(error, this.#attempted(action));
        if (!isTransient(error)) throw fail();
        await this.#pause(attempt, fail);
      }
    }
  }

  async #pause(attempt: number, fail: () => StoreError): Promise<void> {
    const delayMs = Math.random() * Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
    if (performance.now() + delayMs >= this.#of.deadline) throw fail();
    await sleep(delayMs);
  }

  #attempted(action: string): Attempted {
    const { operation, table, region } = this.#of;
    return { operation, action, table, region };
  }
}
