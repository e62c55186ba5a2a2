import { Stack, Token } from 'aws-cdk-lib';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { AccessKind } from './connect-access';
import { mistake } from './mistake';
import type { RouteManifest } from './route-manifest';
import type { _BoundStore } from './store';

/** Who writes the row of a connection. */
export enum ConnectionWrites {
  /** The app's function, which runs for `$connect` and `$disconnect`. */
  LAMBDA = 'LAMBDA',
  /**
   * API Gateway itself, by its own integration with DynamoDB: no function runs for `$connect` and
   * `$disconnect`, so connecting costs no Lambda time and needs no concurrency.
   *
   * Clients have to use `handshake: 'query'`, because only a function can confirm a sub-protocol. The
   * app's `dynamoDbStore()` has to take table and key prefix from the construct's variables, without
   * options of its own.
   */
  DIRECT = 'DIRECT',
}

/** How long a row is valid, in seconds: API Gateway ends every connection after two hours. */
const ROW_SECONDS = 8100;

export interface DirectWritesProps {
  readonly apiId: string;
  readonly stageName: string;
  readonly table: dynamodb.ITable;
  readonly keyPrefix: string;
  readonly hasAuthorizer: boolean;
}

/** An operation of DynamoDB, and the template of its input. */
interface Operation {
  readonly action: string;
  readonly template: string;
}

/** The integrations that write a connection's row at `$connect` and mark it at `$disconnect`. */
export class DirectWrites extends Construct {
  /** Integrations by route key. */
  public readonly integrations: ReadonlyMap<string, string>;

  constructor(scope: Construct, id: string, props: DirectWritesProps) {
    super(scope, id);
    this.integrations = new Map([
      [
        '$connect',
        this.add('Connect', { ...props, action: 'PutItem', template: putItem(this, props) }),
      ],
      [
        '$disconnect',
        this.add('Disconnect', { ...props, action: 'UpdateItem', template: updateItem(props) }),
      ],
    ]);
  }

  private add(
    id: string,
    { apiId, table, action, template }: DirectWritesProps & Operation,
  ): string {
    const role = new iam.Role(this, `${id}Role`, {
      assumedBy: new iam.ServicePrincipal('apigateway.amazonaws.com'),
    });
    role.addToPolicy(
      new iam.PolicyStatement({ actions: [`dynamodb:${action}`], resources: [table.tableArn] }),
    );
    table.encryptionKey?.grantEncryptDecrypt(role);
    const { partition, region } = Stack.of(this);
    const integration = new apigwv2.CfnIntegration(this, `${id}Integration`, {
      apiId,
      integrationType: 'AWS',
      integrationMethod: 'POST',
      integrationUri: `arn:${partition}:apigateway:${region}:dynamodb:action/${action}`,
      credentialsArn: role.roleArn,
      passthroughBehavior: 'NEVER',
      templateSelectionExpression: '\\$default',
      requestTemplates: { $default: template },
    });
    // Not $default: a connection without a row must not be accepted.
    new apigwv2.CfnIntegrationResponse(this, `${id}Answer`, {
      apiId,
      integrationId: integration.ref,
      integrationResponseKey: '/2\\d\\d/',
    });
    return integration.ref;
  }
}

/** The row as `dynamoDbStore` writes it. */
function putItem(scope: Construct, props: DirectWritesProps): string {
  const { table, keyPrefix, hasAuthorizer } = props;
  const item = [
    `"pk":{"S":"${keyPrefix}C#$context.connectionId"}`,
    '"sk":{"S":"META"}',
    '"connectionId":{"S":"$context.connectionId"}',
    '"apiId":{"S":"$context.apiId"}',
    '"stage":{"S":"$context.stage"}',
    `"region":{"S":"${Stack.of(scope).region}"}`,
    '"connectedAt":{"N":"$context.connectedAt"}',
    // Milliseconds, of a whole number of seconds.
    '"expiresAt":{"N":"${expires}000"}',
    '"ttl":{"N":"$expires"}',
  ];
  const identity = `#if("$!context.authorizer.gatecastUserId" != "")
,"userId":{"S":"$util.escapeJavaScript($context.authorizer.gatecastUserId).replaceAll("\\\\'", "'")"}
#end
#if("$!context.authorizer.gatecastExpiresAt" != "")
,"identityExpiresAt":{"N":"$context.authorizer.gatecastExpiresAt"}
#end
`;
  return `#set($expires = ($context.requestTimeEpoch / 1000) + ${ROW_SECONDS})
{"TableName":"${table.tableName}","Item":{${item.join(',')}
${hasAuthorizer ? identity : ''}}}`;
}

/**
 * Marks the row. It is not deleted, because the set of channels in it leads the first publish that meets
 * the lost connection to its memberships.
 */
function updateItem({ table, keyPrefix }: DirectWritesProps): string {
  return `{"TableName":"${table.tableName}",
"Key":{"pk":{"S":"${keyPrefix}C#$context.connectionId"},"sk":{"S":"META"}},
"UpdateExpression":"SET closing = if_not_exists(closing, :id)",
"ConditionExpression":"attribute_exists(pk)",
"ExpressionAttributeValues":{":id":{"S":"$context.requestId"}}}`;
}

/**
 * Returns the table to write to.
 *
 * @throws Error if something of the app would be skipped, because no function runs.
 */
export function checkDirectWrites(
  scope: Construct,
  {
    manifest,
    store,
    kind,
  }: {
    readonly manifest: RouteManifest | undefined;
    readonly store: _BoundStore;
    readonly kind: AccessKind;
  },
): dynamodb.ITable {
  const refuse = (reason: string, hint: string): Error =>
    mistake(scope, `connectionWrites: DIRECT is not possible: ${reason}`, hint);
  if (store.table === undefined) {
    throw refuse('API Gateway can only write to DynamoDB.', 'Use Store.dynamoDb().');
  }
  if (manifest === undefined) {
    throw refuse(
      'without a manifest nobody knows what the app does at $connect.',
      'Pass routes: RouteManifest.fromFile("routes.json").',
    );
  }
  if (!/^[\w:./-]*#?$/.test(store.keyPrefix) && !Token.isUnresolved(store.keyPrefix)) {
    throw refuse(
      `the keyPrefix "${store.keyPrefix}" would be read as a part of a mapping template.`,
      'Use letters, digits and _:./-, and # only at the end.',
    );
  }
  const { _data: data } = manifest;
  const hasAuthorizer = kind === 'app' || kind === 'function';
  const skipped: readonly (readonly [boolean | undefined, string])[] = [
    [data.hasConnect, 'the app has an @OnConnect handler'],
    [data.hasDisconnect, 'the app has an @OnDisconnect handler'],
    [data.hasUnsubscribe, 'the app has an @OnUnsubscribe handler'],
    [data.hasConnectHook, 'a plugin has the hook onConnect'],
    [data.hasDisconnectHook, 'a plugin has the hook onDisconnect'],
    [data.hasUnsubscribeHook, 'a plugin has the hook onUnsubscribe'],
    [data.autoSubscribes, 'a channel subscribes connections by itself (autoSubscribe)'],
    [
      data.origins !== undefined && !hasAuthorizer,
      'the app has a list of origins, and no Lambda authorizer that checks it',
    ],
    [data.authorizer && !hasAuthorizer, 'the app has an authorizer, which would run in $connect'],
  ];
  const reasons = skipped.filter(([isSkipped]) => isSkipped).map(([, reason]) => reason);
  if (reasons.length === 0) return store.table;
  throw refuse(
    `${reasons.join('; ')}. No function would run for it.`,
    'Remove it from the app, or leave connectionWrites out.',
  );
}
