import { makeError } from '../errors/gatecast-error.js';

/**
 * Refuses a decorator that stands without its parentheses: it is then called as a decorator is, in
 * either convention, and what it returns is thrown away. Bundlers check no types, so that a guard would
 * be missing without a word.
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
