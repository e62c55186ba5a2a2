/** The parts of an authorizer's event that an identity source may name. */
export interface IdentityFacts {
  readonly headers: Readonly<Record<string, string>>;
  readonly queryStringParameters?: Readonly<Record<string, string>>;
  readonly stageVariables: Readonly<Record<string, string>>;
  readonly requestContext: object;
}

/** Reads one identity source from the event; empty and missing are the same (row 4.2). */
export type IdentitySource = (event: IdentityFacts) => string | undefined;

/** @throws Error when the expression is none of the four forms that API Gateway knows. */
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
    `The identity source "${expression}" cannot be understood. Use "route.request.header.X", ` +
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
