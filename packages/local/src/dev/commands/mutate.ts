import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { StartError } from '../../start-error.js';
import type { Exemption } from '../mutation/exemptions.js';
import type { MutantResult } from '../mutation/mutate.js';
import type { Session } from '../mutation/session.js';
import { CommandLineError, parseArguments } from './command-line.js';
import { templateSource } from './template-arguments.js';

export const mutateUsage = `gatecast mutate --template template.yaml --session session.mjs [options]
gatecast mutate --assembly cdk.out [--stack name] --session session.mjs [options]
  Finds what a template does not need, or your tests do not notice: it removes one action, statement,
  permission, response, variable or property after the other, and lets a session run against a local
  gateway each time, in about a second. Prints for each part whether the session or the gateway has
  "noticed" that it was missing, and how; "unnoticed" if neither has; or "exempt" with the reason. Ends
  with the unnoticed parts, and with 1 if there is one.

  --template file       the SAM or CloudFormation template
  --assembly folder     the same for the stacks of a cloud assembly, which "cdk synth" writes
  --stack name          only this stack of the assembly
  --parameter Name=Value  value for a parameter of the template
  --stage name          the stage (default: the template's only one)
  --session file        an ES module whose default export gets the gateway of startGateway(), uses the API
                        as clients do, and throws an error if something is wrong
  --only text           only the parts whose name contains it
  --exempt file         JSON of parts that need not be noticed: {"NAME OF A PART": "the reason"}

Example:
  gatecast mutate --assembly cdk.out --stack Chat --session session.mjs`;

/** `gatecast mutate`: throws unless every part is noticed or exempt. */
export async function mutate(args: readonly string[]): Promise<void> {
  const parsed = parseArguments(
    args,
    ['template', 'assembly', 'stack', 'stage', 'session', 'only', 'exempt'],
    { lists: ['parameter'] },
  );
  const { values, entry } = parsed;
  if (entry !== undefined) throw new CommandLineError(`"${entry}" needs an option before it.`);
  const source = templateSource(parsed);
  if (source === undefined || values.session === undefined) {
    const missing = source === undefined ? '--template or --assembly' : '--session';
    throw new CommandLineError(`${missing} is missing.`);
  }
  const session = await sessionIn(values.session);
  const exemptions = values.exempt === undefined ? [] : await exemptionsIn(values.exempt);
  // Loaded here, because the gateway takes a while to load.
  const { mutate: run } = await import('../mutation/mutate.js');
  const { stacksOf } = await import('./template-source.js');
  const { parameters, stage } = source;
  const running = run({
    stacks: await stacksOf(source),
    parameters,
    stage,
    session,
    only: values.only,
    exemptions,
    onResult: ({ name, outcome, reason }) => print(`${outcome.padEnd(9)}  ${name} (${reason})`),
  });
  try {
    summarize(await running);
  } finally {
    // A session that was given up may run for ever. The exit code is set before.
    setImmediate(() => process.exit());
  }
}

function summarize(results: readonly MutantResult[]): void {
  const of = (outcome: MutantResult['outcome']): readonly MutantResult[] =>
    results.filter((result) => result.outcome === outcome);
  const unnoticed = of('unnoticed');
  print(
    `\nParts: ${of('noticed').length} noticed, ${of('exempt').length} exempt, ${unnoticed.length} unnoticed.`,
  );
  if (unnoticed.length === 0) return;
  const names = unnoticed.map(({ name }) => `  ${name}`).join('\n');
  throw new StartError(
    'ERR_PARTS_UNNOTICED',
    `Nobody has noticed that these parts were missing:\n${names}`,
    'Remove them from the template, let the session use them, or name them in the file of --exempt.',
  );
}

async function sessionIn(file: string): Promise<Session> {
  const module = (await import(pathToFileURL(resolve(file)).href).catch((error: Error) => {
    throw new CommandLineError(
      `--session names "${file}", which cannot be loaded: ${error.message}`,
    );
  })) as { readonly default?: unknown };
  if (typeof module.default === 'function') return module.default as Session;
  throw new CommandLineError(
    `--session names "${file}", which has no default export: export default async ({ url }) => { … }.`,
  );
}

async function exemptionsIn(file: string): Promise<readonly Exemption[]> {
  let reasons: unknown;
  try {
    reasons = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new CommandLineError(
      `--exempt names "${file}", which cannot be read: ${(error as Error).message}`,
    );
  }
  const entries = Object.entries(reasons ?? {});
  if (Array.isArray(reasons) || !entries.every(([, reason]) => typeof reason === 'string')) {
    throw new CommandLineError(
      `--exempt names "${file}", which has to be an object of names with reasons.`,
    );
  }
  return entries.map(([part, reason]) => ({ part, reason: String(reason) }));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
