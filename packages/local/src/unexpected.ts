import { inspect } from 'node:util';

/** Prints an error that must not end the gateway. */
export function printUnexpected(what: string, error: unknown): void {
  process.stderr.write(`${what}: ${inspect(error)}\n`);
}

/** A callback of the user that does not throw: its errors are printed. */
export function harmless<T>(name: string, callback: (value: T) => void): (value: T) => void {
  return (value) => {
    try {
      callback(value);
    } catch (error) {
      printUnexpected(`${name} threw an error`, error);
    }
  };
}
