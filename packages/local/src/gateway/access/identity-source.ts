/** The parts of an authorizer's event that an identity source may refer to. */
export interface IdentitySourceEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly queryStringParameters?: Readonly<Record<string, string>>;
  readonly stageVariables: Readonly<Record<string, string>>;
  readonly requestContext: object;
}

/** Reads one identity source from the event. An empty value counts as missing (row 4.2). */
export type IdentitySource = (event: IdentitySourceEvent) => string | undefined;

/** @throws Error unless the expression has one of the four forms that API Gateway accepts. */
export function identitySource(expression: string): IdentitySource {
  const match =
    /^(route\.request\.header|route\.request\.querystring|stageVariables|context)\.(.+)$/.exec(
      expression,
    );
  const [, kind, name = ''] = match ?? [];
  if (kind === 'route.request.header') {
    return ({ headers }) =>
      Object.entries(headers).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  }
  if (kind === 'route.request.querystring') {
    return ({ queryStringParameters }) => textAt(queryStringParameters, [name]);
  }
  if (kind === 'stageVariables') return ({ stageVariables }) => textAt(stageVariables, [name]);
  if (kind === 'context') return ({ requestContext }) => textAt(requestContext, name.split('.'));
  throw new Error(
    `The identity source "${expression}" cannot be read. Use "route.request.header.X", ` +
      '"route.request.querystring.X", "stageVariables.X" or "context.X".',
  );
}

function textAt(root: object | undefined, path: readonly string[]): string | undefined {
  let value: unknown = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
