import { isClass } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';

/**
 * Throws if a decorator was written without its parentheses. In that case the function that should return
 * the decorator is called as the decorator, and its result is ignored. Bundlers do not check types, so
 * without this check the handler would silently be missing.
 *
 * @param decorator - Its name, the correct way to write it, and what it belongs on.
 * @param given - The arguments of the call.
 *
 * @throws ConfigurationError - ERR_DECORATOR_CALL.
 */
export function checkParentheses(
  { name, usage, on }: Decorator,
  [target, second]: readonly unknown[],
): void {
  const place = placeOf(target, second) ?? (on === 'class' ? nameOfClass(target) : undefined);
  if (place !== undefined) throw makeError('ERR_DECORATOR_CALL', { decorator: name, place, usage });
}

interface Decorator {
  readonly name: string;
  readonly usage: string;
  readonly on: 'class' | 'method';
}

/** What the decorator was put on; `undefined` if it was called correctly. */
function placeOf(target: unknown, second: unknown): string | undefined {
  if (typeof second === 'object' && second !== null && 'addInitializer' in second) {
    return 'name' in second ? String(second.name) : 'a class';
  }
  if (typeof second === 'string' || typeof second === 'symbol') {
    const type = typeof target === 'function' ? target : target?.constructor;
    return `${type?.name ?? 'a class'}.${String(second)}`;
  }
  return undefined;
}

function nameOfClass(target: unknown): string | undefined {
  return isClass(target) ? target.name || 'a class' : undefined;
}
