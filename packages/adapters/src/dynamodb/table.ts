import { setMaxListeners } from 'node:events';
import type {
  AttributeValue,
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
  isThrottled,
  isTransient,
  leftUnprocessed,
  NoAnswerError,
  timeIsOver,
  toStoreError,
} from './failure.js';
import type { DynamoDbPort, InputOf, OperationName, OutputOf } from './port.js';

/** Calls of one operation that are under way at once. */
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
  /** Names the Region in messages. */
  readonly region: string;
  /** What the store is doing, for errors: the words after "could not". */
  readonly operation: string;
  readonly limit: TimeLimit;
}

/** What must hold of an item: the value of one attribute, and the absence of another. */
export interface Condition {
  readonly has: readonly [name: string, value: AttributeValue];
  readonly lacks?: string;
}

/** An update that ran, or whose condition failed. */
export interface Updated {
  /** Whether its condition held. */
  readonly isDone: boolean;
  /** The attributes that it was asked for. */
  readonly attributes: Item;
  /** Whether an earlier attempt may have done it already: its answer was lost. */
  readonly mayHaveRun: boolean;
}

interface Answer<T> {
  /** Absent when the condition of the call failed. */
  readonly output?: T;
  readonly mayHaveRun: boolean;
}

/**
 * The calls of one operation. Each is tried again with full jitter while that may help and there is
 * time. No call begins once the time is over, the signal is aborted, or another call has failed.
 */
export class Table {
  readonly #of: TableOperation;
  #failure: { readonly error: unknown } | undefined;

  constructor(operation: TableOperation) {
    this.#of = operation;
    // Each call under way listens to it, and Node warns of more than ten.
    if (operation.limit.signal) setMaxListeners(0, operation.limit.signal);
  }

  /** Reads an item, strongly consistent. */
  async get(key: Item): Promise<Item | undefined> {
    const input = { TableName: this.#of.table, Key: key, ConsistentRead: true };
    return (await this.#call('GetItem', input)).output?.Item;
  }

  /** Reads any number of different items, strongly consistent; returns those that are there. */
  async getAll(keys: readonly Item[]): Promise<Item[]> {
    const batches = piecesOf(keys, READS_PER_BATCH);
    const found = await inParallel(batches, CALLS_AT_ONCE, (batch) => this.#readBatch(batch));
    return found.flat();
  }

  /** Deletes an item that has this value of an attribute, and lacks another; returns whether it did. */
  async deleteIf(key: Item, { has: [name, value], lacks }: Condition): Promise<boolean> {
    const { output } = await this.#call('DeleteItem', {
      TableName: this.#of.table,
      Key: key,
      ConditionExpression: `#has = :value${lacks ? ' AND attribute_not_exists(#lacks)' : ''}`,
      ExpressionAttributeNames: { '#has': name, ...(lacks && { '#lacks': lacks }) },
      ExpressionAttributeValues: { ':value': value },
    });
    return output !== undefined;
  }

  /** Updates an item. A condition that does not hold is an answer, not an error. */
  async update(input: Omit<UpdateItemInput, 'TableName'>): Promise<Updated> {
    const { output, mayHaveRun } = await this.#call('UpdateItem', {
      TableName: this.#of.table,
      ...input,
    });
    return { isDone: output !== undefined, attributes: output?.Attributes ?? {}, mayHaveRun };
  }

  /** Reads one page of at most 1 MB, strongly consistent. */
  async query(
    input: Omit<QueryInput, 'TableName'>,
  ): Promise<{ readonly items: readonly Item[]; readonly lastKey: Item | undefined }> {
    const { output } = await this.#call('Query', {
      TableName: this.#of.table,
      ConsistentRead: true,
      ...input,
    });
    return { items: output?.Items ?? [], lastKey: output?.LastEvaluatedKey };
  }

  /** Puts and deletes any number of different items, in batches and in no order. */
  async write(requests: readonly WriteRequest[]): Promise<void> {
    const batches = piecesOf(requests, WRITES_PER_BATCH);
    await inParallel(batches, CALLS_AT_ONCE, (batch) => this.#writeBatch(batch));
  }

  /** Waits before an update is tried again, after another call changed the row first. */
  async giveWay(failed: number): Promise<void> {
    await this.#pause(failed, () => timeIsOver(this.#attempted('UpdateItem')));
  }

  async #readBatch(batch: readonly Item[]): Promise<Item[]> {
    const { table } = this.#of;
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
    const { table } = this.#of;
    let pending = [...batch];
    for (let failed = 1; ; failed += 1) {
      const { output } = await this.#call('BatchWriteItem', { RequestItems: { [table]: pending } });
      pending = output?.UnprocessedItems?.[table] ?? [];
      if (pending.length === 0) return;
      await this.#pause(failed, () => leftUnprocessed(this.#attempted('BatchWriteItem')));
    }
  }

  async #call<O extends OperationName>(
    operation: O,
    input: InputOf<O>,
  ): Promise<Answer<OutputOf<O>>> {
    const { endsAt = Infinity, signal } = this.#of.limit;
    let mayHaveRun = false;
    for (let failed = 1; ; failed += 1) {
      if (this.#failure) throw this.#failure.error;
      if (signal?.aborted) throw this.#failed(signal.reason);
      if (Date.now() >= endsAt) throw this.#failed(timeIsOver(this.#attempted(operation)));
      try {
        return { output: await this.#attempt(operation, input), mayHaveRun };
      } catch (error) {
        if (signal?.aborted) throw this.#failed(signal.reason);
        if (isConditionFailed(error)) return { mayHaveRun };
        const fail = (): unknown => toStoreError(error, this.#attempted(operation));
        if (!isTransient(error)) throw this.#failed(fail());
        if (!isThrottled(error)) mayHaveRun = true;
        await this.#pause(failed, fail);
      }
    }
  }

  async #attempt<O extends OperationName>(operation: O, input: InputOf<O>): Promise<OutputOf<O>> {
    const { port, limit } = this.#of;
    const endsAt = Math.min(limit.endsAt ?? Infinity, Date.now() + REQUEST_TIMEOUT_MS);
    const nobodyWaits = new AbortController();
    try {
      const answer = port.call(operation, input, { signal: nobodyWaits.signal, endsAt });
      return await withinTime(answer, { ...limit, endsAt }, () => new NoAnswerError());
    } catch (error) {
      nobodyWaits.abort();
      throw error;
    }
  }

  async #pause(failed: number, fail: () => unknown): Promise<void> {
    const { endsAt = Infinity, signal } = this.#of.limit;
    const delayMs = backoffMs(failed, BACKOFF);
    if (Date.now() + delayMs >= endsAt) throw this.#failed(fail());
    await pause(delayMs, signal);
    // A timer may fire late: what went wrong says more than that the time is over.
    if (Date.now() >= endsAt) throw this.#failed(fail());
  }

  #failed(error: unknown): unknown {
    this.#failure ??= { error };
    return error;
  }

  #attempted(action: OperationName): Attempted {
    const { operation, table, region } = this.#of;
    return { operation, action, table, region };
  }
}

/** Cuts a list into pieces of at most `size`. */
export function piecesOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
