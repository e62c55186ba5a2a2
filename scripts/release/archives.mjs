// `node scripts/release/archives.mjs <folder>`: checks that the archives in a folder may be published together,
// beside what publint and attw check.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const DEPENDENCIES = ['dependencies', 'peerDependencies', 'optionalDependencies'];
/** Files that only the repository needs. */
const SUPERFLUOUS = /\.test\.|\.tsbuildinfo$|(^|\/)tsconfig\.json$|(^|\/)(test|fixtures)\//;

/** What an archive contains. */
function readArchive(file) {
  const tar = (...args) => execFileSync('tar', [...args], { encoding: 'utf8' });
  const text = (name) => tar('-xzOf', file, `package/${name}`);
  const files = tar('-tzf', file)
    .split('\n')
    .filter((name) => name !== '' && !name.endsWith('/'))
    .map((name) => name.replace(/^package\//, ''));
  const optional = (name) => (files.includes(name) ? text(name) : '');
  return {
    files,
    manifest: JSON.parse(text('package.json')),
    license: optional('LICENSE'),
    readme: optional('README.md'),
    changelog: optional('CHANGELOG.md'),
  };
}

function faultsOf(archives, repository) {
  const versions = new Map(archives.map(({ manifest }) => [manifest.name, manifest.version]));
  const faults = archives.flatMap((archive) =>
    [
      ...faultsOfFiles(archive, repository),
      ...faultsOfManifest(archive.manifest, repository),
      ...faultsOfDependencies(archive.manifest, versions),
    ].map((fault) => `${archive.manifest.name}: ${fault}`),
  );
  const different = [...new Set(versions.values())];
  if (different.length > 1) faults.push(`The versions differ: ${different.join(', ')}.`);
  return faults;
}

function faultsOfFiles({ files, license, readme, changelog, manifest }, repository) {
  const faults = files
    .filter((name) => SUPERFLUOUS.test(name))
    .map((name) => `"${name}" should not be published.`);
  if (license !== repository.license) faults.push("LICENSE is not the repository's.");
  if (!readme.startsWith(`# ${manifest.name}\n`))
    faults.push('README.md does not begin with the name.');
  if (!readme.includes('npm install ')) faults.push('README.md does not say how to install it.');
  // npmjs.com does not have the files that a relative link leads to.
  for (const [, target] of readme.matchAll(/\]\((?!\w+:|#)([^)\s]*)\)/g)) {
    faults.push(`The link "${target}" in README.md is relative.`);
  }
  if (!changelog.includes(`\n## ${manifest.version}\n`)) {
    faults.push(`CHANGELOG.md does not have version ${manifest.version}.`);
  }
  return faults;
}

function faultsOfManifest(manifest, { engines, url }) {
  const folder = manifest.name.replace(/^@gatecast\//, '');
  const expected = {
    private: undefined,
    license: 'Apache-2.0',
    engines,
    repository: { type: 'git', url, directory: `packages/${folder}` },
    publishConfig: { access: 'public', provenance: true },
  };
  return Object.entries(expected)
    .filter(([field, value]) => JSON.stringify(manifest[field]) !== JSON.stringify(value))
    .map(([field, value]) => `"${field}" is not ${JSON.stringify(value)} in package.json.`);
}

function faultsOfDependencies(manifest, versions) {
  return DEPENDENCIES.flatMap((kind) =>
    Object.entries(manifest[kind] ?? {}).flatMap(([name, range]) => {
      if (/^(file|link|workspace|git|https?|portal):|^[.~]?\//.test(range)) {
        return [`"${name}": "${range}" of ${kind} is not on a registry.`];
      }
      if (name !== 'gatecast' && !name.startsWith('@gatecast/')) return [];
      if (!versions.has(name)) return [`"${name}" of ${kind} is not published.`];
      return range === versions.get(name) ? [] : [`"${name}": "${range}" of ${kind} is not exact.`];
    }),
  );
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  throw new Error('The folder is missing: node scripts/release/archives.mjs <folder>');
}
const root = new URL('../../', import.meta.url);
const archives = readdirSync(folder)
  .filter((name) => name.endsWith('.tgz'))
  .map((name) => readArchive(join(folder, name)));
const faults = faultsOf(archives, {
  license: readFileSync(new URL('LICENSE', root), 'utf8'),
  engines: JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).engines,
  url: 'git+https://github.com/gatecast/gatecast.git',
});
for (const fault of faults) process.stderr.write(`${fault}\n`);
if (archives.length === 0) throw new Error(`There is no archive in "${folder}".`);
if (faults.length > 0) process.exit(1);
const [{ manifest }] = archives;
process.stdout.write(
  `${archives.length} archives of version ${manifest.version} may be published\n`,
);
