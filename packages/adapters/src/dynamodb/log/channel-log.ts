import type { LogOfChannel } from '@gatecast/framework';
import { logLifeMs } from '@gatecast/framework/adapter';
import { type Item, toAttribute, toItem } from '../attributes.js';
import type { Table, Updated } from '../table.js';
import { contentOf, randomText } from './body.js';
import { type Head, toHead } from './head.js';
import { type KeyParts, LogKeys, type Segment, segmentsOf } from './log-keys.js';
import type { Observations } from './observations.js';
import { SLACK_S } from './times.js';

/** What one operation on logs needs. */
export interface OpenedLog {
  readonly table: Table;
  readonly logKeys: KeyParts;
  /** The clock by which rows expire, in milliseconds since 1970. */
  readonly now: () => number;
}

const EPOCH_BYTES = 9;

const IF_ABSENT = 'attribute_not_exists(pk)';
/** Asks for the item that did not meet a condition. */
const OLD_ITEM = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } as const;

/** What the expressions of a write need. */
interface Terms {
  readonly condition?: string;
  /** By their names without the colon. */
  readonly values: object;
  /** Attributes whose names in the expressions differ. Several names are reserved words, so all have one. */
  readonly names?: Readonly<Record<string, string>>;
  readonly ReturnValues?: 'ALL_NEW';
}

interface ExpressionTerms {
  readonly ExpressionAttributeNames: Record<string, string>;
  readonly ExpressionAttributeValues: Item;
}

/** The rows of one channel's log, as one operation of the store uses them. */
export class ChannelLog {
  readonly table: Table;
  readonly keys: LogKeys;
  /** In milliseconds since 1970. */
  readonly now: () => number;
  readonly #retentionSeconds: number;
  readonly #observations: Observations;

  constructor(
    { table, logKeys, now }: OpenedLog,
    { channel, retentionSeconds }: LogOfChannel,
    observations: Observations,
  ) {
    this.table = table;
    this.keys = new LogKeys(logKeys, channel);
    this.now = now;
    this.#retentionSeconds = retentionSeconds;
    this.#observations = observations;
  }

  /** In seconds since 1970, as in all rows. */
  seconds(ms: number = this.now()): number {
    return Math.floor(ms / 1_000);
  }

  /** Until when a row of LOG or BODY is kept that is written at a time. */
  ttlOf(seconds: number): number {
    return seconds + this.#retentionSeconds + SLACK_S;
  }

  /** Until when HEAD is kept if something needs it at a time. */
  headTtlOf(seconds: number): number {
    return seconds + logLifeMs({ retentionSeconds: this.#retentionSeconds }) / 1_000;
  }

  /** The HEAD of the last observation, if it is recent enough. */
  recentHead(): Head | undefined {
    return this.#observations.recent(this.#headKey, this.now());
  }

  /** Keeps a HEAD that was asked for at a time. */
  observe(item: Item, at: number, own = 0): Head {
    const head = toHead(item);
    this.#observations.note(this.#headKey, { head, at, own });
    return head;
  }

  /** Size of the channel's payloads in bytes, as the last read has found them. */
  get payloadBytes(): number | undefined {
    return this.#observations.payloadBytes(this.#headKey);
  }

  set payloadBytes(average: number) {
    this.#observations.notePayloads(this.#headKey, average);
  }

  async findHead(): Promise<Head | undefined> {
    const at = this.now();
    const item = await this.table.get(this.keys.head);
    return item && this.observe(item, at);
  }

  /** Reads HEAD, and writes it first if there is none. One that is there is used, however old. */
  async readHead(): Promise<Head> {
    for (;;) {
      const head = await this.findHead();
      if (head) return head;
      const ttl = this.headTtlOf(this.seconds());
      const empty = { epoch: randomText(EPOCH_BYTES), top: 0, floor: 0, ids: {}, ttl };
      await this.table.put({
        Item: { ...this.keys.head, ...toItem(empty) },
        ConditionExpression: IF_ABSENT,
      });
    }
  }

  /** Updates an item. If the condition is not met, the result has the item as it is, if the engine returns it. */
  update(Key: Item, UpdateExpression: string, terms: Terms): Promise<Updated> {
    const { condition: ConditionExpression, ReturnValues } = terms;
    return this.table.update({
      Key,
      UpdateExpression,
      ...termsOf(`${UpdateExpression} ${ConditionExpression}`, terms),
      ...(ConditionExpression && { ConditionExpression, ...OLD_ITEM }),
      ...(ReturnValues && { ReturnValues }),
    });
  }

  /** Makes HEAD live longer, unless another call has, or has begun a new log. */
  lengthen({ epoch }: Head, ttl: number): Promise<Updated> {
    return this.update(this.keys.head, 'SET #ttl = :ttl', {
      condition: '#epoch = :epoch AND #ttl < :ttl',
      values: { epoch, ttl },
    });
  }

  /** Puts BODY, unless there is one that is not dead. */
  putBody(body: Item, dead: number): Promise<Updated> {
    const ConditionExpression = `${IF_ABSENT} OR #ttl < :dead`;
    const terms = termsOf(ConditionExpression, { values: { dead } });
    return this.table.put({ Item: body, ConditionExpression, ...terms, ...OLD_ITEM });
  }

  /** Puts an entry into LOG, with the content of BODY, unless it is there. */
  putEntry(
    epoch: string,
    offset: number,
    [ringKey, body]: readonly [string, Item],
  ): Promise<Updated> {
    return this.table.put({
      Item: {
        ...contentOf(body),
        ...this.keys.entry(epoch, offset),
        ringKey: { S: ringKey },
        ttl: toAttribute(this.ttlOf(this.seconds())),
      },
      ConditionExpression: IF_ABSENT,
    });
  }

  /** The keys of the ring that LOG has behind `after` up to `to`, by their offsets. */
  async ringKeys(epoch: string, after: number, to: number): Promise<Map<number, string>> {
    const found = new Map<number, string>();
    for (const segment of segmentsOf(after, to)) {
      for await (const rows of this.rows(epoch, segment, { isKeysOnly: true })) {
        for (const row of rows) found.set(offsetOf(row), row['ringKey']?.S ?? '');
      }
    }
    return found;
  }

  /** Whether a partition of LOG has any row. */
  async hasRows(epoch: string, segment: Segment): Promise<boolean> {
    for await (const rows of this.rows(epoch, segment, { isKeysOnly: true, size: () => 1 })) {
      if (rows.length > 0) return true;
    }
    return false;
  }

  /**
   * Reads rows of one partition of LOG to its end, page by page; a page may be empty.
   *
   * @param rows - `size` says how many rows to ask for next.
   */
  async *rows(
    epoch: string,
    { first, last }: Segment,
    {
      isKeysOnly = false,
      isBackward = false,
      size,
    }: { isKeysOnly?: boolean; isBackward?: boolean; size?: () => number } = {},
  ): AsyncGenerator<readonly Item[]> {
    const { pk, sk: start } = this.keys.entry(epoch, first);
    const { sk: end } = this.keys.entry(epoch, last);
    let cursor: Item | undefined;
    do {
      const { items, lastKey } = await this.table.query({
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :start AND :end',
        ExpressionAttributeValues: { ':pk': pk, ':start': start, ':end': end } as Item,
        ...(isKeysOnly && {
          ProjectionExpression: 'sk, #ringKey',
          ExpressionAttributeNames: { '#ringKey': 'ringKey' },
        }),
        ...(isBackward && { ScanIndexForward: false }),
        ...(size && { Limit: size() }),
        ...(cursor && { ExclusiveStartKey: cursor }),
      });
      yield items;
      cursor = lastKey;
    } while (cursor);
  }

  get #headKey(): string {
    return this.keys.head['pk']?.S ?? '';
  }
}

/** The offset of a row of LOG. */
export function offsetOf(row: Item): number {
  return Number(row['sk']?.S);
}

/** The names and the values of expressions: `#ttl` is the attribute `ttl`, unless `names` says otherwise. */
function termsOf(expressions: string, { values, names = {} }: Terms): ExpressionTerms {
  const used = [...expressions.matchAll(/#(\w+)/g)];
  const value = Object.entries(toItem(values));
  return {
    ExpressionAttributeNames: Object.fromEntries(
      used.map(([term, name = '']) => [term, names[name] ?? name]),
    ),
    ExpressionAttributeValues: Object.fromEntries(value.map(([name, one]) => [`:${name}`, one])),
  };
}
