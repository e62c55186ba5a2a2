// Packs every package as npm would publish it and checks the archives: their `exports`, types and
// files. `node scripts/pack.mjs <folder>` writes the archives to that folder. Needs all packages built.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pack, runQuietly } from './run.mjs';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('The folder is missing: node scripts/pack.mjs <folder>');

pack(folder);

for (const name of readdirSync(folder).filter((file) => file.endsWith('.tgz'))) {
  runQuietly('npx', ['publint', '--strict', join(folder, name)]);
  // All but the construct are ESM only, so problems of older module resolutions do not count.
  const profile = name.startsWith('gatecast-cdk-construct-') ? 'strict' : 'esm-only';
  runQuietly('npx', ['attw', '--profile', profile, join(folder, name)]);
}
