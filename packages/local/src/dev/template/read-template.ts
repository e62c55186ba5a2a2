import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { FunctionOptions } from '../../lambda/function.js';
import { StartError } from '../../start-error.js';
import type { StartGatewayOptions } from '../start-gateway.js';
import { gatewayRoutes } from './gateway-options.js';
import { functionTypes, identityOf, pseudoParameters, tableTypes } from './identities.js';
import {
  fieldsOf,
  parseTemplate,
  scalarText,
  type Template,
  templateError,
} from './parse-template.js';
import { readApi } from './read-api.js';
import { readFunction } from './read-function.js';
import { readTable } from './read-table.js';
import { Resolver } from './resolve.js';
import { Resource } from './resource.js';
import type { TemplateApi } from './template-api.js';
import { isKnownGlobal, transformSam } from './transform-sam.js';
import { unserved } from './unserved.js';

const SAM = 'AWS::Serverless-2016-10-31';

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
 * Reads the WebSocket API, its functions and the tables of a SAM or CloudFormation template, in four steps:
 * parse, transform SAM's resources, resolve and read the resources, decide what to run.
 *
 * @throws StartError - `ERR_TEMPLATE_INVALID` if something necessary is missing or cannot be resolved,
 * `ERR_ENTRY_NOT_FOUND` if the source of a function is missing.
 */
export async function readTemplate(
  file: string,
  { parameters, stage }: ReadTemplateOptions,
): Promise<ReadTemplate> {
  const { parsed, resolver, resources } = await openTemplate(file, parameters);
  const api = readApi(resources, { file, stageName: stage });
  const tables = resources.filter(({ type }) => tableTypes.has(type)).map(readTable);
  const routes = gatewayRoutes(api);
  const functions = await readFunctions(api, resources, { folder: dirname(file), resolver });
  const { authorizer } = api;
  const options: StartGatewayOptions = {
    functions,
    routes,
    tables,
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
  return {
    options,
    warnings: [...ignoredSections(parsed), ...unserved(resources), ...resolver.warnings],
  };
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

/** The existing resources of a template, after the transform of SAM. */
async function openTemplate(
  file: string,
  parameters: Readonly<Record<string, string>>,
): Promise<{ parsed: Template; resolver: Resolver; resources: readonly Resource[] }> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw templateError(
      `The template "${file}" cannot be read: ${error.message}.`,
      'Pass the path of a SAM or CloudFormation template, relative to the current folder.',
    );
  });
  const parsed = parseTemplate(text, file);
  checkParameters(parsed, parameters);
  const template = transformSam(parsed);
  const resolver = new Resolver({ template, parameters, pseudoParameters, identityOf });
  return { parsed, resolver, resources: existing(template, resolver) };
}

function checkParameters(
  { parameters: known }: Template,
  values: Readonly<Record<string, string>>,
): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Object.hasOwn(known, name)) {
      const names = Object.keys(known).join(', ');
      throw templateError(
        `The template has no parameter "${name}".`,
        names === '' ? 'It has no parameters.' : `It has: ${names}.`,
      );
    }
    const { AllowedValues } = fieldsOf(known[name], `The parameter "${name}"`);
    if (!Array.isArray(AllowedValues)) continue;
    const allowed = AllowedValues.map((each) => scalarText(each));
    if (!allowed.includes(value)) {
      throw templateError(
        `The parameter "${name}" is "${value}", which the template does not allow.`,
        `Give it one of: ${allowed.join(', ')}.`,
      );
    }
  }
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

/** The resources whose condition is true. */
function existing({ resources }: Template, resolver: Resolver): readonly Resource[] {
  return [...resources]
    .filter(
      ([logicalId, { condition }]) =>
        condition === undefined || resolver.condition(condition, `"Condition" of "${logicalId}"`),
    )
    .map(([logicalId, resource]) => new Resource(logicalId, resource, resolver));
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
