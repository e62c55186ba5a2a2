import { Annotations, Stack, Token } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { type AppFunctionContext, appPolicy } from './app-function';
import { mistake } from './mistake';
import { isMadeHere } from './place';
import type { _BoundStore } from './store';

/** Gives a function that exists what the app needs, as far as that is possible. */
export function connectExistingFunction(
  scope: Construct,
  context: AppFunctionContext,
  handler: lambda.IFunction,
): void {
  const target = functionBehind(handler);
  if (target === undefined) {
    // The values stay out of the text, because the address of a cache may hold a password.
    Annotations.of(scope).addInfoV2(
      '@gatecast/cdk-construct:handlerVariables',
      'The handler was not made in this app, so set its variables yourself: ' +
        `${Object.keys(context.environment).join(', ')}.`,
    );
  } else {
    claim(scope, target);
    checkNetwork(scope, context.store, target);
    setVariables(scope, context, target);
  }
  if (handler.role === undefined) {
    Annotations.of(scope).addWarningV2(
      '@gatecast/cdk-construct:handlerWithoutRole',
      'The role of the handler is not known, so it gets no permissions. It needs ' +
        'execute-api:ManageConnections for this API, and the actions of the store on its table. Import ' +
        'it with its role: Function.fromFunctionAttributes(this, id, { functionArn, role }).',
    );
    return;
  }
  appPolicy(scope, context, { role: handler.role, statements: [] });
}

/** The function that an alias or a version stands for; undefined if it was not made in this app. */
function functionBehind(handler: lambda.IFunction): lambda.Function | undefined {
  if ('addEnvironment' in handler) return handler as lambda.Function;
  if (handler instanceof lambda.Alias) return functionBehind(handler.version.lambda);
  return handler instanceof lambda.Version ? functionBehind(handler.lambda) : undefined;
}

function setVariables(
  scope: Construct,
  { environment, store }: AppFunctionContext,
  handler: lambda.Function,
): void {
  const own = Stack.of(scope);
  if (Stack.of(handler) === own) {
    for (const [name, value] of Object.entries(environment)) handler.addEnvironment(name, value);
    return;
  }
  const refuse = (what: string, hint: string): Error =>
    mistake(
      scope,
      `the handler is in the stack "${Stack.of(handler).node.path}" and would need ${what} of ` +
        `"${own.node.path}", which itself needs the handler.`,
      hint,
    );
  if (store.table !== undefined && isMadeHere(store.table) && Stack.of(store.table) === own) {
    throw refuse(
      'the name of a table',
      "Make the table in the handler's stack and pass it: Store.dynamoDb({ table, keyPrefix }).",
    );
  }
  // The id of the API would make the handler's stack depend on this one. The app reads it in events.
  const { GATECAST_API_ID: _apiId, ...others } = environment;
  for (const [name, value] of Object.entries(others)) {
    if (name !== 'GATECAST_TABLE' && Token.isUnresolved(value)) {
      throw refuse(
        `a value for ${name}`,
        'Pass a value that is known when the app is synthesized.',
      );
    }
    handler.addEnvironment(name, value);
  }
}

/** @throws Error if the function is outside of VPCs, and the store inside of one. */
export function checkNetwork(scope: Construct, { vpc }: _BoundStore, one: lambda.Function): void {
  if (vpc === undefined || one.isBoundToVpc) return;
  throw mistake(
    scope,
    `the function "${one.node.path}" is in no VPC, and the cluster of Store.redis() is in "${vpc.node.path}".`,
    'Put the function into that VPC.',
  );
}

const owners = new WeakMap<lambda.Function, Construct>();

/** @throws Error if the function has the variables of another API already. */
export function claim(scope: Construct, handler: lambda.Function): void {
  const owner = owners.get(handler) ?? scope;
  if (owner !== scope) {
    throw mistake(
      scope,
      `the function "${handler.node.path}" already has the variables of "${owner.node.path}".`,
      'Use a function for each API.',
    );
  }
  owners.set(handler, scope);
}
