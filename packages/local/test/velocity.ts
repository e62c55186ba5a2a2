import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe } from 'vitest';
import { parseJson } from '../src/gateway/routes/json-path.js';
import { mappingTemplate } from '../src/gateway/routes/templates/mapping-template.js';
import { templateVariables } from '../src/gateway/routes/templates/template-variables.js';

const JARS = '/usr/share/java';
const classPath = ['velocity.jar', 'commons-collections3.jar', 'commons-lang.jar']
  .map((jar) => join(JARS, jar))
  .join(delimiter);
const program = fileURLToPath(new URL('fixtures/velocity/Render.java', import.meta.url));

const isMissing =
  !process.env['CI'] &&
  (!existsSync(join(JARS, 'velocity.jar')) || spawnSync('javac', ['-version']).status !== 0);
if (isMissing) {
  // oxlint-disable-next-line no-console -- a part that is not tested is skipped loudly.
  console.warn(
    'Apache Velocity is missing, so mapping templates are NOT compared with it: ' +
      'apt-get install velocity openjdk-17-jdk-headless',
  );
}

/** `describe`, skipped if Apache Velocity 1.7 or a Java compiler is missing. In CI it fails then. */
// oxlint-disable-next-line vitest/valid-describe-callback, vitest/valid-title -- this does not call describe.
export const describeVelocity = describe.skipIf(isMissing);

/** A template with its variables: `$context`, and the body that `$input.path` reads. */
export interface VelocityCase {
  readonly template: string;
  readonly context: object;
  readonly body?: object;
}

/** `$context` of a new connection. */
const context = {
  connectionId: 'PJqB0fHsqRcCHlw=',
  requestId: 'PJqB0E1tKRcF-Qw=',
  apiId: 'local00000',
  stage: 'live',
  requestTimeEpoch: 1_701_245_041_796,
  connectedAt: 1_701_245_041_794,
};

/** A new connection of a user, with the values that an authorizer of Gatecast adds. */
export function connectionOf(user: string): { readonly context: object; readonly user: string } {
  const authorizer = { gatecastUserId: user, gatecastExpiresAt: '1900000000000' };
  return { context: { ...context, authorizer }, user };
}

/** Every character that JSON, JavaScript, Velocity or a pattern could take for something else. */
const awkwardUsers = [
  "it's",
  'a"b',
  'back\\slash',
  `\\' \\\\' '' \\" \\\\`,
  '$context.connectionId ${x} $!x #set($x = 1) #if(true) ## #* *#',
  'line\nbreak\ttab\r\b\f\u0001\u007f',
  '</script> & é 你 🙂 \u2028',
  '{"json":true}',
];

/** New connections: one without an authorizer, and one of each awkward user. */
export const connections: readonly { readonly context: object; readonly user?: string }[] = [
  { context },
  ...awkwardUsers.map(connectionOf),
];

/** A template with its output, parsed if it is JSON; without one if it fails. */
export type Rendered = VelocityCase & { readonly output: unknown };

/** Renders every template with the local engine and with Apache Velocity 1.7, in this order. */
export async function renderTwice(
  cases: readonly VelocityCase[],
): Promise<readonly [readonly Rendered[], readonly Rendered[]]> {
  const outputs = await renderWithVelocity(cases);
  if (outputs.length !== cases.length) throw new Error(`Velocity made ${outputs.length} outputs.`);
  return [
    cases.map((one) => ({ ...one, output: comparable(renderHere(one)) })),
    cases.map((one, index) => ({ ...one, output: comparable(outputs[index]) })),
  ];
}

/** Two texts that are the same JSON, such as "\/" and "/", are equal for every service. */
function comparable(output: string | undefined): unknown {
  return parseJson(output ?? '') ?? output;
}

function renderHere({ template, context: values, body = {} }: VelocityCase): string | undefined {
  const text = JSON.stringify(body);
  const variables = templateVariables({ context: values, stageVariables: undefined, body: text });
  try {
    return mappingTemplate(template)(variables);
  } catch {
    return undefined;
  }
}

/** The outputs of Apache Velocity; `undefined` for a template that fails. */
async function renderWithVelocity(
  cases: readonly VelocityCase[],
): Promise<readonly (string | undefined)[]> {
  const lines = cases.flatMap(({ template, context: values, body = {} }) => [
    ...settings({ context: values, body }),
    `render ${base64(template)}`,
  ]);
  const run = promisify(execFile)('java', ['-cp', classPath, program]);
  run.child.stdin?.end(`${lines.join('\n')}\n`);
  const { stdout } = await run;
  return stdout
    .trimEnd()
    .split(/\r?\n/)
    .map((line) =>
      line === 'failed' ? undefined : Buffer.from(line.split(' ')[1] ?? '', 'base64').toString(),
    );
}

/** One line for each value of an object, with its path. */
function settings(values: object, prefix = ''): string[] {
  return Object.entries(values).flatMap(([name, value]: [string, unknown]) => {
    const path = `${prefix}${name}`;
    if (typeof value === 'object' && value !== null) return settings(value, `${path}.`);
    return typeof value === 'number'
      ? [`set ${path} number ${value}`]
      : [`set ${path} text ${base64(String(value))}`];
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
