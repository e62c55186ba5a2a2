import { fileURLToPath } from 'node:url';
import { App, Stack, type StackProps } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Authorizer, GatecastApi, type GatecastApiProps, RouteManifest } from '../lib/index.js';

/** A source file to deploy. */
export const entry: string = fileURLToPath(new URL('fixtures/app.ts', import.meta.url));

/** A route of a manifest. */
export interface Route {
  readonly routeKey: string;
  readonly integration: 'lambda' | 'mock';
  readonly twoWay: boolean;
  readonly response?: string;
}

const frameworkRoutes: readonly Route[] = [
  { routeKey: '$connect', integration: 'lambda', twoWay: false },
  { routeKey: '$disconnect', integration: 'lambda', twoWay: false },
  { routeKey: '$default', integration: 'lambda', twoWay: true },
  { routeKey: 'subscribe', integration: 'lambda', twoWay: true },
  { routeKey: 'unsubscribe', integration: 'lambda', twoWay: true },
  { routeKey: 'ping', integration: 'mock', twoWay: true, response: '{"type":"pong"}' },
];

const messages: readonly Route[] = [
  { routeKey: 'rooms.post', integration: 'lambda', twoWay: true },
  { routeKey: 'rooms.typing', integration: 'lambda', twoWay: false },
];

/** What an app has besides, if one of its channels has history. */
export const historyRoutes: readonly Route[] = [
  { routeKey: 'history', integration: 'lambda', twoWay: true },
  { routeKey: 'sync', integration: 'lambda', twoWay: true },
];

/** A manifest as `gatecast manifest` writes it, as an object that tests may change. */
export function manifestJson(
  changes: Readonly<Record<string, unknown>> = {},
  ownRoutes: readonly Route[] = messages,
): Record<string, unknown> {
  return {
    version: 1,
    authorizer: false,
    singleEnvironment: false,
    store: 'dynamodb',
    hasConnect: false,
    hasDisconnect: false,
    hasUnsubscribe: false,
    hasConnectHook: false,
    hasDisconnectHook: false,
    hasUnsubscribeHook: false,
    hasHistory: false,
    autoSubscribes: false,
    routes: [...frameworkRoutes, ...ownRoutes],
    format: 'cjs',
    mainFields: 'module,main',
    ...changes,
  };
}

/** The same as the construct reads it. */
export function manifest(...args: Parameters<typeof manifestJson>): RouteManifest {
  return RouteManifest.fromJson(manifestJson(...args));
}

/** An app that does not bundle functions, which would take a second each. */
export function newApp(): App {
  return new App({ context: { 'aws:cdk:bundling-stacks': [] } });
}

/** A stack of an app of its own. */
export function newStack(props: StackProps = {}, id = 'Test'): Stack {
  return new Stack(newApp(), id, props);
}

/** The API of an app with messages and without an authorizer. */
export function newApi(props: Partial<GatecastApiProps> = {}, stack = newStack()): GatecastApi {
  return new GatecastApi(stack, 'Chat', {
    ...(props.handler === undefined && { entry }),
    routes: manifest(),
    authorizer: Authorizer.none(),
    ...props,
  });
}

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: readonly string[];
}

/** The resources of a stack by logical id. */
export function resourcesOf(stack: Stack): Readonly<Record<string, Resource>> {
  const { Resources } = Template.fromStack(stack).toJSON() as {
    readonly Resources: Readonly<Record<string, Resource>>;
  };
  return Resources;
}

/** The properties of the resources of a type. */
export function propertiesOf(stack: Stack, type: string): readonly Resource['Properties'][] {
  return Object.values(resourcesOf(stack))
    .filter(({ Type }) => Type === type)
    .map(({ Properties }) => Properties);
}

/** The statements of all policies of a stack. */
export function statementsOf(stack: Stack): readonly {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}[] {
  return propertiesOf(stack, 'AWS::IAM::Policy').flatMap(
    ({ PolicyDocument }) => (PolicyDocument as { readonly Statement: [] }).Statement,
  );
}

/** What the statements about tables allow. */
export function tableActionsOf(stack: Stack): readonly (readonly string[])[] {
  return statementsOf(stack)
    .map(({ Action }) => [Action].flat())
    .filter(([action = '']) => action.startsWith('dynamodb:'));
}

/** The environment variables of the only function. */
export function variablesOf(stack: Stack): Readonly<Record<string, unknown>> {
  const [{ Environment } = { Environment: {} }] = propertiesOf(stack, 'AWS::Lambda::Function');
  return (Environment as { readonly Variables: Readonly<Record<string, unknown>> }).Variables;
}

/** A function that a user has. */
export function newFunction(
  stack: Stack,
  id = 'Function',
  props: Partial<lambda.FunctionProps> = {},
): lambda.Function {
  return new lambda.Function(stack, id, {
    ...props,
    runtime: lambda.Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: lambda.Code.fromInline('exports.handler = async () => ({ statusCode: 200 });'),
  });
}

/** What the construct tells when it is synthesized. */
export function toldBy(stack: Stack): string {
  return JSON.stringify(stack.node.findChild('Chat').node.metadata.map(({ data }) => data));
}
