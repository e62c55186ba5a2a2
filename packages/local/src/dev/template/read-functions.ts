import type { FunctionOptions } from '../../lambda/function.js';
import type { InvokePermission } from '../../lambda/invoke-permission.js';
import { StartError } from '../../start-error.js';
import { functionTypes } from './identities.js';
import { templateError } from './parse-template.js';
import { readFunction } from './read-function.js';
import type { Roles } from './read-roles.js';
import { byStack, type Resource } from './resource.js';
import type { Stack } from './stack.js';
import type { TemplateApi } from './template-api.js';

/** What a function is called. */
export interface FunctionNames {
  readonly logicalId: string;
  /** The path of its construct in a CDK app; otherwise the logical id. */
  readonly label: string;
  /** Whether no API that runs uses it, so that only `gatecast invoke` runs it. */
  readonly isUnrouted: boolean;
  /** Whether it is of the chosen stack. Always, if there is none. */
  readonly isOfStack: boolean;
}

/** The places where APIs name functions, by the function's name. */
export function usersOf(apis: readonly TemplateApi[]): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  for (const { routes, authorizer } of apis) {
    for (const { integration } of routes) {
      if (integration.functionName !== undefined) {
        users.set(integration.functionName, `"IntegrationUri" of "${integration.logicalId}"`);
      }
    }
    if (authorizer !== undefined) {
      users.set(authorizer.functionName, `"AuthorizerUri" of "${authorizer.logicalId}"`);
    }
  }
  return users;
}

/** The functions of a template, and the problems of those that no API uses. */
interface ReadFunctions {
  readonly functionNames: ReadonlyMap<string, FunctionNames>;
  readonly functions: Readonly<Record<string, FunctionOptions>>;
  readonly problems: ReadonlyMap<Resource, string>;
}

/** What functions are read with. */
interface FunctionSurroundings {
  readonly users: ReadonlyMap<string, string>;
  readonly runs: (stack: Stack) => boolean;
  readonly roles: Roles;
  /** By the ARN of the function. */
  readonly permissions: ReadonlyMap<string, readonly InvokePermission[]>;
}

/** Reads the functions of all stacks. @throws StartError if one that an API uses is missing or cannot run. */
export async function readFunctions(
  resources: readonly Resource[],
  { users, runs, roles, permissions }: FunctionSurroundings,
): Promise<ReadFunctions> {
  const functions: Record<string, FunctionOptions> = {};
  const functionNames = new Map<string, FunctionNames>();
  const problems = new Map<Resource, string>();
  const all = resources.filter(({ type }) => functionTypes.has(type));
  for (const resource of byStack(all, runs)) {
    const { logicalId, label, ref: name } = resource;
    const isUnrouted = !users.has(name);
    if (Object.hasOwn(functions, name)) {
      // One for another Region may have the name of one of the chosen stack.
      if (!runs(resource.stack)) continue;
      throw templateError(
        `"${functionNames.get(name)?.logicalId}" and "${logicalId}" are both called "${name}".`,
        'Choose a stack with --stack, or give one of the functions another FunctionName.',
      );
    }
    try {
      const definition = await readFunction(resource);
      functions[name] = {
        ...definition,
        permissions: roles.ofFunction(resource),
        invokePermissions: permissions.get(resource.attribute('Arn')) ?? [],
      };
      resource.serve();
      const isOfStack = runs(resource.stack);
      functionNames.set(name, { logicalId, label, isUnrouted, isOfStack });
    } catch (error) {
      // Functions that nothing runs must not keep the others from running.
      if (!isUnrouted || !(error instanceof StartError)) throw error;
      problems.set(resource, error.message.split('\n')[0] ?? '');
    }
  }
  for (const [name, user] of users) {
    if (Object.hasOwn(functions, name)) continue;
    throw templateError(
      `${user} refers to the function "${name}", which the template does not have.`,
      'Add it as an AWS::Serverless::Function or AWS::Lambda::Function.',
    );
  }
  return { functions, functionNames, problems };
}

/**
 * Finds a function by its name, its logical id, or the end of its construct's path.
 *
 * @throws StartError `ERR_FUNCTION_UNKNOWN` if there is none, or several fit.
 */
export function functionNamed(
  text: string,
  {
    path,
    functionNames,
  }: { readonly path: string; readonly functionNames: ReadonlyMap<string, FunctionNames> },
): string {
  const all = [...functionNames];
  const fitting = all.filter(
    ([name, { logicalId, label }]) =>
      [name, logicalId, label].includes(text) || label.endsWith(`/${text}`),
  );
  const exact = fitting.filter(([name]) => name === text);
  const ofStack = fitting.filter(([, { isOfStack }]) => isOfStack);
  const [found] = [exact, ofStack, fitting].find(({ length }) => length === 1) ?? [];
  if (found !== undefined) return found[0];
  const known = (fitting.length > 0 ? fitting : all).map(([, { label }]) => label);
  throw new StartError(
    'ERR_FUNCTION_UNKNOWN',
    fitting.length > 0
      ? `Several functions of "${path}" are called "${text}".`
      : `"${text}" is neither a file nor a function of "${path}".`,
    `Pass a file, or one of the functions: ${known.join(', ') || 'none'}.`,
  );
}
