// Compiles the construct with jsii, which takes seconds, unless nothing has changed since the last time.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runJsii } from './jsii.mjs';

const folder = fileURLToPath(new URL('..', import.meta.url));
const lib = join(folder, 'lib');
/** Contains the hash of what the compiled files were made from. */
const mark = join(folder, '.jsii.inputs');

/** jsii's assembly also has the text of the README and the fields of package.json. */
function hashOfInputs() {
  const sources = readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' });
  const files = ['package.json', 'README.md', ...sources.sort().map((name) => join('src', name))];
  const hash = createHash('sha256');
  for (const file of files.filter((name) => /\.\w+$/.test(name))) {
    hash.update(`${file}\n`).update(readFileSync(join(folder, file)));
  }
  return hash.digest('hex');
}

const isCompiled = [join(folder, '.jsii'), join(lib, 'index.js'), mark].every((file) =>
  existsSync(file),
);
const hash = hashOfInputs();
if (!isCompiled || readFileSync(mark, 'utf8') !== hash) {
  // Files of sources that are gone would be published.
  rmSync(lib, { recursive: true, force: true });
  runJsii('jsii', ['--fail-on-warnings']);
  writeFileSync(mark, hash);
}
