import { isDeepStrictEqual } from 'node:util';
import { apiDefaults } from '../../gateway/options.js';
import type { FunctionOptions } from '../../lambda/function.js';
import { StartError } from '../../start-error.js';
import type { LocalTable } from '../dynamodb/local-table.js';
import type { ApiDefinition, StartGatewayOptions } from '../start-gateway.js';
import { gatewayRoutes } from './gateway-options.js';
import { functionTypes, tableTypes } from './identities.js';
import { loadAssembly } from './load-assembly.js';
import { isWebSocketApi, type OpenStack, openStacks } from './open-stacks.js';
import { type Template, templateError } from './parse-template.js';
import { readApi } from './read-api.js';
import { readFunction } from './read-function.js';
import { readTable } from './read-table.js';
import type { Resource } from './resource.js';
import { loadTemplate, type Stack } from './stack.js';
import type { TemplateApi } from './template-api.js';
import { isKnownGlobal } from './transform-sam.js';
import { unserved } from './unserved.js';

const SAM = 'AWS::Serverless-2016-10-31';

/** Options for reading a template. */
export interface ReadTemplateOptions {
  /** Values of parameters, which override their defaults. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Name of the stage of each API; `undefined` if there is only one. */
  readonly stage: string | undefined;
}

/** A template or an assembly, converted for the local gateway. */
export interface ReadTemplate {
  /** The file of the template or the folder of the assembly. */
  readonly path: string;
  /** The first API, with the other ones in `apis`. */
  readonly options: StartGatewayOptions;
  /** The name of the first API. */
  readonly apiName: string;
  /** The names by which a user knows each function, by its name in `options`. */
  readonly functionNames: ReadonlyMap<string, FunctionNames>;
  /** One line for each part that does not run locally. */
  readonly warnings: readonly string[];
  /** The text of all templates. As long as it stays the same, so does everything else. */
  readonly text: string;
}

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

/**
 * Reads the WebSocket APIs, the functions and the tables of a SAM or CloudFormation template, in four
 * steps: parse, transform SAM's resources, resolve and read the resources, decide what to run.
 *
 * @throws StartError - `ERR_TEMPLATE_INVALID` if something necessary is missing or cannot be resolved,
 * `ERR_ENTRY_NOT_FOUND` if the source of a function is missing.
 */
export async function readTemplate(
  file: string,
  options: ReadTemplateOptions,
): Promise<ReadTemplate> {
  const stacks = [await loadTemplate(file)];
  const source = `The template "${file}"`;
  return { path: file, ...(await readStacks({ stacks, chosen: undefined, source }, options)) };
}

/**
 * Reads the stacks of a cloud assembly, which `cdk synth` writes, like `readTemplate`.
 *
 * @param stack the stack whose APIs run; `undefined` for the APIs of all stacks
 * @throws StartError - like `readTemplate`.
 */
export async function readAssembly(
  folder: string,
  { stack, ...options }: ReadTemplateOptions & { readonly stack: string | undefined },
): Promise<ReadTemplate> {
  const assembly = await loadAssembly(folder, stack);
  const source =
    stack === undefined ? `The cloud assembly "${folder}"` : `The stack "${stack}" of "${folder}"`;
  return { path: folder, ...(await readStacks({ ...assembly, source }, options)) };
}

/** Stacks, with the one whose APIs run. */
interface Source {
  readonly stacks: readonly Stack[];
  readonly chosen: Stack | undefined;
  /** What they are, for messages. */
  readonly source: string;
}

async function readStacks(
  { stacks, chosen, source }: Source,
  { parameters, stage }: ReadTemplateOptions,
): Promise<Omit<ReadTemplate, 'path'>> {
  const runs = (stack: Stack): boolean => chosen === undefined || stack === chosen;
  const opened = openStacks(stacks, parameters, runs);
  const resources = opened.flatMap((each) => each.resources);
  const apis = resources
    .filter((resource) => isWebSocketApi(resource) && runs(resource.stack))
    .map((api) => ({ api, parts: readApi(api, { resources, stageName: stage }) }));
  const [first, ...others] = apis.map(({ api, parts }) => ({
    name: api.label,
    definition: definitionOf(api, parts, stage),
  }));
  if (first === undefined) {
    throw templateError(
      `${source} has no WebSocket API.`,
      'It needs an AWS::Serverless::WebSocketApi, or an AWS::ApiGatewayV2::Api whose ProtocolType is WEBSOCKET.',
    );
  }
  const tables = tablesOf(byStack(resources, runs), runs);
  const users = usersOf(apis.map(({ parts }) => parts));
  const { functions, functionNames, problems } = await readFunctions(resources, users, runs);
  const options: StartGatewayOptions = {
    functions,
    tables,
    ...first.definition,
    ...(others.length > 0 && {
      apis: Object.fromEntries(others.map(({ name, definition }) => [name, definition])),
    }),
  };
  const warnings = [
    ...stacks.flatMap(({ source: template }) => ignoredSections(template)),
    ...unserved(
      resources.filter((resource) => runs(resource.stack)),
      problems,
    ),
    ...opened.flatMap(({ resolver }: OpenStack) => resolver.warnings),
  ];
  const text = stacks.map((each) => each.text).join('\n');
  return { options, apiName: first.name, functionNames, warnings, text };
}

/** The options of one API. */
function definitionOf(
  { stack: { region, accountId } }: Resource,
  api: TemplateApi,
  stage: string | undefined,
): ApiDefinition {
  const { apiId, authorizer } = api;
  return {
    routes: gatewayRoutes(api),
    authorizer: authorizer && {
      function: authorizer.functionName,
      identitySources: authorizer.identitySources,
    },
    stage: api.stage?.name ?? stage,
    stageVariables: api.stage?.variables,
    routeSelectionExpression: api.routeSelectionExpression,
    apiKeySelectionExpression:
      api.apiKeySelectionExpression as ApiDefinition['apiKeySelectionExpression'],
    ...(apiId !== apiDefaults.apiId && { apiId }),
    ...(region !== undefined && { region }),
    ...(accountId !== undefined && { accountId }),
  };
}

/** One line for each part outside of the resources that has no effect, here or on AWS. */
function ignoredSections({ transforms, globals, resources }: Template): readonly string[] {
  const ignored = Object.keys(globals)
    .filter((name) => !isKnownGlobal(name))
    .map((name) => `"Globals.${name}" is ignored.`);
  const [sam] = [...resources].find(([, { type }]) => type.startsWith('AWS::Serverless::')) ?? [];
  if (sam === undefined || transforms.includes(SAM)) return ignored;
  return [
    `CloudFormation refuses "${sam}" (${resources.get(sam)?.type}) unless the template has "Transform: ${SAM}".`,
    ...ignored,
  ];
}

/** The places where APIs name functions, by the function's name. */
function usersOf(apis: readonly TemplateApi[]): ReadonlyMap<string, string> {
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

/**
 * Tables of several stages may have one name: then all of them use one table.
 *
 * @throws StartError `ERR_TEMPLATE_INVALID` if they have not the same keys and indexes.
 */
function tablesOf(
  resources: readonly Resource[],
  runs: (stack: Stack) => boolean,
): readonly LocalTable[] {
  const tables = new Map<string, { readonly table: LocalTable; readonly logicalId: string }>();
  for (const resource of resources.filter(({ type }) => tableTypes.has(type))) {
    const table = readTable(resource);
    const { logicalId, stack } = resource;
    const first = tables.get(table.TableName);
    if (first === undefined) tables.set(table.TableName, { table, logicalId });
    else if (runs(stack) && !isDeepStrictEqual(first.table, table)) {
      throw templateError(
        `"${first.logicalId}" and "${logicalId}" are both called "${table.TableName}", with other keys or indexes.`,
        'Choose a stack with --stack, or give one of the tables another TableName.',
      );
    }
  }
  return [...tables.values()].map(({ table }) => table);
}

/** The resources, those of the stacks that run at first. */
function byStack(
  resources: readonly Resource[],
  runs: (stack: Stack) => boolean,
): readonly Resource[] {
  return [
    ...resources.filter(({ stack }) => runs(stack)),
    ...resources.filter(({ stack }) => !runs(stack)),
  ];
}

/** The functions of a template, and the problems of those that no API uses. */
interface ReadFunctions extends Pick<ReadTemplate, 'functionNames'> {
  readonly functions: Readonly<Record<string, FunctionOptions>>;
  readonly problems: ReadonlyMap<Resource, string>;
}

async function readFunctions(
  resources: readonly Resource[],
  users: ReadonlyMap<string, string>,
  runs: (stack: Stack) => boolean,
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
      functions[name] = await readFunction(resource);
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
  { path, functionNames }: Pick<ReadTemplate, 'path' | 'functionNames'>,
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
