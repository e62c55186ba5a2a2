// Installs the dependencies if package-lock.json has changed since the last time. It only needs Node and
// npm, so that `npm start` and `npm test` work in a new clone.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
/** Contains the hash of the installed lock file. */
const mark = new URL('node_modules/.installed-lock', root);

/** Runs a program in the repository's root. Ends this process if it fails. */
export function run(command, args) {
  finish(spawn(command, args, 'inherit'));
}

/** The same, but shows the output only if the program fails. */
export function runQuietly(command, args) {
  const result = spawn(command, args, 'pipe');
  if (result.status !== 0) process.stderr.write(`${result.stdout}${result.stderr}`);
  finish(result);
}

function spawn(command, args, stdio) {
  return spawnSync(command, args, {
    cwd: fileURLToPath(root),
    stdio,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
}

function finish({ status, error }) {
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** Installs the dependencies if necessary. */
export function installDependencies() {
  const lock = createHash('sha256')
    .update(readFileSync(new URL('package-lock.json', root)))
    .digest('hex');
  if (lock === installedLock()) return;
  process.stdout.write('Installing dependencies …\n');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  writeFileSync(mark, lock);
}

function installedLock() {
  try {
    return readFileSync(mark, 'utf8');
  } catch {
    return undefined;
  }
}
