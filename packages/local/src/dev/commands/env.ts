import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { StartError } from '../../start-error.js';
import { portOf, runningSession } from './ask-gateway.js';
import { CommandLineError, parseWords } from './command-line.js';

const formats: Readonly<Record<string, (name: string, value: string) => string>> = {
  sh: (name, value) => `export ${name}='${value.replaceAll("'", "'\\''")}'`,
  // For PowerShell, typographic quotes are the same as the plain one.
  powershell: (name, value) => `$env:${name} = '${value.replaceAll(/['‘’‚‛]/g, '$&$&')}'`,
  dotenv: (name, value) => `${name}=${quoted(value)}`,
};

/**
 * What a shell evaluates in place of the variables, so that it does not go on without them: a script would then
 * reach AWS.
 */
const failures: Readonly<Record<string, string>> = {
  sh: 'false\n',
  powershell: "throw 'gatecast env failed'\n",
};

/** Variables of the shell with which the AWS SDK would not look at the access key of the gateway. */
const FOREIGN: readonly string[] = ['AWS_PROFILE', 'AWS_DEFAULT_PROFILE'];

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export const envUsage = `gatecast env [--port number] -- command [argument ...]
gatecast env [--format sh|powershell|dotenv] [--port number]
  Runs a command in the environment of a running "gatecast dev", so that it uses its connections and
  stores, or prints that environment: its addresses, Region, stage, tables, and an access key. Run it in
  the folder of "gatecast dev", and again after each restart, which makes a new access key.

  --format name         sh (default), powershell, or dotenv for a file that "node --env-file" reads
  --port number         the port of "gatecast dev" (default: 3000)

Examples:
  gatecast env -- node publish.mjs
  eval "$(gatecast env)" && node publish.mjs
  gatecast env --format powershell | Out-String | Invoke-Expression
  gatecast env --format dotenv > .env.local`;

/** `gatecast env`: resolves to the exit code of the command after `--`. */
export async function env(args: readonly string[]): Promise<number> {
  const divider = args.indexOf('--');
  if (divider >= 0) return runIn(args.slice(0, divider), args.slice(divider + 1));
  try {
    await printVariables(args);
    return 0;
  } catch (error) {
    const [name = 'sh'] = /powershell|dotenv/.exec(args.join(' ')) ?? [];
    // A person at a terminal only reads why.
    if (!process.stdout.isTTY) process.stdout.write(failures[name] ?? '');
    throw error;
  }
}

async function printVariables(args: readonly string[]): Promise<void> {
  const { words, values } = parseWords(args, ['port', 'format']);
  if (words.length > 0) {
    throw new CommandLineError(
      `"gatecast env" does not take "${words[0]}". Before a command, write --: gatecast env -- node publish.mjs`,
    );
  }
  const { format: name = 'sh' } = values;
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (!format) {
    const known = Object.keys(formats).join(', ');
    throw new CommandLineError(`--format takes one of ${known}, not "${name}".`);
  }
  const { environment } = await runningSession(portOf(values.port));
  const lines = Object.entries(environment).map(([key, value]) => `${format(key, value)}\n`);
  process.stdout.write(lines.join(''));
}

/** Runs a command with the variables, and resolves to its exit code, or 128 and the number of its signal. */
async function runIn(
  own: readonly string[],
  [command, ...args]: readonly string[],
): Promise<number> {
  const { words, values } = parseWords(own, ['port']);
  if (words.length > 0) {
    throw new CommandLineError(`Write --port only before --, not "${words[0]}".`);
  }
  if (command === undefined) {
    throw new CommandLineError('After -- the command is missing: gatecast env -- node publish.mjs');
  }
  const { environment } = await runningSession(portOf(values.port));
  const inherited = Object.entries(process.env).filter(([name]) => !FOREIGN.includes(name));
  const options = {
    env: { ...Object.fromEntries(inherited), ...environment },
    stdio: 'inherit' as const,
    // On Windows, what npm installs are scripts, which only a shell runs.
    shell: process.platform === 'win32',
  };
  const child = options.shell
    ? spawn([command, ...args].map(quotedForCmd).join(' '), options)
    : spawn(command, args, options);
  const pass = (signal: NodeJS.Signals): void => {
    // A terminal sends Ctrl-C to both.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, pass);
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', ({ message }) =>
        reject(new StartError('ERR_COMMAND_NOT_STARTED', `"${command}" did not start: ${message}`)),
      );
      child.on('close', (code, signal) =>
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
      );
    });
  } finally {
    for (const signal of SIGNALS) process.off(signal, pass);
  }
}

/** An argument for a line of cmd.exe. There, a percent sign is that of a variable also between quotes. */
function quotedForCmd(text: string): string {
  if (/^[\w./:=@\\-]+$/.test(text)) return text;
  const quotes = text.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/\\+$/, '$&$&');
  return `"${quotes}"`;
}

/** Node reads a value between quotes of the same kind as it is, but for `\n` between double ones. */
function quoted(value: string): string {
  const quote = ["'", '`', '"'].find((mark) => !value.includes(mark)) ?? "'";
  return `${quote}${value}${quote}`;
}
