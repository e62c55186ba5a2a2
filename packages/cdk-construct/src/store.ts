import { type RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { mistake } from './mistake';
import { areApart } from './place';
import { TABLE_DEFINITION } from './table-definition';

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
   * @default - `gatecast:`
   */
  readonly keyPrefix?: string;
}

/**
 * A store as one GatecastApi uses it.
 *
 * @internal
 */
export interface _BoundStore {
  readonly kind: 'dynamodb' | 'redis';
  /** The variables by which an app finds it. */
  readonly environment: { [name: string]: string };
  readonly table?: dynamodb.ITable;
  readonly keyPrefix: string;
  readonly vpc?: ec2.IVpc;
}

/** Where connections and subscriptions are. The app's own `store` has to be of the same kind. */
export abstract class Store {
  /** A DynamoDB table. */
  public static dynamoDb(options: DynamoDbStoreOptions = {}): Store {
    return new DynamoDb(options);
  }

  /**
   * An existing Redis or Valkey cluster in a VPC. A function in a private subnet only reaches API
   * Gateway's public endpoint through a NAT gateway or another way out.
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
  constructor(private readonly options: DynamoDbStoreOptions) {
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
      kind: 'dynamodb',
      environment: {
        GATECAST_TABLE: table.tableName,
        ...(keyPrefix !== '' && { GATECAST_KEY_PREFIX: keyPrefix }),
      },
      table,
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

  public _bind(scope: Construct): _BoundStore {
    const { url, keyPrefix = '', vpc } = this.options;
    if (!Token.isUnresolved(url) && !/^rediss?:\/\//.test(url)) {
      throw mistake(
        scope,
        `the url of Store.redis() begins with "${/^\w*(?=:\/\/)/.exec(url)?.[0] ?? ''}".`,
        'It has to begin with redis:// or rediss://.',
      );
    }
    return {
      kind: 'redis',
      environment: {
        GATECAST_REDIS_URL: url,
        ...(keyPrefix !== '' && { GATECAST_KEY_PREFIX: keyPrefix }),
      },
      keyPrefix,
      vpc,
    };
  }
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
  const { region, account } = Stack.of(scope);
  if (areApart(table.env, { region, account })) {
    throw mistake(
      scope,
      `the table "${table.node.path}" is in ${table.env.account}/${table.env.region}, and the API in ${account}/${region}.`,
      'Use a table of the same account and Region.',
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
