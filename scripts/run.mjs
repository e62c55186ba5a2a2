// Installs the dependencies if package-lock.json has changed since the last time. It only needs Node and
// npm, so that `npm start` and `npm test` work in a new clone.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { removeStale } from './remove-stale.mjs';

const root = new URL('..', import.meta.url);
/** Contains the hash of the installed lock file, and "without CDK" if that was left out. */
const mark = new URL('node_modules/.installed-lock', root);
/** Workspaces that need CDK and jsii, which are larger than half of all other dependencies. */
const CDK_WORKSPACES = ['@gatecast/cdk-construct', '@gatecast/example-chat-infra'];

/** The options of the command line. Prints the usage and ends this process for --help, and if one is unknown. */
export function optionsOf(usage, options) {
  let values;
  try {
    ({ values } = parseArgs({ options: { ...options, help: { type: 'boolean' } } }));
  } catch ({ message }) {
    process.stderr.write(`${message}\n${usage}`);
    process.exit(2);
  }
  if (values.help) {
    process.stdout.write(usage);
    process.exit();
  }
  return values;
}

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

/** Installs the dependencies if necessary. `npm start` needs no CDK. */
export function installDependencies({ withCdk = true } = {}) {
  const lock = readFileSync(new URL('package-lock.json', root), 'utf8');
  const hash = createHash('sha256').update(lock).digest('hex');
  const withoutCdk = `${hash} without CDK`;
  const installed = installedLock();
  if (installed === hash || (installed === withoutCdk && !withCdk)) return;
  process.stdout.write('Installing dependencies …\n');
  const quietly = ['--no-audit', '--no-fund', '--loglevel=error'];
  if (!withCdk) {
    run('npm', ['ci', ...quietly, '--include-workspace-root', ...workspacesWithoutCdk(lock)]);
  } else if (installed === withoutCdk) {
    // Adds what is missing, while `npm ci` would remove everything first.
    run('npm', ['install', '--no-save', ...quietly]);
  } else {
    run('npm', ['ci', ...quietly]);
  }
  writeFileSync(mark, withCdk ? hash : withoutCdk);
}

/** By name, because the folder examples/chat would also stand for the workspace within it. */
function workspacesWithoutCdk(lock) {
  return Object.entries(JSON.parse(lock).packages)
    .filter(([, { link }]) => link)
    .map(([path]) => path.slice('node_modules/'.length))
    .filter((name) => !CDK_WORKSPACES.includes(name))
    .flatMap((name) => ['--workspace', name]);
}

function installedLock() {
  try {
    return readFileSync(mark, 'utf8');
  } catch {
    return undefined;
  }
}

/** Compiles the framework, and the construct unless it is compiled already. */
export function build() {
  run('npm', ['run', '--silent', 'build']);
  run('npm', ['run', '--silent', 'build', '--workspace', 'packages/cdk-construct']);
}

/** Packs all packages into a folder, as npm would publish them. They must be built. */
export function pack(folder) {
  mkdirSync(folder, { recursive: true });
  const packages = readdirSync(new URL('packages', root));
  for (const name of packages) removeStale(fileURLToPath(new URL(`packages/${name}`, root)));
  const workspaces = packages.flatMap((name) => ['--workspace', `packages/${name}`]);
  runQuietly('npm', ['pack', '--pack-destination', folder, ...workspaces]);
}
