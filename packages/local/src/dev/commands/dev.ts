import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { option } from '@gatecast/framework/adapter';
import { apiOptionTypes } from '../../gateway/options.js';
import { functionOptionTypes } from '../../lambda/function.js';
import type { ReloadEvent } from '../../lambda/versions.js';
import { StartError } from '../../start-error.js';
import { CONTROL_PATH } from '../control/control-api.js';
import type { LocalGateway, StartGatewayOptions } from '../start-gateway.js';
import { runningSession } from './ask-gateway.js';
import {
  type Arguments,
  CommandLineError,
  parseArguments,
  textValue,
  wholeNumber,
} from './command-line.js';
import { clockTime, eventLine } from './event-line.js';
import { handlersOf } from './handlers.js';
import {
  FOLDER,
  readSession,
  removeSession,
  type SessionTemplate,
  writeSession,
} from './session-file.js';

export const devUsage = `gatecast dev <entry> [options]
gatecast dev --template template.yaml [--parameter Name=Value]... [options]
  Runs a Lambda function, or those of a SAM or CloudFormation template, behind a local API Gateway
  and reloads them when their source changes.

  --port number         port to listen on, 0 for any free one (default: 3000)
  --host name           address to listen on (default: localhost)
  --stage name          stage of the API (default: dev; with --template the template's only stage)
  --base-path path      serve the API below this path, like a custom domain, in place of the stage
  --static folder       also serve the files of a folder, at / in the place of the page that shows
                        what passes; that one then is at /@gatecast/
  --routes list         route keys, joined by commas, or a .json file that "gatecast manifest" wrote
                        (default: those of the export "app"); KEY=EXPORT or KEY=FILE.EXPORT names the
                        handler of a route: '$connect=connect,$default=src/chat.main'
  --handler name        export that handles the events (default: handler), or without an entry
                        FILE.EXPORT, as in Lambda: src/app.handler
  --environments number invocations that may run at once (default: 10; 1 with the memory store)
  --timeout seconds     how long one invocation may take (default: 29)
  --inspect port        let a debugger attach to the function, which then runs one invocation at a time
                        without a time-out
  --ephemeral           keep the data of the embedded DynamoDB in memory, not in .gatecast
  --any-origin          let web pages of other machines connect, too
  --serial              a message waits for the previous one of its connection
  --seed number         seed of the probability of faults, to repeat a run (default: 1)
  --api-keys list       API keys that routes with an API key accept, joined by commas

  --template file       run the WebSocket API of a SAM or CloudFormation template, with its routes,
                        tables and time-outs; for variables that the shell also has, the value of the
                        shell wins
  --parameter Name=Value  value for a parameter of the template

Examples:
  gatecast dev app.ts --static public
  gatecast dev handler.ts --routes '$connect,$disconnect,$default'
  gatecast dev --template template.yaml --parameter Tier=free`;

const OPTIONS = [
  'port',
  'stage',
  'static',
  'routes',
  'environments',
  'timeout',
  'inspect',
  'seed',
  'api-keys',
  'host',
  'base-path',
  'handler',
  'template',
] as const;

/** How long running events may take after a signal, so that the command ends within about a second. */
const CLOSE_GRACE_MS = 800;

/** When the command ends even if closing hangs, after a signal, in milliseconds. */
const LONGEST_STOP_MS = 3_000;

/** In seconds (Lambda quotas). */
const timeoutType = option.integer(1, 900);

type DevArguments = Arguments<(typeof OPTIONS)[number]>;

/** `gatecast dev`: resolves after SIGINT or SIGTERM, when everything is closed. */
export async function dev(args: readonly string[]): Promise<void> {
  if (args.some((arg) => /^--sam(?:=|$)/.test(arg))) {
    throw new CommandLineError(
      '--sam is called --template: gatecast dev --template template.yaml.',
    );
  }
  const parsed = parseArguments(args, OPTIONS, {
    list: 'parameter',
    flags: ['serial', 'ephemeral', 'any-origin'],
  });
  const settings = await settingsOf(parsed);
  // Set up first, so that a signal during the start closes everything that was opened.
  const stopped = stopSignal();
  // Loaded here, because the gateway takes a while to load and no other command needs it.
  const { prepareGateway } = await import('../start-gateway.js');
  const tell = reloadTeller(settings);
  const running = prepareGateway(
    { ...settings, ...printing(tell) },
    { onReloading: (name) => tell(name, 'Reloading …') },
  );
  const starting = running.start().catch(async (error: unknown) => {
    await running.close(CLOSE_GRACE_MS);
    throw await explained(error, settings.port);
  });
  const gateway = await Promise.race([starting, stopped]);
  if (gateway === undefined) {
    print('Stopping …');
    starting.catch(() => {});
    await running.close(CLOSE_GRACE_MS);
    return;
  }
  await keepSession(gateway, sessionTemplate(parsed));
  if (settings.staticDirectory !== undefined) print(`Page       http://localhost:${gateway.port}/`);
  print(`WebSocket  ${gateway.url}`);
  print(`Inspect    http://localhost:${gateway.port}${CONTROL_PATH}\n`);
  await stopped;
  print('Stopping …');
  await removeSession(gateway.port);
  await running.close(CLOSE_GRACE_MS);
}

type Settings = StartGatewayOptions & { readonly port: number };

/** The options of the gateway, without its callbacks. */
async function settingsOf(parsed: DevArguments): Promise<Settings> {
  const { values, flags } = parsed;
  const { environments, 'api-keys': keys } = values;
  const { maxEnvironments: environmentsType } = functionOptionTypes;
  const own = {
    port: wholeNumber(values.port, '--port', apiOptionTypes.port) ?? 3000,
    maxEnvironments: wholeNumber(environments, '--environments', environmentsType),
    seed: wholeNumber(values.seed, '--seed', apiOptionTypes.seed),
    host: textValue(values.host, '--host', apiOptionTypes.host),
    basePath: textValue(values['base-path'], '--base-path', apiOptionTypes.basePath),
    apiKeys: keys === undefined ? undefined : apiKeysOf(keys),
    staticDirectory: values.static,
    quirks: { serial: flags.has('serial') },
    dataDirectory: flags.has('ephemeral') ? undefined : join(FOLDER, 'dynamodb'),
    control: true,
    localPagesOnly: !flags.has('any-origin'),
    watch: true,
  };
  textValue(values.stage, '--stage', apiOptionTypes.stage);
  await checkFolder(values.static);
  const options = await (values.template === undefined
    ? entryOptions(parsed)
    : templateOptions(parsed));
  return { ...options, ...own };
}

type Tell = (functionName: string, text: string) => void;

/** Prints what happens to a function, with its name if there are several. */
function reloadTeller({ entry, functions = {} }: Settings): Tell {
  const isSeveral = (entry === undefined ? 0 : 1) + Object.keys(functions).length > 1;
  return (functionName, text) =>
    print(`${clockTime(Date.now())}  ${isSeveral ? `${functionName} ` : ''}${text}`);
}

/** Callbacks that print events and reloads. */
function printing(tell: Tell): Pick<StartGatewayOptions, 'onEvent' | 'onReload'> {
  const hasColors = process.stdout.isTTY && process.stdout.hasColors();
  let routeWidth = 12;
  return {
    onEvent(event) {
      routeWidth = Math.max(routeWidth, event.route.length);
      print(eventLine(event, { routeWidth, hasColors }));
    },
    onReload: (event) => tell(event.functionName, reloadText(event)),
  };
}

/** Without the file, only `gatecast env` and `gatecast invoke` do not work. */
async function keepSession(
  { port, environment }: LocalGateway,
  template: SessionTemplate | undefined,
): Promise<void> {
  try {
    await writeSession(port, { pid: process.pid, environment, template });
  } catch (error) {
    process.stderr.write(
      `"gatecast env" and "gatecast invoke" will not find this gateway: ${(error as Error).message}\n`,
    );
  }
}

function sessionTemplate({ values, list }: DevArguments): SessionTemplate | undefined {
  if (values.template === undefined) return undefined;
  const parameters = Object.fromEntries(list.map(parseParameter));
  return { file: values.template, parameters, stage: values.stage };
}

/** Names the other `gatecast dev` of this folder, if that one has the port. */
async function explained(error: unknown, port: number): Promise<unknown> {
  if (!(error instanceof StartError) || error.code !== 'ERR_PORT_TAKEN') return error;
  const other = (await readSession(port)) && (await runningSession(port).catch(() => undefined));
  if (!other) return error;
  return new StartError(
    'ERR_PORT_TAKEN',
    `"gatecast dev" already runs in this folder, on port ${port} (pid ${other.pid}).`,
    'Stop that one, or start a second one on another port and with data of its own: --port 0 --ephemeral',
  );
}

async function entryOptions(parsed: DevArguments): Promise<StartGatewayOptions> {
  const { values } = parsed;
  if (parsed.list.length > 0) {
    throw new CommandLineError('--parameter only works with --template, which is missing.');
  }
  const timeoutSeconds = wholeNumber(values.timeout, '--timeout', timeoutType);
  const options = {
    ...(await handlersOf(parsed)),
    stage: values.stage,
    timeoutMs: timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000,
    inspect: textValue(values.inspect, '--inspect', functionOptionTypes.inspect),
  };
  if (options.inspect !== undefined && options.functions !== undefined) {
    throw new CommandLineError('--inspect is for one function, but --routes names handlers.');
  }
  return options;
}

async function templateOptions({
  entry,
  values,
  list,
}: DevArguments): Promise<StartGatewayOptions> {
  if (entry !== undefined) {
    throw new CommandLineError(
      `--template runs the functions of the template, so leave out "${entry}".`,
    );
  }
  for (const name of ['routes', 'handler', 'timeout', 'inspect'] as const) {
    if (values[name] !== undefined) {
      throw new CommandLineError(`--${name} is for an entry file; leave it out with --template.`);
    }
  }
  const parameters = Object.fromEntries(list.map(parseParameter));
  const { readTemplate } = await import('../template/read-template.js');
  const { template: file = '', stage } = values;
  const { options, warnings } = await readTemplate(file, { parameters, stage });
  for (const warning of warnings) {
    process.stderr.write(`Warning: ${warning}\n`);
  }
  return options;
}

function parseParameter(text: string): [string, string] {
  const [, name, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new CommandLineError(`--parameter takes Name=Value, not "${text}".`);
  }
  return [name, value];
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      resolve();
      // Functions end with this process.
      setTimeout(() => process.exit(1), LONGEST_STOP_MS).unref();
    };
    // A terminal and a parent such as npm may both pass the signal on, so later ones are ignored.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  });
}

function apiKeysOf(list: string): string[] {
  const keys = list.split(',').map((key) => key.trim());
  if (apiOptionTypes.apiKeys.fits(keys)) return keys;
  // The keys are secret, so the message does not repeat them.
  throw new CommandLineError(
    '--api-keys takes API keys of 20 to 128 characters, joined by commas.',
  );
}

async function checkFolder(folder: string | undefined): Promise<void> {
  if (folder === undefined) return;
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  throw new CommandLineError(`--static names the folder "${folder}", which does not exist.`);
}

function reloadText(event: ReloadEvent): string {
  if (event.type === 'failed') {
    return `not reloaded; the last good version keeps running.\n${event.error.message}`;
  }
  return event.closedConnections
    ? 'reloaded; its memory is empty again, so every connection was closed'
    : 'reloaded';
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
