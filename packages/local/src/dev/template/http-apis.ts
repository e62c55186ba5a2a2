import { StartError } from '../../start-error.js';
import { functionTypes } from './identities.js';
import { isWebSocketApi } from './open-stacks.js';
import type { Resource } from './resource.js';

/** What there is to say about the HTTP APIs of a template. */
interface HttpApis {
  /** One line for each. */
  readonly lines: readonly string[];
  /** The APIs and everything that they consist of, for which these lines stand. */
  readonly parts: ReadonlySet<Resource>;
}

/** HTTP APIs do not run, but their functions do: one line tells it, in the place of one for each part. */
export function httpApis(resources: readonly Resource[]): HttpApis {
  const functions = resources.filter(({ type, isServed }) => functionTypes.has(type) && isServed);
  const lines: string[] = [];
  const parts = new Set<Resource>();
  for (const api of resources) {
    if (api.type !== 'AWS::ApiGatewayV2::Api' || isWebSocketApi(api)) continue;
    const own = resources.filter((resource) => isPart(resource, api));
    for (const part of [api, ...own]) parts.add(part);
    const uris = own.map((part) => quietText(part, 'IntegrationUri') ?? '');
    const labels = functions
      .filter((each) => uris.some((uri) => names(uri, each.attribute('Arn'))))
      .map(({ label }) => label);
    const instead =
      labels.length === 0
        ? ''
        : `; use ${labels.map((label) => `"gatecast invoke ${label}"`).join(', ')}`;
    lines.push(`The HTTP API "${api.label}" does not run here${instead}.`);
  }
  return { lines, parts };
}

function isPart(resource: Resource, api: Resource): boolean {
  return (
    resource.stack === api.stack &&
    /^AWS::ApiGatewayV2::(?:Route|Integration|Stage|Authorizer)$/.test(resource.type) &&
    quietText(resource, 'ApiId') === api.ref
  );
}

/** Whether a URI has this ARN, and not only one that begins like it. */
function names(uri: string, arn: string): boolean {
  const at = uri.indexOf(arn);
  return at !== -1 && !/^[\w-]/.test(uri.slice(at + arn.length));
}

/** What does not run must not keep the rest from running, whatever is in it. */
function quietText(resource: Resource, name: string): string | undefined {
  try {
    return resource.textQuietly(name);
  } catch (error) {
    if (error instanceof StartError) return undefined;
    throw error;
  }
}
