import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const folder = fileURLToPath(new URL('..', import.meta.url));

/** Runs jsii, jsii-docgen or jsii-pacmak in the package's folder. Prints its output only if it fails. */
export function runJsii(tool, args, cwd = folder) {
  const program = join(dirname(require.resolve(`${tool}/package.json`)), 'bin', tool);
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [program, ...args], {
    cwd,
    encoding: 'utf8',
    // jsii warns of Node 20, on which Gatecast still runs, and of versions that are newer than itself.
    env: {
      ...process.env,
      JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: process.versions.node.split('.')[0],
      JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION: 'true',
    },
  });
  if (error) throw error;
  if (status === 0) return;
  process.stderr.write(stdout + stderr);
  process.exit(status ?? 1);
}
