import { Annotations, type RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { mistake } from './mistake';
import {
  LOG_ACTIONS,
  PUBLISHER_ACTIONS,
  TABLE_ACTIONS,
  TABLE_DEFINITION,
} from './table-definition';

/** Options of {@link Store.dynamoDb}. */
export interface DynamoDbStoreOptions {
  /**
   * An existing table with the string keys `pk` and `sk`, and the time-to-live attribute `ttl`. It needs
   * a `keyPrefix`.
   *
   * @default - a new table, on demand, with point-in-time recovery
   */
  readonly table?: dynamodb.ITable;
  /**
   * What all keys of this app begin with, such as `chat#`. Apps that share a table must differ in it.
   *
   * @default - none
   */
  readonly keyPrefix?: string;
}

/** Options of {@link Store.redis}. */
export interface RedisStoreOptions {
  /**
   * The VPC of the cluster, for the function that the construct makes. Allow it in the cluster's security
   * group: `cluster.connections.allowDefaultPortFrom(chat.handler)`.
   *
   * @default - the property `vpc` of the construct, or `handler` is in the VPC already
   */
  readonly vpc?: ec2.IVpc;
  /** Address of the cluster: `rediss://my-cache.serverless.use1.cache.amazonaws.com:6379`. */
  readonly url: string;
  /**
   * What all keys of this app begin with. Apps that share a cluster must differ in it.
   *
   * @default - that of `log`, else `gatecast:`
   */
  readonly keyPrefix?: string;
  /**
   * Where the events of channels with `history` are: `Store.dynamoDb()`. The app's own store is then
   * `composeStore({ connections: redisStore(), log: dynamoDbStore() })`. Both have one key prefix, so say
   * it at one of them. Functions in a VPC reach the table through a NAT gateway or a gateway endpoint for
   * DynamoDB.
   *
   * @default - in Redis, where a fail-over may lose the newest ones, unless it is durable, as MemoryDB is
   */
  readonly log?: Store;
}

/**
 * A store as one GatecastApi uses it.
 *
 * @internal
 */
export interface _BoundStore {
  /** The name of the app's own store, as its manifest says. */
  readonly name: 'dynamodb' | 'redis' | 'redis+dynamodb';
  /** The variables by which an app finds it. */
  readonly environment: { [name: string]: string };
  readonly table?: dynamodb.ITable;
  /** What the app has to be allowed on the table, if there is one. */
  readonly appActions: readonly string[];
  /** What a publisher has to be allowed on it. */
  readonly publisherActions: readonly string[];
  readonly keyPrefix: string;
  readonly vpc?: ec2.IVpc;
}

/**
 * Where connections, subscriptions and the events of channels with `history` are. The app's own `store` has
 * to be of the same kind.
 */
export abstract class Store {
  /** A DynamoDB table. */
  public static dynamoDb(options: DynamoDbStoreOptions = {}): Store {
    return new DynamoDb(options);
  }

  /**
   * An existing Redis or Valkey cluster in a VPC. A function in a private subnet only reaches API
   * Gateway's public endpoint through a NAT gateway or another way out.
   *
   * If the app has channels with `history`, what is promised of their events needs `log`, or a Redis that
   * is durable, such as MemoryDB.
   */
  public static redis(options: RedisStoreOptions): Store {
    return new Redis(options);
  }

  /**
   * Whether it says which VPC the function is in.
   *
   * @internal
   */
  public get _hasVpc(): boolean {
    return false;
  }

  /**
   * The table that was given.
   *
   * @internal
   */
  public get _table(): dynamodb.ITable | undefined {
    return undefined;
  }

  /** @internal */
  public abstract _bind(scope: Construct, removalPolicy: RemovalPolicy): _BoundStore;
}

class DynamoDb extends Store {
  constructor(public readonly options: DynamoDbStoreOptions) {
    super();
  }

  public override get _table(): dynamodb.ITable | undefined {
    return this.options.table;
  }

  public _bind(scope: Construct, removalPolicy: RemovalPolicy): _BoundStore {
    const { keyPrefix = '' } = this.options;
    const table = this.options.table ?? newTable(scope, removalPolicy);
    if (this.options.table !== undefined) checkTable(scope, table, keyPrefix);
    return {
      name: 'dynamodb',
      environment: { GATECAST_TABLE: table.tableName, ...prefixVariable(keyPrefix) },
      table,
      appActions: TABLE_ACTIONS,
      publisherActions: PUBLISHER_ACTIONS,
      keyPrefix,
    };
  }
}

class Redis extends Store {
  constructor(private readonly options: RedisStoreOptions) {
    super();
  }

  public override get _hasVpc(): boolean {
    return this.options.vpc !== undefined;
  }

  public override get _table(): dynamodb.ITable | undefined {
    return this.options.log?._table;
  }

  public _bind(scope: Construct, removalPolicy: RemovalPolicy): _BoundStore {
    const { url, vpc, log } = this.options;
    if (!Token.isUnresolved(url) && !/^rediss?:\/\//.test(url)) {
      throw mistake(
        scope,
        `the url of Store.redis() begins with "${/^\w*(?=:\/\/)/.exec(url)?.[0] ?? ''}".`,
        'It has to begin with redis:// or rediss://.',
      );
    }
    checkAddress(scope, url);
    if (log !== undefined && !(log instanceof DynamoDb)) {
      throw mistake(
        scope,
        'the log of Store.redis() is a Store.redis(), too.',
        'Pass log: Store.dynamoDb(), or leave it out: then the log is where the connections are.',
      );
    }
    const keyPrefix = onePrefix(scope, this.options.keyPrefix, log?.options.keyPrefix);
    const environment = { GATECAST_REDIS_URL: url, ...prefixVariable(keyPrefix) };
    if (log === undefined) {
      return { name: 'redis', environment, appActions: [], publisherActions: [], keyPrefix, vpc };
    }
    const withTable = new DynamoDb({ ...log.options, keyPrefix })._bind(scope, removalPolicy);
    return {
      ...withTable,
      name: 'redis+dynamodb',
      environment: { ...environment, ...withTable.environment },
      appActions: LOG_ACTIONS,
      publisherActions: LOG_ACTIONS,
      vpc,
    };
  }
}

/** The texts do not have the address, because it may hold a password. */
function checkAddress(scope: Construct, url: string): void {
  if (Token.isUnresolved(url)) return;
  const { host, password } =
    /^\w+:\/\/(?:[^/]*:(?<password>[^/]+)@)?(?<host>[^/:]*)/.exec(url)?.groups ?? {};
  if (!host) {
    throw mistake(
      scope,
      'the url of Store.redis() has no host.',
      'Write the name of the server: rediss://cache.example.com:6379.',
    );
  }
  if (password === undefined) return;
  Annotations.of(scope).addWarningV2(
    '@gatecast/cdk-construct:passwordInTemplate',
    'The url of Store.redis() has a password, which the template then shows to everybody who may read it. ' +
      'Keep the whole URL in a secret: url: SecretValue.secretsManager(name).unsafeUnwrap().',
  );
}

function prefixVariable(keyPrefix: string): { [name: string]: string } {
  return keyPrefix === '' ? {} : { GATECAST_KEY_PREFIX: keyPrefix };
}

/** The key prefix of connections and log, for which there is one variable. */
function onePrefix(scope: Construct, ofRedis = '', ofLog = ''): string {
  if (ofRedis === '' || ofLog === '' || ofRedis === ofLog) return ofRedis || ofLog;
  throw mistake(
    scope,
    `Store.redis() has the keyPrefix "${ofRedis}", and its log has "${ofLog}", but an app has one for both.`,
    'Leave one of them out, or make them the same.',
  );
}

function newTable(scope: Construct, removalPolicy: RemovalPolicy): dynamodb.ITable {
  const [partitionKey, sortKey] = TABLE_DEFINITION.KeySchema.map(({ AttributeName }) => ({
    name: AttributeName,
    type: dynamodb.AttributeType.STRING,
  }));
  return new dynamodb.Table(scope, 'Table', {
    partitionKey,
    sortKey,
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    timeToLiveAttribute: TABLE_DEFINITION.TimeToLiveSpecification.AttributeName,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    removalPolicy,
  });
}

function checkTable(scope: Construct, table: dynamodb.ITable, keyPrefix: string): void {
  if (keyPrefix === '') {
    throw mistake(
      scope,
      'Store.dynamoDb() has a table, but no keyPrefix.',
      'Give it one that nothing else in the table begins with: ' +
        'Store.dynamoDb({ table, keyPrefix: "chat#" }).',
    );
  }
  const resource = table.node.defaultChild;
  if (!(resource instanceof dynamodb.CfnTable) && !(resource instanceof dynamodb.CfnGlobalTable)) {
    return;
  }
  const { attributeName: ttl } = (Stack.of(table).resolve(resource.timeToLiveSpecification) ??
    {}) as Partial<dynamodb.CfnTable.TimeToLiveSpecificationProperty>;
  if (ttl !== TABLE_DEFINITION.TimeToLiveSpecification.AttributeName) {
    throw mistake(
      scope,
      `the table "${table.node.path}" ${ttl === undefined ? 'has no time to live' : `has the time-to-live attribute "${ttl}"`}, so rows of lost connections would stay.`,
      "Set timeToLiveAttribute: 'ttl'.",
    );
  }
  const keys = keysOf(table, resource);
  const wanted = TABLE_DEFINITION.KeySchema.map(({ AttributeName }) => `${AttributeName} (S)`);
  if (keys === wanted.join(', ')) return;
  throw mistake(
    scope,
    `the table "${table.node.path}" has the keys ${keys}, and the store needs ${wanted.join(', ')}.`,
    'Use another table, or leave it out and let the construct make one.',
  );
}

/** Names and types of a table's keys: `pk (S), sk (S)`. */
function keysOf(
  table: dynamodb.ITable,
  resource: dynamodb.CfnTable | dynamodb.CfnGlobalTable,
): string {
  const { attributeDefinitions, keySchema } = Stack.of(table).resolve({
    attributeDefinitions: resource.attributeDefinitions,
    keySchema: resource.keySchema,
  }) as Partial<
    Record<'attributeDefinitions', dynamodb.CfnTable.AttributeDefinitionProperty[]> &
      Record<'keySchema', dynamodb.CfnTable.KeySchemaProperty[]>
  >;
  return (keySchema ?? [])
    .map(({ attributeName: name }) => {
      const found = attributeDefinitions?.find((each) => each.attributeName === name);
      return `${name} (${found?.attributeType})`;
    })
    .join(', ');
}
