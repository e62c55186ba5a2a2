// Writes API.md from the compiled construct. With `--check` it does not write, but exits with 1 if the page
// is not up to date. Needs the package's `npm run build` first.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runJsii } from './jsii.mjs';

const require = createRequire(import.meta.url);
const folder = fileURLToPath(new URL('..', import.meta.url));
const page = join(folder, 'API.md');
const isCheck = process.argv.includes('--check');

const copy = mkdtempSync(join(tmpdir(), 'gatecast-api-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const file of ['package.json', '.jsii']) cpSync(join(folder, file), join(copy, file));
// jsii-docgen only looks for dependencies beside the package, but npm installs them in the root.
mkdirSync(join(copy, 'node_modules'));
for (const name of ['aws-cdk-lib', 'constructs']) {
  const installed = dirname(require.resolve(`${name}/package.json`));
  symlinkSync(installed, join(copy, 'node_modules', name), 'junction');
}
runJsii('jsii-docgen', ['--output', 'API'], copy);

const text = readFileSync(join(copy, 'API.md'), 'utf8');
if (!isCheck) {
  writeFileSync(page, text);
} else if (readFileSync(page, 'utf8') !== text) {
  process.stderr.write(
    'packages/cdk-construct/API.md is not current. Run: npm run api --workspace packages/cdk-construct\n',
  );
  process.exitCode = 1;
}
