import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { FunctionOptions } from '../../lambda/function.js';
import { StartError } from '../../start-error.js';
import { ADDRESS_VARIABLES } from '../configure-for-gateway.js';
import { invokeOnce } from '../invoke-once.js';
import { portOf, runningSession } from './ask-gateway.js';
import { CommandLineError, parseCommandLine } from './command-line.js';
import type { Session } from './session-file.js';

export const invokeUsage = `gatecast invoke <file|function> [options]
  Runs a function that no route leads to, such as one behind a REST API, once, in the environment of a
  running "gatecast dev": it publishes to its connections and uses its stores. Prints the result as JSON;
  what the function logs goes to standard error. Run it in the folder of "gatecast dev". A function of
  its template is called by its name, its logical id, or the path or id of its construct.

  --event file          the event, as JSON (default: {})
  --data json           the event itself, in place of a file
  --handler name        name of the export (default: handler)
  --port number         the port of "gatecast dev" (default: 3000)

Examples:
  gatecast invoke rest.ts --event event.json
  gatecast invoke OrdersFunction          a function of the template that "gatecast dev" runs
  gatecast invoke Publisher --data '{"room":"lobby"}'`;

const SOURCE_FILE = /\.[cm]?[jt]sx?$/;

/** `gatecast invoke` */
export async function invoke(args: readonly string[]): Promise<void> {
  const { entry, values } = parseCommandLine(args, ['event', 'data', 'handler', 'port']);
  const port = portOf(values.port);
  const event = await eventOf(values);
  const session = await runningSession(port);
  const { functionName, accountId, definition } = await functionOf(entry, session);
  const environment = functionName === undefined ? session.environment : withoutAddresses(session);
  const { apis } = session;
  const result = await invokeOnce(
    { ...definition, ...(values.handler !== undefined && { handler: values.handler }) },
    { environment, apis, event, requestId: randomUUID(), functionName, accountId },
  );
  if (result.type === 'error') {
    throw new StartError(
      'ERR_INVOCATION_FAILED',
      `"${entry}" failed with ${result.errorType}: ${result.errorMessage}`,
    );
  }
  process.stdout.write(`${JSON.stringify(result.payload, null, 2)}\n`);
}

interface Invokable {
  readonly definition: FunctionOptions;
  /** @default it is a file */
  readonly functionName?: string;
  /** @default that of the gateway */
  readonly accountId?: string | undefined;
}

/** A file, or a function of the template that `gatecast dev` runs. */
async function functionOf(entry: string, { template, roles }: Session): Promise<Invokable> {
  const isFile = await stat(entry).then(
    (found) => found.isFile(),
    () => false,
  );
  if (isFile || template === undefined || SOURCE_FILE.test(entry)) return { definition: { entry } };
  const { readSource } = await import('./template-source.js');
  const { functionNamed } = await import('../template/read-functions.js');
  const read = await readSource(template);
  const functionName = functionNamed(entry, read);
  const { functions, accountId } = read.options;
  const definition = functions?.[functionName] as FunctionOptions;
  const environment = { ...definition.environment, ...roles?.[functionName] };
  return { functionName, accountId, definition: { ...definition, environment } };
}

/** A function of a template knows its table and its API only by its own variables, as on AWS. */
function withoutAddresses({ environment }: Session): Readonly<Record<string, string>> {
  const left = new Set<string>(['GATECAST_TABLE', 'GATECAST_URL', ...ADDRESS_VARIABLES]);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !left.has(name)));
}

async function eventOf({
  event: file,
  data,
}: Readonly<Partial<Record<'event' | 'data', string>>>): Promise<unknown> {
  if (data === undefined) return file === undefined ? {} : readEvent(file);
  if (file !== undefined) throw new CommandLineError('Pass one of --event and --data.');
  try {
    return JSON.parse(data) as unknown;
  } catch {
    throw new CommandLineError(
      '--data takes JSON. A file, with --event, needs no quotes of the shell.',
    );
  }
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
