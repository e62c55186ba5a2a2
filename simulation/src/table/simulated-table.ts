import type {
  AttributeValue,
  BatchGetItemInput,
  BatchGetItemOutput,
  BatchWriteItemInput,
  BatchWriteItemOutput,
  DeleteItemInput,
  DeleteItemOutput,
  GetItemInput,
  GetItemOutput,
  PutItemInput,
  PutItemOutput,
  QueryInput,
  QueryOutput,
  UpdateItemInput,
  UpdateItemOutput,
} from '@aws-sdk/client-dynamodb';
import { applyUpdate, checkUpdate } from './apply-update.js';
import { checkCondition } from './check-condition.js';
import { meets, Names } from './evaluate.js';
import { parseCondition, ValidationException } from './expression.js';
import { project } from './project.js';
import { query } from './query.js';
import { Partition } from './rows.js';
import { areEqual, type Item } from './values.js';

/** What the table leaves to whoever runs it. */
export interface TableOptions {
  /** The time, in milliseconds since 1970. */
  readonly now: () => number;
  /** How long after its time to live a row is deleted, in milliseconds. Asked at each write. */
  readonly deletionDelayMs: () => number;
  /** How old an eventually consistent read is, in milliseconds. */
  readonly lagMs: () => number;
  /** Where a page of a Query ends, in bytes. @default 1 MB */
  readonly pageBytes?: number;
  /** Called after each write. */
  readonly onWrite?: (change: Change) => void;
}

/** One write. */
export interface Change {
  readonly pk: string;
  readonly sk: string;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

type Key = Record<string, AttributeValue> | undefined;

/** A request whose condition is not met. */
export class ConditionalCheckFailedException extends Error {
  override readonly name = 'ConditionalCheckFailedException';
  readonly $metadata = { httpStatusCode: 400 };
  readonly Item: Item | undefined;

  constructor(item: Item | undefined) {
    super('The conditional request failed');
    this.Item = item;
  }
}

const MB = 1_048_576;
const BATCH = { gets: 100, writes: 25 };

/**
 * A table of DynamoDB in memory, with the semantics of the calls that the store makes. Each method does at
 * once what DynamoDB does at the moment in which it carries out the request. A test runs the same calls on
 * DynamoDB Local.
 */
export class SimulatedTable {
  readonly #options: TableOptions;
  readonly #partitions = new Map<string, Partition>();

  constructor(options: TableOptions) {
    this.#options = options;
  }

  getItem({ Key, ConsistentRead, ...rest }: GetItemInput): GetItemOutput {
    const names = new Names(rest);
    names.checkUse(rest.ProjectionExpression);
    const item = this.#read(Key, this.#asOf(ConsistentRead));
    return item ? { Item: project(item, rest.ProjectionExpression, names) } : {};
  }

  putItem(input: PutItemInput): PutItemOutput {
    const names = new Names(input);
    names.checkUse(input.ConditionExpression);
    const before = this.#read(keyOf(input.Item), this.#options.now());
    this.#check(before, input, names);
    this.#write(keyOf(input.Item), before, input.Item);
    return input.ReturnValues === 'ALL_OLD' && before ? { Attributes: before } : {};
  }

  updateItem(input: UpdateItemInput): UpdateItemOutput {
    const { Key, UpdateExpression = '', ReturnValues = 'NONE' } = input;
    const names = new Names(input);
    names.checkUse(input.ConditionExpression, UpdateExpression);
    checkUpdate(UpdateExpression, names);
    const before = this.#read(Key, this.#options.now());
    this.#check(before, input, names);
    const after = applyUpdate(before ?? (Key as Item), UpdateExpression, names);
    for (const name of ['pk', 'sk']) {
      const [value, key] = [after[name], Key?.[name]];
      if (!value || !key || !areEqual(value, key)) {
        throw new ValidationException(`${name} is part of the key and cannot be updated.`);
      }
    }
    this.#write(Key, before, after);
    if (ReturnValues === 'ALL_NEW') return { Attributes: after };
    if (ReturnValues === 'ALL_OLD') return before ? { Attributes: before } : {};
    if (ReturnValues === 'NONE') return {};
    throw new ValidationException(`ReturnValues: ${ReturnValues} is not simulated.`);
  }

  deleteItem(input: DeleteItemInput): DeleteItemOutput {
    const names = new Names(input);
    names.checkUse(input.ConditionExpression);
    const before = this.#read(input.Key, this.#options.now());
    this.#check(before, input, names);
    if (before) this.#write(input.Key, before, undefined);
    return input.ReturnValues === 'ALL_OLD' && before ? { Attributes: before } : {};
  }

  query(input: QueryInput): QueryOutput {
    const { pageBytes = MB } = this.#options;
    const time = this.#asOf(input.ConsistentRead);
    return query(input, { time, pageBytes, partition: (pk) => this.#partitions.get(pk) });
  }

  /** @param isUnprocessed - Whether to leave a key out. */
  batchGetItem(input: BatchGetItemInput, isUnprocessed: () => boolean): BatchGetItemOutput {
    const [[table, request] = [], ...others] = Object.entries(input.RequestItems ?? {});
    if (!table || !request || others.length > 0) throw new ValidationException('One table only.');
    const { Keys = [], ConsistentRead, ...rest } = request;
    checkBatch(Keys, BATCH.gets);
    const names = new Names(rest);
    names.checkUse(rest.ProjectionExpression);
    const [items, left]: [Item[], Item[]] = [[], []];
    for (const key of Keys) {
      if (isUnprocessed()) {
        left.push(key);
        continue;
      }
      const item = this.#read(key, this.#asOf(ConsistentRead));
      if (item) items.push(project(item, rest.ProjectionExpression, names));
    }
    return {
      Responses: { [table]: items },
      UnprocessedKeys: left.length > 0 ? { [table]: { ...request, Keys: left } } : {},
    };
  }

  /** @param isUnprocessed - Whether to leave a request out. */
  batchWriteItem(input: BatchWriteItemInput, isUnprocessed: () => boolean): BatchWriteItemOutput {
    const [[table, requests] = [], ...others] = Object.entries(input.RequestItems ?? {});
    if (!table || !requests || others.length > 0) throw new ValidationException('One table only.');
    checkBatch(
      requests.map(({ PutRequest, DeleteRequest }) =>
        PutRequest ? keyOf(PutRequest.Item) : DeleteRequest?.Key,
      ),
      BATCH.writes,
    );
    const left = requests.filter((request) => {
      if (isUnprocessed()) return true;
      const { PutRequest, DeleteRequest } = request;
      if (PutRequest) this.putItem({ TableName: table, Item: PutRequest.Item });
      else this.deleteItem({ TableName: table, Key: DeleteRequest?.Key });
      return false;
    });
    return { UnprocessedItems: left.length > 0 ? { [table]: left } : {} };
  }

  /** The item with a key, strongly consistent, for checks. */
  peek(pk: string, sk: string): Item | undefined {
    return this.#read({ pk: { S: pk }, sk: { S: sk } }, this.#options.now());
  }

  #asOf(isConsistent: boolean | undefined): number {
    const { now, lagMs } = this.#options;
    return isConsistent ? now() : now() - lagMs();
  }

  #read(key: Key, time: number): Item | undefined {
    const [pk, sk] = textsOf(key);
    return this.#partitions.get(pk)?.row(sk)?.itemAt(time);
  }

  #check(
    item: Item | undefined,
    input: {
      readonly ConditionExpression?: string | undefined;
      readonly ReturnValuesOnConditionCheckFailure?: string | undefined;
    },
    names: Names,
  ): void {
    const { ConditionExpression, ReturnValuesOnConditionCheckFailure } = input;
    if (ConditionExpression === undefined) return;
    checkCondition(parseCondition(ConditionExpression), names);
    if (meets(item, ConditionExpression, names)) return;
    throw new ConditionalCheckFailedException(
      ReturnValuesOnConditionCheckFailure === 'ALL_OLD' ? item : undefined,
    );
  }

  #write(key: Key, before: Item | undefined, after: Item | undefined): void {
    const [pk, sk] = textsOf(key);
    const { now, deletionDelayMs, onWrite } = this.#options;
    let partition = this.#partitions.get(pk);
    if (!partition) {
      partition = new Partition();
      this.#partitions.set(pk, partition);
    }
    const ttl = after?.['ttl']?.N;
    const deletedAt = ttl === undefined ? Infinity : Number(ttl) * 1_000 + deletionDelayMs();
    partition.rowForWrite(sk).write({ from: now(), item: after, deletedAt });
    onWrite?.({ pk, sk, before, after });
  }
}

function keyOf(item: Key): Key {
  return item && { pk: item['pk'] as AttributeValue, sk: item['sk'] as AttributeValue };
}

function textsOf(key: Key): readonly [string, string] {
  const [pk, sk] = [key?.['pk']?.S, key?.['sk']?.S];
  if (!pk || !sk || Object.keys(key ?? {}).length !== 2) {
    throw new ValidationException('The key does not match the schema.');
  }
  return [pk, sk];
}

function checkBatch(keys: readonly Key[], most: number): void {
  if (keys.length === 0 || keys.length > most) throw new ValidationException('Size of the batch.');
  if (new Set(keys.map((key) => textsOf(key).join('\0'))).size < keys.length) {
    throw new ValidationException('The batch has a key twice.');
  }
}
