import { setMaxListeners } from 'node:events';
import type {
  AttributeValue,
  PutItemInput,
  QueryInput,
  UpdateItemInput,
  WriteRequest,
} from '@aws-sdk/client-dynamodb';
import {
  backoffMs,
  inParallel,
  pause,
  type TimeLimit,
  withinTime,
} from '@gatecast/framework/adapter';
import type { Item } from './attributes.js';
import {
  type Attempted,
  isConditionFailed,
  isTransient,
  leftUnprocessed,
  NoAnswerError,
  outOfTime,
  toStoreError,
} from './failure.js';
import type { DynamoDbPort, InputOf, OperationName, OutputOf } from './port.js';

/** Most calls that one operation makes at once. */
export const CALLS_AT_ONCE = 50;

// Amazon DynamoDB API reference, BatchWriteItem and BatchGetItem.
const WRITES_PER_BATCH = 25;
const READS_PER_BATCH = 100;

const REQUEST_TIMEOUT_MS = 3_000;
const BACKOFF = { firstMs: 25, longestMs: 1_000 };

/** A table, and one operation of the store on it. */
export interface TableOperation {
  readonly port: DynamoDbPort;
  readonly table: string;
  /** Used in error messages only. */
  readonly region: string;
  /** Completes the message "The store … could not …". */
  readonly operation: string;
  readonly limit: TimeLimit;
}

/** What an item must have to be deleted: one attribute with a value, and another one absent. */
export interface Condition {
  readonly has: readonly [name: string, value: AttributeValue];
  readonly lacks?: string;
}

/** The result of a put or an update. */
export interface Updated {
  /** Whether the condition was met and the item written. */
  readonly isDone: boolean;
  /** The attributes that `ReturnValues` asked for. */
  readonly attributes: Item;
  /**
   * The item that did not meet the condition, if `ReturnValuesOnConditionCheckFailure` asked for it. Some
   * engines do not return it.
   */
  readonly old?: Item | undefined;
}

/** The answer to a call, or the item that did not meet its condition. */
interface Answer<O extends OperationName> {
  readonly output?: OutputOf<O>;
  readonly old?: Item | undefined;
}

/**
 * The calls of one operation. Each is retried with full jitter as long as that may help and time is left.
 * No call begins after the end of the time limit, after the signal was aborted or after another call has
 * failed.
 */
export class Table {
  readonly #context: TableOperation;
  #failure: { readonly error: unknown } | undefined;

  constructor(operation: TableOperation) {
    this.#context = operation;
    // Each running call adds a listener, and Node warns about more than ten.
    if (operation.limit.signal) setMaxListeners(0, operation.limit.signal);
  }

  /** Reads an item with strong consistency. */
  async get(key: Item): Promise<Item | undefined> {
    const input = { TableName: this.#context.table, Key: key, ConsistentRead: true };
    return (await this.#call('GetItem', input)).output?.Item;
  }

  /**
   * Reads any number of items with strong consistency, and returns those that exist. Keys must differ.
   */
  async getAll(keys: readonly Item[]): Promise<Item[]> {
    const batches = chunksOf(keys, READS_PER_BATCH);
    const found = await inParallel(batches, CALLS_AT_ONCE, (batch) => this.#readBatch(batch));
    return found.flat();
  }

  /** Deletes an item if it meets the condition. Returns whether it did. */
  async deleteIf(key: Item, { has: [name, value], lacks }: Condition): Promise<boolean> {
    const { output } = await this.#call('DeleteItem', {
      TableName: this.#context.table,
      Key: key,
      ConditionExpression: `#has = :value${lacks ? ' AND attribute_not_exists(#lacks)' : ''}`,
      ExpressionAttributeNames: { '#has': name, ...(lacks && { '#lacks': lacks }) },
      ExpressionAttributeValues: { ':value': value },
    });
    return output !== undefined;
  }

  /** Updates an item. A condition that is not met gives `isDone: false`, not an error. */
  async update(input: Omit<UpdateItemInput, 'TableName'>): Promise<Updated> {
    const { output, old } = await this.#call('UpdateItem', {
      TableName: this.#context.table,
      ...input,
    });
    return { isDone: output !== undefined, attributes: output?.Attributes ?? {}, old };
  }

  /** Puts an item. A condition that is not met gives `isDone: false`, not an error. */
  async put(input: Omit<PutItemInput, 'TableName'>): Promise<Updated> {
    const { output, old } = await this.#call('PutItem', {
      TableName: this.#context.table,
      ...input,
    });
    return { isDone: output !== undefined, attributes: {}, old };
  }

  /** Reads one page of at most 1 MB with strong consistency. */
  async query(
    input: Omit<QueryInput, 'TableName'>,
  ): Promise<{ readonly items: readonly Item[]; readonly lastKey: Item | undefined }> {
    const { output } = await this.#call('Query', {
      TableName: this.#context.table,
      ConsistentRead: true,
      ...input,
    });
    return { items: output?.Items ?? [], lastKey: output?.LastEvaluatedKey };
  }

  /** Puts and deletes any number of items, in batches and in any order. Keys must differ. */
  async write(requests: readonly WriteRequest[]): Promise<void> {
    const batches = chunksOf(requests, WRITES_PER_BATCH);
    await inParallel(batches, CALLS_AT_ONCE, (batch) => this.#writeBatch(batch));
  }

  /** Does some work for each item, several at once. */
  async forEach<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
    await inParallel(items, CALLS_AT_ONCE, work);
  }

  /** Waits before an update is retried because another call changed the row first. */
  async pauseBeforeRetry(failed: number): Promise<void> {
    await this.#pause(failed, () => outOfTime(this.#attempted('UpdateItem')));
  }

  async #readBatch(batch: readonly Item[]): Promise<Item[]> {
    const { table } = this.#context;
    const found: Item[] = [];
    let pending = [...batch];
    for (let failed = 1; ; failed += 1) {
      const { output } = await this.#call('BatchGetItem', {
        RequestItems: { [table]: { Keys: pending, ConsistentRead: true } },
      });
      found.push(...(output?.Responses?.[table] ?? []));
      pending = output?.UnprocessedKeys?.[table]?.Keys ?? [];
      if (pending.length === 0) return found;
      await this.#pause(failed, () => leftUnprocessed(this.#attempted('BatchGetItem')));
    }
  }

  async #writeBatch(batch: readonly WriteRequest[]): Promise<void> {
    const { table } = this.#context;
    let pending = [...batch];
    for (let failed = 1; ; failed += 1) {
      const { output } = await this.#call('BatchWriteItem', { RequestItems: { [table]: pending } });
      pending = output?.UnprocessedItems?.[table] ?? [];
      if (pending.length === 0) return;
      await this.#pause(failed, () => leftUnprocessed(this.#attempted('BatchWriteItem')));
    }
  }

  /** Makes a call. Returns no output if its condition is not met. */
  async #call<O extends OperationName>(operation: O, input: InputOf<O>): Promise<Answer<O>> {
    const { endsAt = Infinity, signal } = this.#context.limit;
    let failure: unknown;
    for (let failed = 1; ; failed += 1) {
      if (this.#failure) throw this.#failure.error;
      if (signal?.aborted) throw this.#failed(signal.reason);
      if (Date.now() >= endsAt) throw this.#failed(outOfTime(this.#attempted(operation)));
      try {
        return { output: await this.#attempt(operation, input) };
      } catch (error) {
        if (signal?.aborted) throw this.#failed(signal.reason);
        if (isConditionFailed(error)) return { old: (error as { Item?: Item }).Item };
        // What the time limit has cut off explains less than what failed before.
        const isCutOff = error instanceof NoAnswerError && Date.now() >= endsAt;
        if (!isCutOff) failure = error;
        const fail = (): unknown => toStoreError(failure ?? error, this.#attempted(operation));
        if (!isTransient(error)) throw this.#failed(fail());
        await this.#pause(failed, fail);
      }
    }
  }

  async #attempt<O extends OperationName>(operation: O, input: InputOf<O>): Promise<OutputOf<O>> {
    const { port, limit } = this.#context;
    const endsAt = Math.min(limit.endsAt ?? Infinity, Date.now() + REQUEST_TIMEOUT_MS);
    const abandoned = new AbortController();
    try {
      const answer = port.call(operation, input, { signal: abandoned.signal, endsAt });
      return await withinTime(answer, { ...limit, endsAt }, () => new NoAnswerError());
    } catch (error) {
      abandoned.abort();
      throw error;
    }
  }

  async #pause(failed: number, fail: () => unknown): Promise<void> {
    const { endsAt = Infinity, signal } = this.#context.limit;
    const delayMs = backoffMs(failed, BACKOFF);
    if (Date.now() + delayMs >= endsAt) throw this.#failed(fail());
    await pause(delayMs, signal);
    // A timer may fire late. The failure explains more than an error about the time limit would.
    if (Date.now() >= endsAt) throw this.#failed(fail());
  }

  #failed(error: unknown): unknown {
    this.#failure ??= { error };
    return error;
  }

  #attempted(action: OperationName): Attempted {
    const { operation, table, region } = this.#context;
    return { operation, action, table, region };
  }
}

/** Splits a list into chunks of at most `size`. */
export function chunksOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
