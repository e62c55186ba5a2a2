import { ClientError } from '../errors/client-error.js';
import { isPromiseLike } from '../time/maybe-promise.js';
import type { AnyPlugin, ErrorContext } from './plugin.js';

/** Tells of an error; never throws. */
export type Report = (error: unknown, ctx: ErrorContext) => void;

/** Hands errors to the plugins; to the console when none of them listens. */
export function makeReport(plugins: readonly AnyPlugin[]): Report {
  const listeners = plugins.filter((plugin) => plugin.onError !== undefined);
  return (error, ctx) => {
    if (listeners.length === 0) writeToConsole(error, ctx);
    for (const plugin of listeners) {
      try {
        const listening: unknown = plugin.onError?.(error, ctx);
        if (!isPromiseLike(listening)) continue;
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
    // A refusal that its client was told of is not news to the operator. One that it was not told of is a
    // line, without a stack: clients can cause as many as they like.
    if (isAnswered) return;
    // oxlint-disable-next-line no-console -- so that no refusal is lost.
    console.warn(`Gatecast: ${route} on connection ${connectionId} was refused: ${error.code}`);
    return;
  }
  // oxlint-disable-next-line no-console -- the last resort, so that no error is silent.
  console.error(`Gatecast: ${route} failed on connection ${connectionId}.`, error);
}
