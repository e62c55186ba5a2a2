import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { Annotations, Token } from 'aws-cdk-lib';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import type { Construct } from 'constructs';
import { mistake } from './mistake';
import type { GatecastApiProps } from './props';
import type { _BoundStore } from './store';

/** Properties that only concern the function that the construct makes. */
const FOR_ENTRY = [
  'handlerOptions',
  'role',
  'logGroup',
  'vpc',
  'vpcSubnets',
  'securityGroups',
] as const;

/** What to pass for an app whose store has this name. */
const STORE_HINTS: ReadonlyMap<string, string> = new Map<_BoundStore['name'], string>([
  ['dynamodb', 'Leave "store" out, or pass Store.dynamoDb().'],
  ['redis', 'Pass store: Store.redis({ url, vpc }).'],
  ['redis+dynamodb', 'Pass store: Store.redis({ url, vpc, log: Store.dynamoDb() }).'],
]);

/** The store of an app with its log in DynamoDB. */
const COMPOSED = 'composeStore({ connections: redisStore(), log: dynamoDbStore() })';

/** @throws Error if properties contradict each other or the manifest. */
export function checkProps(scope: Construct, props: GatecastApiProps): void {
  const { entry, handler } = props;
  if (entry !== undefined && handler !== undefined) {
    throw mistake(
      scope,
      `"entry" ("${entry}") and "handler" are both given.`,
      'Pass entry for a new function, or handler for one that you have.',
    );
  }
  if (entry === undefined && handler === undefined) {
    throw mistake(
      scope,
      'neither "entry" nor "handler" is given.',
      "Pass the file that exports the app's handler: entry: 'server/app.ts'.",
    );
  }
  const useless = FOR_ENTRY.find((name) => handler !== undefined && props[name] !== undefined);
  if (useless !== undefined) {
    throw mistake(
      scope,
      `"${useless}" is for the function that the construct makes of "entry", but "handler" is given.`,
      'Set it where you make that function.',
    );
  }
  if (props.accessLogs === false && props.accessLogGroup !== undefined) {
    throw mistake(
      scope,
      '"accessLogGroup" is given, but "accessLogs" is false.',
      'Leave one of them out.',
    );
  }
  const { stageName = 'prod' } = props;
  if (!Token.isUnresolved(stageName) && !/^[\w-]{1,128}$/.test(stageName)) {
    throw mistake(
      scope,
      `the stageName is "${stageName}".`,
      'A WebSocket API takes up to 128 letters, digits, "-" and "_".',
    );
  }
  const network = (['vpcSubnets', 'securityGroups'] as const).find((name) => props[name]);
  if (network !== undefined && props.vpc === undefined && !props.store?._hasVpc) {
    throw mistake(
      scope,
      `"${network}" is given, but the function is in no VPC.`,
      'Pass vpc, or leave it out.',
    );
  }
  checkManifest(scope, props);
}

/** @throws Error if messages of an API of the user's would not find their routes. */
export function checkApi(scope: Construct, api: apigwv2.IWebSocketApi): void {
  const taken = scope.node.root.node
    .findAll()
    .find((each) => each instanceof apigwv2.CfnRoute && each.apiId === api.apiId);
  if (taken !== undefined) {
    throw mistake(
      scope,
      `the API "${api.node.path}" has routes already: "${taken.node.path}".`,
      'Use one without routes, or leave "api" out.',
    );
  }
  const resource = api.node.defaultChild;
  if (!(resource instanceof apigwv2.CfnApi)) return;
  const { routeSelectionExpression: expression } = resource;
  if (expression === '$request.body.action') return;
  throw mistake(
    scope,
    `the API "${api.node.path}" selects routes by "${expression}", and Gatecast needs "$request.body.action".`,
    'Use another API, or leave "api" out.',
  );
}

function checkManifest(scope: Construct, { entry, routes }: GatecastApiProps): void {
  if (routes === undefined) return;
  const { _data: data, _name: name, _entryFile: madeFrom } = routes;
  if (entry !== undefined && madeFrom !== undefined && !isSameFile(madeFrom, resolve(entry))) {
    throw mistake(
      scope,
      `the manifest ${name} is of another app, ${madeFrom}, and the entry is ${resolve(entry)}.`,
      `Pass that of the entry: RouteManifest.fromEntry(${JSON.stringify(entry)}).`,
    );
  }
  if (data.singleEnvironment) {
    throw mistake(
      scope,
      `the store of the app (${data.store ?? 'memory'}) is in the memory of one process, but Lambda runs several.`,
      'Use a store that they share in createApp(), such as dynamoDbStore(), and write the manifest again.',
    );
  }
}

function isSameFile(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return one === other;
  }
}

/** @throws Error if the app needs another store than the construct provides. */
export function checkStoreName(
  scope: Construct,
  { routes }: GatecastApiProps,
  store: _BoundStore,
): void {
  const names = new Set(routes?._data.store?.split('+'));
  // What other stores need is not known here.
  const needed = [...names].filter((name) => STORE_HINTS.has(name)).join('+');
  if (needed !== '' && needed !== store.name) {
    throw mistake(
      scope,
      `the app's store is ${asText(needed)}, but the construct provides ${asText(store.name)}.`,
      needed === 'redis' && store.name === 'redis+dynamodb'
        ? `Leave the log of Store.redis() out, or use it in the app: ${COMPOSED}.`
        : (STORE_HINTS.get(needed) ??
            'Keep connections in Redis and the log in DynamoDB, or both in one of them.'),
    );
  }
  if (store.name === 'redis' && routes?._data.hasHistory) {
    Annotations.of(scope).addInfoV2(
      '@gatecast/cdk-construct:logInRedis',
      'The app has channels with history, and their events are in Redis, where a fail-over may lose the ' +
        'newest ones, unless it is durable, as MemoryDB is. To keep them in DynamoDB, pass ' +
        `Store.redis({ url, log: Store.dynamoDb() }), and in the app ${COMPOSED}.`,
    );
  }
}

/** `redis+dynamodb` as text. */
function asText(name: string): string {
  return name.replace('+', ' and ');
}
