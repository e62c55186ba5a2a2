import { Stack, Token } from 'aws-cdk-lib';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct, type IConstruct } from 'constructs';
import { type AccessKind, accessKindOf } from './connect-access';
import { mistake } from './mistake';
import type { GatecastApiProps } from './props';
import type { _ManifestData } from './route-manifest';
import type { _BoundStore } from './store';
import { acknowledgeKeyActions, tableStatements } from './table-access';

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

/**
 * How long a row is valid, in seconds: two hours, after which API Gateway ends every connection, and 15
 * minutes more, as in the framework.
 */
const ROW_SECONDS = 8100;

interface DirectWritesProps {
  readonly apiId: string;
  readonly props: GatecastApiProps;
  readonly store: _BoundStore;
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

  constructor(scope: Construct, id: string, { apiId, props, store }: DirectWritesProps) {
    super(scope, id);
    const table = checkedTable(scope.node.scope ?? scope, props, store);
    const names = { table, keyPrefix: store.keyPrefix };
    const add = (name: string, operation: Operation): string =>
      this.add(name, { ...operation, apiId, table });
    const put = putItem(this, { ...names, hasAuthorizer: isLambda(accessKindOf(props)) });
    this.integrations = new Map([
      ['$connect', add('Connect', { action: 'PutItem', template: put })],
      ['$disconnect', add('Disconnect', { action: 'UpdateItem', template: updateItem(names) })],
    ]);
  }

  private add(
    id: string,
    { apiId, table, action, template }: Operation & { apiId: string; table: dynamodb.ITable },
  ): string {
    const role = new iam.Role(this, `${id}Role`, {
      assumedBy: new iam.ServicePrincipal('apigateway.amazonaws.com'),
    });
    const statements = tableStatements(table, [`dynamodb:${action}`]);
    const policy = new iam.Policy(this, `${id}Policy`, { statements, roles: [role] });
    if (table.encryptionKey !== undefined) acknowledgeKeyActions(policy);
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
    new apigwv2.CfnIntegrationResponse(this, `${id}Response`, {
      apiId,
      integrationId: integration.ref,
      integrationResponseKey: '/2\\d\\d/',
    });
    return integration.ref;
  }
}

/** What the templates need to name a row. */
interface RowNames {
  readonly table: dynamodb.ITable;
  readonly keyPrefix: string;
}

/** The row as `dynamoDbStore` writes it. */
function putItem(
  scope: Construct,
  { table, keyPrefix, hasAuthorizer }: RowNames & { readonly hasAuthorizer: boolean },
): string {
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
 * Marks the row. It is not deleted: it names the connection's channels, and the first publish that gets
 * 410 needs them to remove its memberships.
 */
function updateItem({ table, keyPrefix }: RowNames): string {
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
function checkedTable(
  scope: IConstruct,
  props: GatecastApiProps,
  { name, table, keyPrefix }: _BoundStore,
): dynamodb.ITable {
  const refuse = (reason: string, hint: string): Error =>
    mistake(scope, `connectionWrites: DIRECT is not possible: ${reason}.`, hint);
  if (table === undefined || name !== 'dynamodb') {
    throw refuse('API Gateway can only write connections to DynamoDB', 'Use Store.dynamoDb().');
  }
  if (props.routes === undefined) {
    throw refuse(
      'without a manifest nobody knows what the app does at $connect',
      'Pass routes: RouteManifest.fromEntry(entry).',
    );
  }
  if (!/^[\w:./-]*#?$/.test(keyPrefix) && !Token.isUnresolved(keyPrefix)) {
    throw refuse(
      `the keyPrefix "${keyPrefix}" would be read as a part of a mapping template`,
      'Use letters, digits and _:./-, and # only at the end.',
    );
  }
  const { _data: data } = props.routes;
  const unknown = FLAGS.filter((flag) => typeof data[flag] !== 'boolean');
  if (unknown.length > 0) {
    throw refuse(
      `the manifest does not say ${unknown.join(', ')}`,
      'Write it again with the newest @gatecast/local.',
    );
  }
  const skipped = skippedParts(data, accessKindOf(props));
  if (skipped.length === 0) return table;
  throw refuse(
    `no function runs at $connect and $disconnect, but ${skipped.map(({ what }) => what).join('; and ')}`,
    [...new Set(skipped.map(({ hint }) => hint)), 'Or leave connectionWrites out.'].join(' '),
  );
}

/** What a manifest says about `$connect` and `$disconnect`. */
const FLAGS = [
  'hasConnect',
  'hasDisconnect',
  'hasUnsubscribe',
  'hasConnectHook',
  'hasDisconnectHook',
  'hasUnsubscribeHook',
  'autoSubscribes',
] as const;

/** What would not run, and what to do about it. */
function skippedParts(
  data: _ManifestData,
  kind: AccessKind,
): readonly { readonly what: string; readonly hint: string }[] {
  const handler = 'Do without the handler.';
  const hook = 'Do without the hook, or set observesOnly: true in a plugin that only looks on.';
  const parts: readonly (readonly [boolean | undefined, string, string])[] = [
    [data.hasConnect, 'the app has an @OnConnect handler', handler],
    [data.hasDisconnect, 'the app has an @OnDisconnect handler', handler],
    [data.hasUnsubscribe, 'the app has an @OnUnsubscribe handler', handler],
    [data.hasConnectHook, 'a plugin has the hook onConnect', hook],
    [data.hasDisconnectHook, 'a plugin has the hook onDisconnect', hook],
    [data.hasUnsubscribeHook, 'a plugin has the hook onUnsubscribe', hook],
    [
      data.autoSubscribes,
      'a channel subscribes connections by itself (autoSubscribe)',
      'Let the client subscribe.',
    ],
    [
      data.authorizer && !isLambda(kind),
      "the app has an authorizer, which the API's access does not ask",
      'Leave "authorizer" out, so that the app\'s own is asked.',
    ],
    [
      data.origins !== undefined && !isLambda(kind),
      'the app has a list of origins',
      'Give the app an authorizer, which also checks origins.',
    ],
  ];
  return parts.filter(([isSkipped]) => isSkipped).map(([, what, hint]) => ({ what, hint }));
}

/** Whether a function decides, which also checks the origin. */
function isLambda(kind: AccessKind): boolean {
  return kind === 'app' || kind === 'function';
}
