import { isDeepStrictEqual } from 'node:util';
import { apiDefaults } from '../../gateway/options.js';
import type { LocalTable } from '../dynamodb/local-table.js';
import type { ApiDefinition, StartGatewayOptions } from '../start-gateway.js';
import { gatewayAuthorizer, gatewayRoutes } from './gateway-options.js';
import { tableTypes } from './identities.js';
import { loadAssembly } from './load-assembly.js';
import { isWebSocketApi, type OpenStack, openStacks } from './open-stacks.js';
import { type Template, templateError } from './parse-template.js';
import { readApi } from './read-api.js';
import { type FunctionNames, readFunctions, usersOf } from './read-functions.js';
import { readPermissions } from './read-permissions.js';
import { Roles } from './read-roles.js';
import { readTable } from './read-table.js';
import { byStack, type Resource } from './resource.js';
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
  return readStacks(await templateStacks(file), options);
}

/** The stack of a template, for `readStacks`. @throws StartError `ERR_TEMPLATE_INVALID` */
export async function templateStacks(file: string): Promise<Stacks> {
  const source = `The template "${file}"`;
  return { path: file, stacks: [await loadTemplate(file)], chosen: undefined, source };
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
  return readStacks(await assemblyStacks(folder, stack), options);
}

/** The stacks of a cloud assembly, for `readStacks`. @throws StartError `ERR_TEMPLATE_INVALID` */
export async function assemblyStacks(folder: string, stack: string | undefined): Promise<Stacks> {
  const assembly = await loadAssembly(folder, stack);
  const source =
    stack === undefined ? `The cloud assembly "${folder}"` : `The stack "${stack}" of "${folder}"`;
  return { path: folder, ...assembly, source };
}

/** Stacks, with the one whose APIs run. */
export interface Stacks {
  /** The file of the template or the folder of the assembly. */
  readonly path: string;
  readonly stacks: readonly Stack[];
  readonly chosen: Stack | undefined;
  /** What they are, for messages. */
  readonly source: string;
}

/** Reads stacks that are loaded. @throws StartError like `readTemplate`. */
export async function readStacks(
  { path, stacks, chosen, source }: Stacks,
  { parameters, stage }: ReadTemplateOptions,
): Promise<ReadTemplate> {
  const runs = (stack: Stack): boolean => chosen === undefined || stack === chosen;
  const opened = openStacks(stacks, parameters, runs);
  const resources = opened.flatMap((each) => each.resources);
  const roles = new Roles(byStack(resources, runs));
  const apis = resources
    .filter((resource) => isWebSocketApi(resource) && runs(resource.stack))
    .map((api) => ({ api, parts: readApi(api, { resources, stageName: stage }) }));
  const [first, ...others] = apis.map(({ api, parts }) => ({
    name: api.label,
    definition: definitionOf(api, parts, { stage, roles }),
  }));
  if (first === undefined) {
    throw templateError(
      `${source} has no WebSocket API.`,
      'It needs an AWS::Serverless::WebSocketApi, or an AWS::ApiGatewayV2::Api whose ProtocolType is WEBSOCKET.',
    );
  }
  const tables = tablesOf(byStack(resources, runs), runs);
  const users = usersOf(apis.map(({ parts }) => parts));
  const { functions, functionNames, problems } = await readFunctions(resources, {
    users,
    runs,
    roles,
    permissions: readPermissions(resources),
  });
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
    ...roles.warnings,
    ...opened.flatMap(({ resolver }: OpenStack) => resolver.warnings),
  ];
  const text = stacks.map((each) => each.text).join('\n');
  return { path, options, apiName: first.name, functionNames, warnings, text };
}

/** The options of one API. */
function definitionOf(
  { stack: { region, accountId } }: Resource,
  api: TemplateApi,
  { stage, roles }: { readonly stage: string | undefined; readonly roles: Roles },
): ApiDefinition {
  const { apiId, authorizer } = api;
  return {
    routes: gatewayRoutes(api, roles),
    authorizer: authorizer && gatewayAuthorizer(authorizer, roles),
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
