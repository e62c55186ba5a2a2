import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { type Store, StoreError } from '@gatecast/framework';
import {
  checkOptions,
  lazyLog,
  type OptionType,
  option,
  type TimeLimit,
} from '@gatecast/framework/adapter';
import { DynamoDbConnectionStore, type OpenOptions } from './connection-store.js';
import { Keys } from './keys.js';
import type { OpenedLog } from './log/channel-log.js';
import type { DynamoDbPort } from './port.js';
import type { RowsOptions } from './rows.js';
import { clientOption, makeClient, sdkPort } from './sdk-port.js';
import { Table } from './table.js';

/** Options of {@link dynamoDbStore}. @group Start here */
export interface DynamoDbStoreOptions {
  /** Name of the table. @default the variable GATECAST_TABLE, read at the first event */
  readonly table?: string;
  /**
   * Prefix of every key. Two apps, or two separate stages of one app, must use different prefixes or
   * different tables: otherwise they deliver each other's events.
   *
   * @default the variable GATECAST_KEY_PREFIX, read at the first event; otherwise no prefix
   */
  readonly keyPrefix?: string;
  /**
   * Part of every key of the logs of channels with `history`: a text without `#`. After the table was restored
   * from a backup, set it to one that was never used before, such as the date: a restored log would use
   * offsets again that clients have seen with other events. All logs begin anew.
   *
   * @default none
   */
  readonly generation?: string;
  /**
   * A client of your own. The store retries by itself, so give the client `maxAttempts: 1`.
   *
   * @default a client that is created at the first event and reused, with the Region and the credentials
   * of the environment
   */
  readonly client?: DynamoDBClient;
  /**
   * URL of another DynamoDB, such as DynamoDB Local. Not allowed with `client`, which has its own.
   *
   * @default AWS_ENDPOINT_URL_DYNAMODB, else DynamoDB in the Region
   */
  readonly endpoint?: string;
  /**
   * How long one operation may take, in milliseconds, including retries of calls that were throttled or
   * did not reach DynamoDB. It ends earlier if the invocation does. Removing connections and purging a log
   * may take until the end of the invocation; outside of one, a purge may take a minute.
   *
   * @default 5000
   */
  readonly budgetMs?: number;
  /** The clock by which rows expire, in milliseconds since 1970. @default Date.now */
  readonly now?: () => number;
}

/** How the store calls DynamoDB, and in which Region. */
export interface DynamoDbAccess {
  readonly port: DynamoDbPort;
  readonly region: string;
}

const DEFAULT_BUDGET_MS = 5_000;

const urlOption: OptionType = {
  takes: 'a URL that begins with http:// or https://',
  fits: (value) => typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value),
};

const generationOption: OptionType = {
  takes: 'a non-empty string without #',
  fits: (value) => option.text.fits(value) && !(value as string).includes('#'),
};

/**
 * A store in one DynamoDB table: `tableDefinition` describes it. Options are checked at once; the
 * environment and the table are read at the first event.
 *
 * @example
 * ```ts
 * export const { handler } = createApp({ channels: [RoomChannel], store: dynamoDbStore() });
 * ```
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE, ERR_OPTION_CONFLICT.
 * @group Start here
 */
export function dynamoDbStore(options: DynamoDbStoreOptions = {}): Store {
  const types = {
    table: option.text,
    keyPrefix: option.text,
    generation: generationOption,
    client: clientOption,
    endpoint: urlOption,
    budgetMs: option.milliseconds(1),
    now: option.callback,
  };
  checkOptions('dynamoDbStore()', options, types, [['client', 'endpoint']]);
  let client = options.client;
  return storeOver(async () => {
    client ??= makeClient(options.endpoint);
    return { port: sdkPort(client), region: await client.config.region() };
  }, options);
}

/**
 * The store on top of any {@link DynamoDbPort}: for tests and other clients.
 *
 * @internal
 */
export function storeOver(
  access: () => Promise<DynamoDbAccess>,
  options: Omit<DynamoDbStoreOptions, 'client' | 'endpoint'> = {},
): Store {
  const { now = Date.now, budgetMs = DEFAULT_BUDGET_MS } = options;
  const open = async (opening: OpenOptions): Promise<RowsOptions & OpenedLog> => {
    const limit = limitOf(opening, budgetMs);
    const { operation } = opening;
    const table = options.table ?? process.env['GATECAST_TABLE'];
    if (!table) {
      throw StoreError.of({
        store: 'dynamodb',
        operation,
        reason: 'No table name is set.',
        advice: 'Set GATECAST_TABLE to the name of the table, or pass dynamoDbStore({ table }).',
      });
    }
    const prefix = options.keyPrefix ?? process.env['GATECAST_KEY_PREFIX'] ?? '';
    const { port, region } = await access().catch((cause: unknown) => {
      throw StoreError.of({
        store: 'dynamodb',
        operation,
        reason: `The AWS client could not be created: ${(cause as Error).message}`,
        advice: 'Set AWS_REGION, or pass dynamoDbStore({ client }).',
        cause,
      });
    });
    return {
      table: new Table({ port, table, region, operation, limit }),
      keys: new Keys(prefix),
      logKeys: { prefix, generation: options.generation ? `${options.generation}#` : '' },
      now,
    };
  };
  return {
    name: 'dynamodb',
    connections: new DynamoDbConnectionStore(open),
    log: lazyLog(async () => {
      const { DynamoDbMessageLog } = await import('./log/message-log.js');
      return new DynamoDbMessageLog(open);
    }),
  };
}

function limitOf(
  { limit = {}, usesWholeLimit = false, budgetShare = 1, longestMs = Infinity }: OpenOptions,
  budgetMs: number,
): TimeLimit {
  const { endsAt = Infinity } = limit;
  const isWhole = usesWholeLimit && endsAt !== Infinity;
  const mayTakeMs = Math.min(isWhole ? Infinity : budgetMs * budgetShare, longestMs);
  return { ...limit, endsAt: Math.min(endsAt, Date.now() + mayTakeMs) };
}
