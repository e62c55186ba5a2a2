import { Annotations, type RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { mistake } from './mistake';
import { TABLE_ACTIONS, TABLE_DEFINITION } from './table-definition';

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
  /** The VPC of the cluster, which the function is placed in. */
  readonly vpc: ec2.IVpc;
  /** Address of the cluster: `rediss://my-cache.serverless.use1.cache.amazonaws.com:6379`. */
  readonly url: string;
  /**
   * The subnets for the function.
   *
   * @default - the private subnets with a way out
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * The security groups of the function.
   *
   * @default - a new one; allow it in that of the cluster:
   * `cluster.connections.allowDefaultPortFrom(chat.handler)`
   */
  readonly securityGroups?: ec2.ISecurityGroup[];
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
  readonly network?: Pick<RedisStoreOptions, 'vpc' | 'vpcSubnets' | 'securityGroups'>;
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

  /** @internal */
  public abstract _bind(scope: Construct, removalPolicy: RemovalPolicy): _BoundStore;
}

class DynamoDb extends Store {
  constructor(private readonly options: DynamoDbStoreOptions) {
    super();
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

  public _bind(scope: Construct): _BoundStore {
    const { url, keyPrefix = '', ...network } = this.options;
    if (!Token.isUnresolved(url) && !/^rediss?:\/\//.test(url)) {
      throw mistake(
        scope,
        `Store.redis() has the url "${url}".`,
        'It begins with redis:// or rediss://.',
      );
    }
    Annotations.of(scope).addWarningV2(
      '@gatecast/cdk-construct:redisNeedsWayOut',
      'The function is in a VPC. It answers clients itself, but what it publishes goes to API ' +
        "Gateway's public endpoint: its subnets need a route there through a NAT gateway, a NAT " +
        'instance or a firewall. (An interface endpoint for execute-api only serves private REST APIs, ' +
        'and with private DNS it hides the public endpoint.) If they have one, acknowledge this ' +
        'warning: Annotations.of(chat).acknowledgeWarning("@gatecast/cdk-construct:redisNeedsWayOut").',
    );
    return {
      kind: 'redis',
      environment: {
        GATECAST_REDIS_URL: url,
        ...(keyPrefix !== '' && { GATECAST_KEY_PREFIX: keyPrefix }),
      },
      keyPrefix,
      network,
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
  const resource = table.node.defaultChild;
  if (!(resource instanceof dynamodb.CfnTable) && !(resource instanceof dynamodb.CfnGlobalTable)) {
    return;
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

/**
 * What a role needs to use the table.
 *
 * @internal
 */
export function _tableStatement(
  { tableArn }: dynamodb.ITable,
  actions: readonly string[] = TABLE_ACTIONS,
): iam.PolicyStatement {
  return new iam.PolicyStatement({ actions: [...actions], resources: [tableArn] });
}
