const targets = /^integration\.request\.(?:header|querystring|path)\.[\w.$-]+$/;
const handshakeSources =
  /^route\.request\.(?:header|querystring|multivalueheader|multivaluequerystring)\.[\w.$-]+$/;
const sources = /^(?:'[^']*'|(?:context|stageVariables|route\.request\.body)\..+)$/;

/**
 * Checks a data mapping as API Gateway does (row 8.8).
 *
 * @throws Error if a mapping is invalid, or reads something that only a handshake has.
 */
export function checkRequestParameters(
  parameters: Readonly<Record<string, string>>,
  { routeKey, where }: { readonly routeKey: string; readonly where: string },
): void {
  for (const [target, source] of Object.entries(parameters)) {
    if (!targets.test(target)) {
      throw new Error(
        `The request parameter "${target}" of ${where} cannot be mapped to. ` +
          'Use "integration.request.header.X", "integration.request.querystring.X" or ' +
          '"integration.request.path.X".',
      );
    }
    const isOfHandshake = handshakeSources.test(source);
    if (isOfHandshake && routeKey !== '$connect') {
      throw new Error(
        `The request parameter "${target}" of ${where} is mapped from "${source}", which only ` +
          '"$connect" has. Map it from "context.X", "stageVariables.X" or "route.request.body.X".',
      );
    }
    if (!isOfHandshake && !sources.test(source)) {
      throw new Error(
        `The request parameter "${target}" of ${where} is mapped from "${source}", which cannot be ` +
          'read. Use "context.X", "stageVariables.X", "route.request.body.X", a text in single ' +
          'quotes, or for "$connect" "route.request.header.X" and "route.request.querystring.X".',
      );
    }
  }
}
