import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { option } from '@gatecast/framework/adapter';
import { apiOptionTypes } from '../../gateway/options.js';
import { functionOptionTypes } from '../../lambda/function.js';
import type { StartGatewayOptions } from '../start-gateway.js';
import {
  type Arguments,
  CommandLineError,
  parseArguments,
  textValue,
  wholeNumber,
  withoutUnit,
} from './command-line.js';
import { DevRun } from './dev-run.js';
import { handlersOf } from './handlers.js';
import { FOLDER, type SessionTemplate } from './session-file.js';
import {
  type OwnOptions,
  type ReadSettings,
  readSettings,
  SourceReload,
  warn,
} from './source-reload.js';
import { tablesOf } from './table-arguments.js';
import { templateSource } from './template-arguments.js';

export const devUsage = `gatecast dev <entry> [options]
gatecast dev --template template.yaml [--parameter Name=Value]... [options]
gatecast dev --assembly cdk.out [--stack name] [options]
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
  --timeout seconds     how long one invocation may take (default: 29), also as 90s or 5m
  --inspect port        let a debugger attach to the function, which then runs one invocation at a time
                        without a time-out
  --table NAME:KEY      give the embedded DynamoDB a table of your own, once for each table; NAME:KEY,SORTKEY
                        for one with a sort key; the keys are strings
  --ephemeral           keep the data of the embedded DynamoDB in memory, not in .gatecast
  --any-origin          let web pages of other machines connect, too
  --serial              a message waits for the previous one of its connection
  --seed number         seed of the probability of faults, to repeat a run (default: 1)
  --api-keys list       API keys that routes with an API key accept, joined by commas

  --template file       run the WebSocket APIs of a SAM or CloudFormation template, with their routes,
                        tables, roles and time-outs; for variables that the shell also has, the value
                        of the shell wins
  --assembly folder     the same for all stacks of a cloud assembly, which "cdk synth" writes: cdk.out
  --stack name          only run the APIs of this stack of the assembly, such as Prod/Chat
  --parameter Name=Value  value for a parameter of the template

With several APIs, the first one has --port, and the others have the next free ones. A changed template or
assembly is loaded again.

Examples:
  gatecast dev app.ts --static public
  gatecast dev app.ts --table auctions:id
  gatecast dev handler.ts --routes '$connect,$disconnect,$default'
  gatecast dev --template template.yaml --parameter Tier=free
  gatecast dev --assembly cdk.out`;

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
  'assembly',
  'stack',
] as const;

/** After how long without an address the command says that it is at work, in milliseconds. */
const SILENT_MS = 1_000;

/** When the command ends even if closing hangs, after a signal, in milliseconds. */
const LONGEST_STOP_MS = 3_000;

/** In seconds (Lambda quotas). */
const timeoutType = option.integer(1, 900);

type DevArguments = Arguments<(typeof OPTIONS)[number], 'parameter' | 'table'>;

/** `gatecast dev`: resolves when everything is closed, after SIGINT, SIGTERM or the loss of who reads its output. */
export async function dev(args: readonly string[]): Promise<void> {
  if (args.some((arg) => /^--sam(?:=|$)/.test(arg))) {
    throw new CommandLineError(
      '--sam is called --template: gatecast dev --template template.yaml.',
    );
  }
  const parsed = parseArguments(args, OPTIONS, {
    lists: ['parameter', 'table'],
    flags: ['serial', 'ephemeral', 'any-origin'],
  });
  // Set up first, so that a signal during the start closes everything that was opened.
  const stopped = stopSignal();
  const source = sourceOf(parsed);
  const own = await ownOptions(parsed);
  const slow = setTimeout(() => print('Bundling and loading …'), SILENT_MS);
  const first = await settingsOf(parsed, { source, own }).catch((error: unknown) => {
    clearTimeout(slow);
    throw error;
  });
  warn(first);
  const run = new DevRun(first.settings);
  const starting = run.start().finally(() => clearTimeout(slow));
  const hasStarted = await Promise.race([starting.then(() => true), stopped.then(() => false)]);
  if (!hasStarted) starting.catch(() => {});
  const reloading =
    source && hasStarted && new SourceReload({ source, own, text: first.text, run });
  await stopped;
  clearTimeout(slow);
  print('Stopping …');
  if (reloading) reloading.stop();
  await run.close();
}

interface Own {
  readonly source: SessionTemplate | undefined;
  /** The options that do not come from a template. */
  readonly own: OwnOptions;
}

async function settingsOf(parsed: DevArguments, { source, own }: Own): Promise<ReadSettings> {
  if (source !== undefined) return readSettings(source, own);
  const options = { ...(await entryOptions(parsed)), ...own };
  const settings = { options, apiName: undefined, invokable: [], template: undefined };
  return { settings, warnings: [], text: '' };
}

/** The options of the gateway that do not come from a template. */
async function ownOptions(parsed: DevArguments): Promise<OwnOptions> {
  const { values, flags, lists } = parsed;
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
    extraTables: tablesOf(lists.table),
    dataDirectory: flags.has('ephemeral') ? undefined : join(FOLDER, 'dynamodb'),
    control: true,
    localPagesOnly: !flags.has('any-origin'),
    watch: true,
  };
  textValue(values.stage, '--stage', apiOptionTypes.stage);
  await checkFolder(values.static);
  return own;
}

async function entryOptions(parsed: DevArguments): Promise<StartGatewayOptions> {
  const { values } = parsed;
  if (parsed.lists.parameter.length > 0) {
    throw new CommandLineError(
      '--parameter only works with --template or --assembly, which is missing.',
    );
  }
  const timeoutSeconds = wholeNumber(withoutUnit(values.timeout, 1_000), '--timeout', timeoutType);
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

/** What `--template` or `--assembly` names; `undefined` without them. */
function sourceOf(parsed: DevArguments): SessionTemplate | undefined {
  const source = templateSource(parsed);
  if (source === undefined) return undefined;
  const { entry, values } = parsed;
  const option = source.file === undefined ? '--assembly' : '--template';
  if (entry !== undefined) {
    throw new CommandLineError(
      `${option} runs the functions of the template, so leave out "${entry}".`,
    );
  }
  for (const name of ['routes', 'handler', 'timeout', 'inspect'] as const) {
    if (values[name] !== undefined) {
      throw new CommandLineError(`--${name} is for an entry file; leave it out with ${option}.`);
    }
  }
  return source;
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
    // Nobody reads on, so that SIGPIPE would end most commands.
    process.stdout.once('error', stop);
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

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
