import { parseJson } from './json-path.js';
import { selectionExpression } from './selection-expression.js';

/**
 * Returns the text by which a message's body selects a route; `undefined` if the body cannot be
 * evaluated.
 */
export type RouteSelector = (body: string) => string | undefined;

/**
 * Compiles a route selection expression (rows 2.2 to 2.7): see {@link selectionExpression}.
 *
 * @throws Error if the expression has a variable other than `request.body`, or an invalid path.
 */
export function routeSelector(expression: string): RouteSelector {
  const select = selectionExpression(expression, {
    name: 'route selection expression',
    variables: ['request.body'],
  });
  return (text) => {
    const body = parseJson(text);
    const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
    return isObject ? select({ request: { body } }) : undefined;
  };
}
