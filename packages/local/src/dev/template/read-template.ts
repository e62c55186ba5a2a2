import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FunctionOptions } from '../../lambda/function.js';
import { StartError } from '../../start-error.js';
import type { StartGatewayOptions } from '../start-gateway.js';
import { gatewayRoutes } from './gateway-options.js';
import { functionTypes, identityOf, pseudoParameters } from './identities.js';
import {
  type Fields,
  fieldsOf,
  parseTemplate,
  type Template,
  templateError,
} from './parse-template.js';
import { readApi } from './read-api.js';
import { readFunction } from './read-function.js';
import { Resolver } from './resolve.js';
import { Resource } from './resource.js';
import type { TemplateApi } from './template-api.js';
import { unserved } from './unserved.js';

/** Options for reading a template. */
export interface ReadTemplateOptions {
  /** Values of parameters, which override their defaults. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Name of the stage; `undefined` if there is only one. */
  readonly stage: string | undefined;
}

/** A template, converted for the local gateway. */
export interface ReadTemplate {
  readonly options: StartGatewayOptions;
  /** One line for each part that does not run locally. */
  readonly warnings: readonly string[];
}

/**
 * Reads the WebSocket API and its functions from a SAM or CloudFormation template. Resources that nothing
 * refers to are ignored.
 *
 * @throws StartError - `ERR_TEMPLATE_INVALID` if something necessary is missing or cannot be resolved,
 * `ERR_ENTRY_NOT_FOUND` if the source of a function is missing.
 */
export async function readTemplate(
  file: string,
  { parameters, stage }: ReadTemplateOptions,
): Promise<ReadTemplate> {
  const { template, resolver, resources } = await openTemplate(file, parameters);
  const api = readApi(resources, { file, stageName: stage });
  const routes = gatewayRoutes(api);
  const functions = await readFunctions(api, resources, { folder: dirname(file), resolver });
  const { authorizer } = api;
  const options: StartGatewayOptions = {
    functions,
    routes,
    authorizer: authorizer && {
      function: authorizer.functionName,
      identitySources: authorizer.identitySources,
    },
    stage: api.stage?.name ?? stage,
    stageVariables: api.stage?.variables,
    routeSelectionExpression: api.routeSelectionExpression,
    apiKeySelectionExpression:
      api.apiKeySelectionExpression as StartGatewayOptions['apiKeySelectionExpression'],
  };
  const { Function: _, ...otherGlobals } = template.globals;
  const globals = Object.keys(otherGlobals).map((name) => `"Globals.${name}" is ignored.`);
  return { options, warnings: [...unserved(resources), ...globals] };
}

/**
 * Reads one function of a template, whether a route leads to it or not.
 *
 * @throws StartError - like `readTemplate`, or `ERR_FUNCTION_UNKNOWN`.
 */
export async function readTemplateFunction(
  file: string,
  logicalId: string,
  { parameters }: Pick<ReadTemplateOptions, 'parameters'>,
): Promise<FunctionOptions> {
  const { resources } = await openTemplate(file, parameters);
  const functions = resources.filter(({ type }) => functionTypes.has(type));
  const found = functions.find((resource) => resource.logicalId === logicalId);
  if (found) return readFunction(found.serve(), dirname(file));
  const known = functions.map((resource) => resource.logicalId).join(', ') || 'none';
  throw new StartError(
    'ERR_FUNCTION_UNKNOWN',
    `"${logicalId}" is neither a file nor a function of "${file}".`,
    `Pass a file, or one of the functions: ${known}.`,
  );
}

/** The existing resources of a template. */
async function openTemplate(
  file: string,
  parameters: Readonly<Record<string, string>>,
): Promise<{ template: Template; resolver: Resolver; resources: readonly Resource[] }> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw templateError(
      `The template "${file}" cannot be read: ${error.message}.`,
      'Pass the path of a SAM or CloudFormation template, relative to the current folder.',
    );
  });
  const template = parseTemplate(text, file);
  checkParameters(template, parameters);
  const resolver = new Resolver({ template, parameters, pseudoParameters, identityOf });
  return { template, resolver, resources: existing(template, resolver) };
}

function checkParameters({ parameters: known }: Template, values: Fields): void {
  const unknown = Object.keys(values).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) {
    const names = Object.keys(known).join(', ');
    throw templateError(
      `The template has no parameter "${unknown}".`,
      names === '' ? 'It has no parameters.' : `It has: ${names}.`,
    );
  }
}

/** The resources whose condition is true. */
function existing({ resources, globals }: Template, resolver: Resolver): readonly Resource[] {
  const shared = fieldsOf(globals['Function'] ?? {}, '"Globals.Function"');
  return [...resources]
    .filter(
      ([logicalId, { condition }]) =>
        condition === undefined || resolver.condition(condition, `"Condition" of "${logicalId}"`),
    )
    .map(([logicalId, resource]) => {
      const properties =
        resource.type === 'AWS::Serverless::Function'
          ? withGlobals(shared, resource.properties)
          : resource.properties;
      return new Resource(logicalId, { ...resource, properties }, resolver);
    });
}

/**
 * A function's own properties override the globals, but environment variables are merged (AWS: "Globals
 * section").
 */
function withGlobals(shared: Fields, own: Fields): Fields {
  const variables = { ...variablesOf(shared), ...variablesOf(own) };
  const environment =
    Object.keys(variables).length === 0 ? {} : { Environment: { Variables: variables } };
  return { ...shared, ...own, ...environment };
}

function variablesOf({ Environment = {} }: Fields): Fields {
  const { Variables = {} } = fieldsOf(Environment, '"Environment"');
  return fieldsOf(Variables, '"Environment.Variables"');
}

async function readFunctions(
  { routes, authorizer }: TemplateApi,
  resources: readonly Resource[],
  { folder, resolver }: { folder: string; resolver: Resolver },
): Promise<Readonly<Record<string, FunctionOptions>>> {
  const users = new Map<string, string>();
  for (const { integration } of routes) {
    if (integration.functionName !== undefined) {
      users.set(integration.functionName, `"IntegrationUri" of "${integration.logicalId}"`);
    }
  }
  if (authorizer !== undefined) {
    users.set(authorizer.functionName, `"AuthorizerUri" of "${authorizer.logicalId}"`);
  }
  const functions: Record<string, FunctionOptions> = {};
  const candidates = resources.filter(({ type }) => functionTypes.has(type));
  for (const [name, user] of users) {
    const resource = candidates.find(
      (candidate) => resolver.resolve({ Ref: candidate.logicalId }, user) === name,
    );
    if (resource === undefined) {
      throw templateError(
        `${user} refers to the function "${name}", which the template does not have.`,
        'Add it as an AWS::Serverless::Function or AWS::Lambda::Function.',
      );
    }
    functions[name] = await readFunction(resource.serve(), folder);
  }
  return functions;
}
