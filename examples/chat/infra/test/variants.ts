// A CDK app: the chat in the ways in which the construct can deploy it, a stack for each.
import {
  Authorizer,
  ConnectionWrites,
  GatecastApi,
  type GatecastApiProps,
  RouteManifest,
  Store,
} from '@gatecast/cdk-construct';
import { App, Stack } from 'aws-cdk-lib';
import type { CfnIntegration } from 'aws-cdk-lib/aws-apigatewayv2';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { type Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogLevel } from 'aws-cdk-lib/aws-lambda-nodejs';
import { chatFile, chatFunction } from './chat-function.js';
import { OrdersStack } from './orders-stack.js';

const app = new App();
const open = { authorizer: Authorizer.none() };
const chat = { ...withRoutes('server/app.ts'), ...open };
const guarded = withRoutes('test/fixtures/app-with-authorizer.ts');

const { entry, handlerOptions } = chat;
new GatecastApi(new Stack(app, 'WithoutRoutes'), 'Chat', { entry, handlerOptions });

withPublisher('Guarded', guarded);

const direct = { ...withRoutes('test/fixtures/app-without-logger.ts'), ...open };
const connectionWrites = ConnectionWrites.DIRECT;
withPublisher('Direct', { ...direct, connectionWrites });
deleteAtDisconnect(withPublisher('Deleting', { ...direct, connectionWrites }));
withPublisher('GuardedDirect', { ...guarded, connectionWrites });

const redis = new Stack(app, 'Redis');
const vpc = new Vpc(redis, 'Vpc');
const url = process.env['REDIS_URL'] ?? '';
const store = Store.redis({ vpc, url });
withPublisher(redis, { ...withRoutes('server/app-on-redis.ts'), ...open, store }, vpc);

withPublisher('OneStore', chat);
const both = Store.redis({ vpc, url, keyPrefix: 'two-stores:', log: Store.dynamoDb() });
const withBoth = { ...withRoutes('test/fixtures/app-with-two-stores.ts'), ...open, store: both };
withPublisher('TwoStores', withBoth, vpc);

injected(app, chat.routes);

const twins = new Stack(app, 'Twins');
for (const id of ['Red', 'Blue']) new GatecastApi(twins, id, chat);

new OrdersStack(app, 'Orders', chat);

/** Lets `$disconnect` delete the connection's row, in place of marking it: a mistake. */
function deleteAtDisconnect(api: GatecastApi): void {
  const parts = api.node.findChild('Integrations').node.findChild('DirectWrites');
  const integration = parts.node.findChild('DisconnectIntegration') as CfnIntegration;
  const { $default: template } = integration.requestTemplates as { readonly $default: string };
  integration.integrationUri = integration.integrationUri?.replace('UpdateItem', 'DeleteItem');
  const policy = parts.node.findChild('DisconnectPolicy') as Policy;
  const resources = [api.table?.tableArn ?? ''];
  policy.addStatements(new PolicyStatement({ actions: ['dynamodb:DeleteItem'], resources }));
  const [key] = template.split(',\n"UpdateExpression"');
  integration.requestTemplates = { $default: `${key}}` };
}

/** An app, and a publisher that is not part of it. */
function withPublisher(
  stackOrId: Stack | string,
  props: GatecastApiProps,
  vpc?: IVpc,
): GatecastApi {
  const stack = typeof stackOrId === 'string' ? new Stack(app, stackOrId) : stackOrId;
  const api = new GatecastApi(stack, 'Chat', props);
  const file = 'test/fixtures/publisher.ts';
  api.connectPublisher(chatFunction(stack, 'Publisher', { file, vpc }));
  return api;
}

/** A function and a table of one stack, and an API in another. */
function injected(app: App, routes: GatecastApiProps['routes']): void {
  const existing = new Stack(app, 'Existing');
  const handler = chatFunction(existing, 'Handler', { file: 'server/app.ts' });
  const table = new Table(existing, 'Table', {
    partitionKey: { name: 'pk', type: AttributeType.STRING },
    sortKey: { name: 'sk', type: AttributeType.STRING },
    timeToLiveAttribute: 'ttl',
  });
  new GatecastApi(new Stack(app, 'Injected'), 'Chat', {
    handler,
    routes,
    authorizer: Authorizer.none(),
    store: Store.dynamoDb({ table, keyPrefix: 'injected#' }),
  });
}

function withRoutes(file: string): GatecastApiProps {
  const entry = chatFile(file);
  const handlerOptions = { bundling: { logLevel: LogLevel.SILENT } };
  return { entry, routes: RouteManifest.fromEntry(entry), handlerOptions };
}
