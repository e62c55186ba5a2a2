import { readFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { StartError } from '../start-error.js';
import { clock, clockUsage } from './commands/clock.js';
import { CommandLineError } from './commands/command-line.js';
import { dev, devUsage } from './commands/dev.js';
import { env, envUsage } from './commands/env.js';
import { fault, faultUsage } from './commands/fault.js';
import { invoke, invokeUsage } from './commands/invoke.js';
import { manifest, manifestUsage } from './commands/manifest.js';
import { mutate, mutateUsage } from './commands/mutate.js';
import { permissions, permissionsUsage } from './commands/permissions.js';
import { routes, routesUsage } from './commands/routes.js';
import { template, templateUsage } from './commands/template.js';

interface Command {
  /** Resolves to the exit code, if it is not 0. */
  readonly run: (args: readonly string[]) => Promise<number | void>;
  /** The help of the command. */
  readonly usage: string;
  readonly summary: string;
}

const commands: ReadonlyMap<string, Command> = new Map([
  ['dev', { run: dev, usage: devUsage, summary: 'run functions behind a local API Gateway' }],
  ['routes', { run: routes, usage: routesUsage, summary: 'list the routes of an app' }],
  ['manifest', { run: manifest, usage: manifestUsage, summary: 'write the routes as JSON' }],
  ['template', { run: template, usage: templateUsage, summary: 'write a SAM template of an app' }],
  ['env', { run: env, usage: envUsage, summary: 'run a command for a running gateway' }],
  ['invoke', { run: invoke, usage: invokeUsage, summary: 'run a function in that environment' }],
  ['mutate', { run: mutate, usage: mutateUsage, summary: 'find what a template does not need' }],
  [
    'permissions',
    {
      run: permissions,
      usage: permissionsUsage,
      summary: 'print the policies that functions need',
    },
  ],
  ['clock', { run: clock, usage: clockUsage, summary: "move the gateway's clock forward" }],
  ['fault', { run: fault, usage: faultUsage, summary: 'let something go wrong' }],
]);

const HELP = `Runs and describes realtime functions for API Gateway WebSocket APIs.

${[...commands].map(([name, { summary }]) => `  gatecast ${name.padEnd(13)}${summary}`).join('\n')}

  gatecast <command> --help     options and examples of one command
  gatecast --version

Example:
  gatecast dev app.ts
`;

/** Runs the `gatecast` command and resolves to its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreLostReader);
  const [name, ...rest] = args;
  if (name === '--version') {
    process.stdout.write(`${await packageVersion()}\n`);
    return 0;
  }
  const own = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  const isHelp = own.includes('--help') || own.includes('-h');
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const [of = ''] = rest;
    process.stdout.write(helpOf(of));
    return 0;
  }
  const command = commands.get(name);
  if (command && isHelp) {
    process.stdout.write(helpOf(name));
    return 0;
  }
  try {
    if (command === undefined) {
      const known = [...commands.keys()].join(', ');
      throw new CommandLineError(`There is no command "${name}". Use one of: ${known}.`);
    }
    return (await command.run(rest)) ?? 0;
  } catch (error) {
    if (error instanceof CommandLineError) {
      const help = command === undefined ? 'gatecast --help' : `gatecast ${name} --help`;
      process.stderr.write(`${error.message}\nRun "${help}" to see the usage.\n`);
      return 2;
    }
    process.stderr.write(`${error instanceof StartError ? error.message : described(error)}\n`);
    return 1;
  }
}

/** A reader such as `head` may leave before the end. */
function ignoreLostReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

function helpOf(name: string): string {
  const command = commands.get(name);
  return command ? `${command.usage}\n` : HELP;
}

/** Errors of wrong values say what to change; of others, the stack is needed. */
function described(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error);
  if ('hint' in error) return `${error.message}\n${String(error.hint)}`;
  // The gateway refuses routes and options with plain errors, the system files and ports with its own.
  const isPlain = error.constructor === Error && (!('code' in error) || 'syscall' in error);
  return isPlain ? error.message : inspect(error);
}

async function packageVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}
