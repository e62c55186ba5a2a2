// `npm run release:check`: checks that the packages can be published, and that they work when they are
// installed from their archives. Prints a line for each check; the first that fails ends it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serveArchives } from './registry.mjs';
import { build, installDependencies } from './run.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), 'gatecast-release-'));
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }));
const folder = join(temporary, 'archives');

/** Runs a program and returns its output. Throws with the output if it fails. */
async function run(command, args, options = {}) {
  const shell = process.platform === 'win32';
  const child = spawn(command, args, { cwd: root, shell, ...options, stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const [code] = await once(child, 'close');
  if (code === 0) return output;
  throw new Error(`"${command} ${args.join(' ')}" ended with ${code}:\n${output}`);
}

function report(line) {
  process.stdout.write(`✓ ${line}\n`);
}

/** An empty folder with a package.json. Packages that one of ours needs come from the archives, too. */
function emptyProject(name, registry, fields = {}) {
  const cwd = join(temporary, name);
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'package.json'), JSON.stringify({ private: true, ...fields }));
  writeFileSync(
    join(cwd, '.npmrc'),
    `@gatecast:registry=${registry}\naudit=false\nfund=false\nloglevel=error\n`,
  );
  return cwd;
}

function manifestOf(name) {
  return JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
}

/** The file name that npm gives to a package's archive. */
function archiveOf({ name, version }) {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
}

async function publishDryRun(manifest) {
  const { name, version } = manifest;
  try {
    const archive = join(folder, archiveOf(manifest));
    const output = await run('npm', ['publish', '--dry-run', archive]);
    if (output.includes('auto-corrected')) throw new Error(output);
    report(`npm publish --dry-run ${name}@${version}`);
  } catch (error) {
    if (!/cannot publish over the previously published/.test(error.message)) throw error;
    report(`${name}@${version} is published already`);
  }
}

async function commandAlone(registry, archive) {
  const cwd = emptyProject('command', registry);
  await run('npm', ['install', '--prefer-offline', join(folder, archive)], { cwd });
  const help = await run('npx', ['--no-install', 'gatecast', '--help'], { cwd });
  if (!help.includes('gatecast dev')) throw new Error(`"npx gatecast --help" printed:\n${help}`);
  report('npx gatecast --help, with nothing but the package gatecast');
}

/** Requires every entry point. Node prints a warning if it cannot `require()` ES modules silently. */
async function requireEntryPoints(registry, manifests) {
  const esModules = manifests.filter(({ type, exports }) => type === 'module' && exports);
  const peers = esModules.flatMap(({ peerDependencies = {} }) => Object.entries(peerDependencies));
  const cwd = emptyProject('commonjs', registry, { type: 'commonjs' });
  const packages = [...esModules.map(({ name }) => name), ...peers.map((peer) => peer.join('@'))];
  await run('npm', ['install', '--prefer-offline', ...packages], { cwd });
  const entryPoints = esModules.flatMap(({ name, exports }) =>
    Object.keys(exports).map((path) => name + path.slice(1)),
  );
  const code = entryPoints.map(
    (name) => `if (!Object.keys(require('${name}')).length) throw '${name}';\n`,
  );
  writeFileSync(join(cwd, 'all.js'), code.join(''));
  const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
  const printed = await run(process.execPath, ['all.js'], { cwd, env });
  if (printed !== '') throw new Error(`require() of the packages printed:\n${printed}`);
  report(
    `require() of ${entryPoints.length} entry points in a CommonJS project, Node ${process.version}`,
  );
}

async function runTest(file, what) {
  const env = { ...process.env, GATECAST_ARCHIVES: folder };
  await run('npx', ['vitest', 'run', file], { env });
  report(`${what} (${file})`);
}

async function check() {
  installDependencies();
  build();
  report('installed and built');
  await run('node', ['scripts/pack.mjs', folder]);
  const archives = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  report(`publint and attw on ${archives.length} archives`);
  report((await run('node', ['scripts/release/archives.mjs', folder])).trim());
  const manifests = readdirSync(join(root, 'packages')).map(manifestOf);
  for (const manifest of manifests) await publishDryRun(manifest);

  const server = await serveArchives(folder);
  try {
    const registry = `http://localhost:${server.address().port}/`;
    await commandAlone(registry, archiveOf(manifestOf('gatecast')));
    await requireEntryPoints(registry, manifests);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  await runTest(
    'test/packed.test.ts',
    'README in an empty TypeScript project, and its page bundled for browsers',
  );
  await runTest(
    'test/construct-packages.test.ts',
    'the construct in CDK apps, ES module and CommonJS',
  );
  report('The packages can be published.');
}

try {
  await check();
} catch (error) {
  process.stderr.write(`✗ ${error.message}\n`);
  process.exitCode = 1;
}
