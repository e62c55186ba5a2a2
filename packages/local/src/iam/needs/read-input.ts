import { isObject } from '../outcome.js';
import type { Input } from './needs.js';

/** A field with a text that is not empty. */
export function textAt(input: Input, name: string): string | undefined {
  const value = input[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A field with an object; an empty one if there is none. */
export function objectAt(input: Input, name: string): Input {
  const value = input[name];
  return isObject(value) ? value : {};
}

/** The objects in a list. */
export function objectsAt(input: Input, name: string): readonly Input[] {
  const value = input[name];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The input in a body; `undefined` if it is not an object of JSON. */
export function parseInput(body: string): Input | undefined {
  try {
    const input: unknown = JSON.parse(body);
    return isObject(input) ? input : undefined;
  } catch {
    return undefined;
  }
}
