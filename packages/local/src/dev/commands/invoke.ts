import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { FunctionOptions } from '../../lambda/function.js';
import { StartError } from '../../start-error.js';
import { invokeOnce } from '../invoke-once.js';
import { portOf, runningSession } from './ask-gateway.js';
import { CommandLineError, parseCommandLine } from './command-line.js';
import type { Session } from './session-file.js';

export const invokeUsage = `gatecast invoke <file|LogicalId> [options]
  Runs a function that no route leads to, such as one behind a REST API, once, in the environment of a
  running "gatecast dev": it publishes to its connections and uses its stores. Prints the result as JSON;
  what the function logs goes to standard error. Run it in the folder of "gatecast dev".

  --event file          the event, as JSON (default: {})
  --handler name        name of the export (default: handler)
  --port number         the port of "gatecast dev" (default: 3000)

Examples:
  gatecast invoke rest.ts --event event.json
  gatecast invoke OrdersFunction          a function of the template that "gatecast dev" runs`;

/** `gatecast invoke` */
export async function invoke(args: readonly string[]): Promise<void> {
  const { entry, values } = parseCommandLine(args, ['event', 'handler', 'port']);
  const port = portOf(values.port);
  const event = values.event === undefined ? {} : await readEvent(values.event);
  const session = await runningSession(port);
  const definition = await definitionOf(entry, session);
  // A function of a template knows its table only by its own variables, as on AWS.
  const { GATECAST_TABLE: _, ...others } = session.environment;
  const environment = definition.environment === undefined ? session.environment : others;
  const result = await invokeOnce(
    { ...definition, ...(values.handler !== undefined && { handler: values.handler }) },
    { environment, event, requestId: randomUUID() },
  );
  if (result.type === 'error') {
    throw new StartError(
      'ERR_INVOCATION_FAILED',
      `"${entry}" failed with ${result.errorType}: ${result.errorMessage}`,
    );
  }
  process.stdout.write(`${JSON.stringify(result.payload, null, 2)}\n`);
}

/** A file, or a function of the template that `gatecast dev` runs. */
async function definitionOf(
  entry: string,
  { template }: Session,
): Promise<FunctionOptions & { readonly entry: string }> {
  const isFile = await stat(entry).then(
    (found) => found.isFile(),
    () => false,
  );
  if (isFile || template === undefined || !/^\w+$/.test(entry)) return { entry };
  const { readTemplateFunction } = await import('../template/read-template.js');
  return readTemplateFunction(template.file, entry, template);
}

async function readEvent(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CommandLineError(`--event names the file "${file}", which cannot be read.`);
  });
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new CommandLineError(`--event names the file "${file}", which is not JSON.`);
  }
}
