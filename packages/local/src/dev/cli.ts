import { readFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { StartError } from '../start-error.js';
import { clock, clockUsage } from './commands/clock.js';
import { CommandLineError } from './commands/command-line.js';
import { dev, devUsage } from './commands/dev.js';
import { fault, faultUsage } from './commands/fault.js';
import { manifest, manifestUsage } from './commands/manifest.js';
import { routes, routesUsage } from './commands/routes.js';
import { template, templateUsage } from './commands/template.js';

const commands = new Map([
  ['dev', dev],
  ['routes', routes],
  ['manifest', manifest],
  ['template', template],
  ['clock', clock],
  ['fault', fault],
]);

const HELP = `Runs and describes realtime functions for API Gateway WebSocket APIs.

${devUsage}

${routesUsage}

${manifestUsage}

${templateUsage}

${clockUsage}

${faultUsage}

gatecast --help
gatecast --version
`;

/** Runs the `gatecast` command and resolves to its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version') {
    process.stdout.write(`${await packageVersion()}\n`);
    return 0;
  }
  if (name === undefined || args.includes('--help')) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    const command = commands.get(name);
    if (command === undefined) {
      const known = [...commands.keys()].join(', ');
      throw new CommandLineError(`There is no command "${name}". Use one of: ${known}.`);
    }
    await command(rest);
    return 0;
  } catch (error) {
    if (error instanceof CommandLineError) {
      process.stderr.write(`${error.message}\nRun "gatecast --help" to see the usage.\n`);
      return 2;
    }
    process.stderr.write(`${error instanceof StartError ? error.message : described(error)}\n`);
    return 1;
  }
}

/** Errors of wrong values say what to change; of others, the stack is needed. */
function described(error: unknown): string {
  return error instanceof Error && 'hint' in error
    ? `${error.message}\n${String(error.hint)}`
    : inspect(error);
}

async function packageVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}
