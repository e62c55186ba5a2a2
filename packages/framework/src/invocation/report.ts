import { ClientError } from '../errors/client-error.js';
import type { AnyPlugin, ErrorContext } from './plugin.js';

/** Most characters of a text that may come from code that handles a client's secrets. */
const MOST_REASON = 200;

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

/** Code and reason of a refusal, in one line for the developer. */
export function refusalReason(error: ClientError): string {
  const { message } = error.cause instanceof Error ? error.cause : error;
  const [reason = ''] = message.split('\n');
  return `${error.code}: ${reason.slice(0, MOST_REASON)}`;
}

function writeToConsole(
  error: unknown,
  { route, connectionId = '-', isAnswered }: ErrorContext,
): void {
  if (ClientError.is(error)) {
    // A refusal that the client was told about does not concern the operator, unless its reason is asked
    // for. One line without a stack, because clients can cause any number of them.
    if (isAnswered) {
      if (process.env['GATECAST_LOG_LEVEL']?.toLowerCase() !== 'debug') return;
      const reason = refusalReason(error);
      // oxlint-disable-next-line no-console -- see above.
      console.debug(`Gatecast: ${route} on connection ${connectionId} was refused: ${reason}`);
      return;
    }
    // oxlint-disable-next-line no-console -- no refusal may be lost.
    console.warn(`Gatecast: ${route} on connection ${connectionId} was refused: ${error.code}`);
    return;
  }
  // oxlint-disable-next-line no-console -- the last resort: no error may be silent.
  console.error(`Gatecast: ${route} failed on connection ${connectionId}.`, error);
}
