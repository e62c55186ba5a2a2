import { ClientError } from '../errors/client-error.js';
import type { AnyPlugin, ErrorContext } from './plugin.js';

/** Reports an error. Never throws. */
export type Report = (error: unknown, ctx: ErrorContext) => void;

/** Passes errors to the plugins' `onError`, or to the console if no plugin has it. */
export function makeReport(plugins: readonly AnyPlugin[]): Report {
  const listeners = plugins.filter((plugin) => plugin.onError !== undefined);
  return (error, ctx) => {
    if (listeners.length === 0) writeToConsole(error, ctx);
    for (const plugin of listeners) {
      try {
        const listening: unknown = plugin.onError?.(error, ctx);
        Promise.resolve(listening).catch((failure: unknown) => writeToConsole(failure, ctx));
      } catch (failure) {
        writeToConsole(failure, ctx);
      }
    }
  };
}

function writeToConsole(
  error: unknown,
  { route, connectionId = '-', isAnswered }: ErrorContext,
): void {
  if (ClientError.is(error)) {
    // A refusal that the client was told about does not concern the operator. Otherwise it is one line
    // without a stack, because clients can cause any number of them.
    if (isAnswered) return;
    // oxlint-disable-next-line no-console -- no refusal may be lost.
    console.warn(`Gatecast: ${route} on connection ${connectionId} was refused: ${error.code}`);
    return;
  }
  // oxlint-disable-next-line no-console -- the last resort: no error may be silent.
  console.error(`Gatecast: ${route} failed on connection ${connectionId}.`, error);
}
