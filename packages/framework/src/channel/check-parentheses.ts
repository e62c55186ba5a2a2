import { makeError } from '../errors/gatecast-error.js';

/**
 * Throws when a decorator was written without its parentheses. Then the function that should return the
 * decorator is called in its place, and its result is lost, in either convention. Bundlers do not check
 * types, so a handler would be missing without an error.
 *
 * @param usage - How it is written rightly.
 * @param given - The arguments it was called with.
 *
 * @throws ConfigurationError - ERR_DECORATOR_CALL.
 */
export function checkParentheses(
  decorator: string,
  usage: string,
  [target, second]: readonly unknown[],
): void {
  const place = placeOf(target, second);
  if (place !== undefined) throw makeError('ERR_DECORATOR_CALL', { decorator, place, usage });
}

/** What a decorator was put on; `undefined` when it was called as it is meant to be. */
function placeOf(target: unknown, second: unknown): string | undefined {
  if (typeof second === 'object' && second !== null && 'addInitializer' in second) {
    return 'name' in second ? String(second.name) : 'a class';
  }
  if (typeof second === 'string' || typeof second === 'symbol') {
    const type = typeof target === 'function' ? target : target?.constructor;
    return `${type?.name ?? 'a class'}.${String(second)}`;
  }
  return isClass(target) ? target.name || 'a class' : undefined;
}

function isClass(value: unknown): value is { readonly name: string } {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}
