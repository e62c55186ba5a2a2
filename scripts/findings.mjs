// `npm run findings`: lists the entries of test/findings/entries.mjs without a test, and fails if there
// are any. The title of a test begins with the number of its entry, or with several: 'E3 E4 subscribes
// …'. You can pass another folder than the repository.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { areas, entries } from '../test/findings/entries.mjs';

const [, , root = fileURLToPath(new URL('..', import.meta.url))] = process.argv;

/**
 * Titles of tests, of groups of tests, and of checks that a test runs by their `name`; not those of
 * skipped tests.
 */
const TITLE =
  /(?:\b(?:it|test|describe)(?:\.(?!skip\b|todo\b)\w+)*\(|\)\(|\bname:)\s*['"`]((?:[A-Z]\d+ )+)/g;

function filesWithTests() {
  return ['packages', 'examples', 'test'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true })
      .map((name) => join(folder, name))
      .filter((file) => !/(^|[\\/])(node_modules|dist)[\\/]/.test(file))
      // Beside the tests, what `@gatecast/framework/testing` checks of every store.
      .filter(
        (file) =>
          /\.(test|cluster|verify)\.ts$/.test(file) || /src[\\/]testing[\\/].*\.ts$/.test(file),
      ),
  );
}

const tested = new Set();
for (const file of filesWithTests()) {
  for (const [, numbers] of readFileSync(join(root, file), 'utf8').matchAll(TITLE)) {
    for (const number of numbers.trim().split(' ')) tested.add(number);
  }
}

const missing = Object.keys(entries).filter((number) => !tested.has(number));
for (const [area, title] of Object.entries(areas)) {
  const untested = missing.filter((number) => number.startsWith(area));
  if (untested.length === 0) continue;
  process.stdout.write(`\n${title}\n`);
  for (const number of untested) {
    process.stdout.write(`  ${number.padEnd(4)} ${entries[number]}\n`);
  }
}
const count = Object.keys(entries).length;
process.stdout.write(`\n${count - missing.length} of ${count} entries have a test.\n`);
if (missing.length > 0) process.exitCode = 1;
