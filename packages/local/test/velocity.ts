import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe } from 'vitest';

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

/** The outputs of Apache Velocity 1.7; `undefined` for a template that fails. */
export async function renderWithVelocity(
  cases: readonly VelocityCase[],
): Promise<readonly (string | undefined)[]> {
  const lines = cases.flatMap(({ template, context, body = {} }) => [
    ...settings({ context, body }),
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
