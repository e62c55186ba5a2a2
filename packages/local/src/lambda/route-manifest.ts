import type { ManifestRoute, RouteManifest } from '@gatecast/framework';
import { StartError } from '../start-error.js';

type Fields = Readonly<Record<string, unknown>>;

/**
 * Checks the parts of a manifest from JSON that the gateway and the commands need. Missing flags are
 * false, and other keys are ignored.
 *
 * @throws StartError `ERR_MANIFEST_INVALID` with the name of the field.
 */
export function parseManifest(value: unknown, where: string): RouteManifest {
  const manifest = fields(value, where);
  if (manifest['version'] !== 1) {
    throw invalid(`${where} has the version ${JSON.stringify(manifest['version'])}, not 1.`);
  }
  const { routes } = manifest;
  if (!Array.isArray(routes)) {
    throw invalid(`${where} has no list "routes".`);
  }
  return {
    version: 1,
    authorizer: flag(manifest, 'authorizer', where),
    singleEnvironment: flag(manifest, 'singleEnvironment', where),
    ...text(manifest, 'store', where),
    routes: routes.map((route: unknown, index) =>
      parseRoute(route, `routes[${index}] of ${where}`),
    ),
  };
}

function parseRoute(value: unknown, where: string): ManifestRoute {
  const route = fields(value, where);
  const { routeKey, integration = 'lambda' } = route;
  if (typeof routeKey !== 'string') {
    throw invalid(`${where} has no "routeKey".`);
  }
  if (integration !== 'lambda' && integration !== 'mock') {
    const found = JSON.stringify(integration);
    throw invalid(`"integration" of ${where} is ${found}, not "lambda" or "mock".`);
  }
  return {
    routeKey,
    integration,
    twoWay: flag(route, 'twoWay', where),
    ...text(route, 'response', where),
    ...text(route, 'source', where),
  };
}

function fields(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${where} is not an object.`);
  }
  return { ...value };
}

function flag(from: Fields, name: string, where: string): boolean {
  const value = from[name] ?? false;
  if (typeof value !== 'boolean') {
    throw invalid(`"${name}" of ${where} is ${JSON.stringify(value)}, not true or false.`);
  }
  return value;
}

/** An object with only this field, or an empty one if the field is missing. */
function text<T extends string>(from: Fields, name: T, where: string): { [K in T]?: string } {
  const value = from[name];
  if (value === undefined) {
    return {};
  }
  if (typeof value !== 'string') {
    throw invalid(`"${name}" of ${where} is ${JSON.stringify(value)}, not a string.`);
  }
  return { [name]: value } as { [K in T]?: string };
}

function invalid(message: string): StartError {
  return new StartError(
    'ERR_MANIFEST_INVALID',
    message,
    'Write it with: gatecast manifest <entry> --out routes.json',
  );
}
