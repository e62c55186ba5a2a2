// `npm run test:lowest-peers`: tests a copy of the built packages with the lowest version of each peer
// dependency in their ranges. Peers that are installed in that version anyway are covered by `npm test`.
// To test only some, add `-- ioredis`; for other versions, `-- ioredis@5.0.0` or, for the newest,
// `-- aws-cdk-lib@2 constructs@10`.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './run.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = fs.readdirSync(join(root, 'packages'));

/** CDK must be installed once, so each of these needs the others beside it. */
const CDK = ['aws-cdk-lib', 'constructs', 'cdk-nag'];

/** For each peer, the beginning of the paths of its tests, and the entry point whose types use it. */
const PEERS = {
  '@aws-sdk/client-apigatewaymanagementapi': {
    tests: ['framework/test/aws-gateway', 'framework/test/signing', 'framework/test/stage'],
    entry: '@gatecast/framework/aws-gateway',
  },
  '@aws-sdk/client-dynamodb': {
    tests: ['adapters/test/dynamodb'],
    entry: '@gatecast/adapters/dynamodb',
  },
  'aws-cdk-lib': {
    tests: ['cdk-construct/test/'],
    entry: '@gatecast/cdk-construct',
    beside: CDK,
  },
  // Version 4 only verifies RS256 and similar algorithms, and has no `JwtVerifier`.
  'aws-jwt-verify': { tests: ['framework/test/jwt'], entry: '@gatecast/framework/jwt' },
  'class-transformer': {
    tests: ['framework/test/class-validator'],
    entry: '@gatecast/framework/class-validator',
  },
  'class-validator': {
    tests: ['framework/test/class-validator'],
    entry: '@gatecast/framework/class-validator',
  },
  constructs: {
    tests: ['cdk-construct/test/'],
    entry: '@gatecast/cdk-construct',
    beside: CDK,
  },
  // Before 5.3 it exports `Redis` only as a type.
  ioredis: { tests: ['adapters/test/redis'], entry: '@gatecast/adapters/redis' },
};

const readJson = (...path) => JSON.parse(fs.readFileSync(join(...path), 'utf8'));
const installed = (name, folder = root) =>
  readJson(folder, 'node_modules', name, 'package.json').version;

/** The lowest version in the range of each peer: `{ name: version }`. */
function lowestVersions() {
  const versions = {};
  for (const folder of packages) {
    const { peerDependencies = {} } = readJson(root, 'packages', folder, 'package.json');
    for (const [name, range] of Object.entries(peerDependencies)) {
      // Ranges begin with the lowest version in these packages.
      const [lowest] = /\d+\.\d+\.\d+/.exec(range) ?? [];
      if (!lowest || !(name in PEERS))
        throw new Error(
          `The peer ${name} ${range} is not known. Add it to PEERS in scripts/lowest-peers.mjs.`,
        );
      versions[name] = lowest;
    }
  }
  return versions;
}

/** The peers in the command line, or those that are installed in another version. */
function wantedVersions(specs) {
  const lowest = Object.entries(lowestVersions());
  if (specs.length === 0) {
    return Object.fromEntries(lowest.filter(([name, version]) => installed(name) !== version));
  }
  const known = new Map(lowest);
  return Object.fromEntries(
    specs.map((spec) => {
      const [, name = '', version] = /^(@?[^@]+)(?:@(.+))?$/.exec(spec) ?? [];
      if (!known.has(name)) throw new Error(`"${spec}" is not a peer of the packages.`);
      return [name, version ?? known.get(name)];
    }),
  );
}

/** The peers, and in the version of the repository what has to be beside them. */
function withNeighbours(versions) {
  const beside = Object.keys(versions).flatMap((name) => PEERS[name].beside ?? []);
  return { ...Object.fromEntries(beside.map((name) => [name, installed(name)])), ...versions };
}

/** Links all modules of the repository except some. */
function linkModules(from, to, except) {
  fs.mkdirSync(to, { recursive: true });
  for (const name of fs.readdirSync(from)) {
    if (name.startsWith('.') || except.includes(name)) continue;
    const inScope = except
      .filter((path) => path.startsWith(`${name}/`))
      .map((path) => path.slice(name.length + 1));
    if (inScope.length > 0) linkModules(join(from, name), join(to, name), inScope);
    else fs.symlinkSync(join(from, name), join(to, name), 'junction');
  }
}

/** Copies the packages and the example that their tests use, and links the installed modules except some. */
function copyPackages(folder, peers) {
  for (const file of [
    'package.json',
    'package-lock.json',
    'tsconfig.base.json',
    'vitest.config.ts',
  ]) {
    fs.cpSync(join(root, file), join(folder, file));
  }
  const targets = new Map(packages.map((name) => [`@gatecast/${name}`, join('packages', name)]));
  for (const path of [...targets.values(), 'examples']) {
    const filter = (source) => basename(source) !== 'node_modules';
    fs.cpSync(join(root, path), join(folder, path), { recursive: true, filter });
  }
  for (const name of peers) targets.set(name, join('lowest/node_modules', name));
  const modules = join(folder, 'node_modules');
  linkModules(join(root, 'node_modules'), modules, [...targets.keys()]);
  for (const [name, path] of targets) {
    fs.mkdirSync(join(modules, dirname(name)), { recursive: true });
    fs.symlinkSync(join(folder, path), join(modules, name), 'junction');
  }
}

/** Runs a program. Throws if it fails. */
function runIn(cwd, command, ...args) {
  const shell = process.platform === 'win32';
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit', shell });
  if (error || status !== 0) throw error ?? new Error(`${command} ${args.join(' ')} failed.`);
}

const versions = wantedVersions(process.argv.slice(2));
const names = Object.keys(versions);
const modules = Object.entries(withNeighbours(versions));
const specs = modules.map(([name, version]) => `${name}@${version}`);
process.stdout.write(`Beside ${specs.join(', ') || 'nothing: all of them are installed'}:\n`);
if (specs.length === 0) process.exit();

build();
const folder = fs.mkdtempSync(join(tmpdir(), 'gatecast-lowest-'));
try {
  copyPackages(
    folder,
    modules.map(([name]) => name),
  );
  fs.mkdirSync(join(folder, 'lowest'));
  fs.writeFileSync(join(folder, 'lowest/package.json'), '{ "private": true }');
  const quietly = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  runIn(join(folder, 'lowest'), 'npm', 'install', ...quietly, ...specs);
  const found = modules.map(([name]) => `${name}@${installed(name, join(folder, 'lowest'))}`);
  process.stdout.write(`Installed ${found.join(', ')}\n`);

  // Checks the types like a project without skipLibCheck.
  const imports = names.map((name) => `export * from '${PEERS[name].entry}';\n`);
  fs.writeFileSync(join(folder, 'types.ts'), [...new Set(imports)].join(''));
  const options = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--types', 'node'];
  const modern = ['--ignoreConfig', '--module', 'NodeNext', '--target', 'ES2022'];
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  runIn(folder, process.execPath, tsc, ...options, ...modern, 'types.ts');

  const tests = names.flatMap((name) => PEERS[name].tests).map((file) => `packages/${file}`);
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  runIn(folder, process.execPath, vitest, 'run', ...new Set(tests));
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
