import { portOf, runningSession } from './ask-gateway.js';
import { type Arguments, CommandLineError, parseArguments } from './command-line.js';

const formats: Readonly<Record<string, (name: string, value: string) => string>> = {
  sh: (name, value) => `export ${name}='${value.replaceAll("'", "'\\''")}'`,
  // For PowerShell, typographic quotes are the same as the plain one.
  powershell: (name, value) => `$env:${name} = '${value.replaceAll(/['‘’‚‛]/g, '$&$&')}'`,
  dotenv: (name, value) => `${name}=${quoted(value)}`,
};

export const envUsage = `gatecast env [--format sh|powershell|dotenv] [--port number]
  Prints the environment of a running "gatecast dev", for another process that uses its connections and
  stores: its addresses, Region, stage, tables, and an access key. Run it in the folder of "gatecast dev",
  and again after each restart, which makes a new access key.

  --format name         sh (default), powershell, or dotenv for a file that "node --env-file" reads
  --port number         the port of "gatecast dev" (default: 3000)

Examples:
  eval "$(gatecast env)" && node publish.mjs
  gatecast env --format powershell | Out-String | Invoke-Expression
  gatecast env --format dotenv > .env.local`;

/** `gatecast env` */
export async function env(args: readonly string[]): Promise<void> {
  const { entry, values }: Arguments<'port' | 'format'> = parseArguments(args, ['port', 'format']);
  if (entry !== undefined) throw new CommandLineError(`"gatecast env" does not take "${entry}".`);
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

/** Node reads a value between quotes of the same kind as it is, but for `\n` between double ones. */
function quoted(value: string): string {
  const quote = ["'", '`', '"'].find((mark) => !value.includes(mark)) ?? "'";
  return `${quote}${value}${quote}`;
}
