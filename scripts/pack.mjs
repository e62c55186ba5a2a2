// Packs every package as npm would publish it and checks the archives: their `exports`, types and
// files. `node scripts/pack.mjs <folder>` leaves the archives there.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runQuietly } from './run.mjs';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('Name a folder: node scripts/pack.mjs <folder>');

mkdirSync(folder, { recursive: true });
const workspaces = readdirSync(new URL('../packages', import.meta.url)).flatMap((name) => [
  '--workspace',
  `packages/${name}`,
]);
runQuietly('npm', ['pack', '--pack-destination', folder, ...workspaces]);

for (const name of readdirSync(folder).filter((file) => file.endsWith('.tgz'))) {
  runQuietly('npx', ['publint', '--strict', join(folder, name)]);
  // The packages are ESM alone, so what older resolutions make of them is no finding.
  runQuietly('npx', ['attw', '--profile', 'esm-only', join(folder, name)]);
}
