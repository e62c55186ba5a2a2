// Runs the repros of this folder from the root of a built checkout, and counts those that hold:
// node test/findings/run-all.mjs [part of a name]
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NO_REPROS = ['entries.mjs', 'lib.mjs', 'run-all.mjs'];
const folder = fileURLToPath(new URL('.', import.meta.url));
const [, , part = ''] = process.argv;
const files = readdirSync(folder).filter(
  (file) => file.endsWith('.mjs') && !NO_REPROS.includes(file) && file.includes(part),
);
let held = 0;
for (const file of files) {
  const args = [folder + file];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 120_000 });
  const last = stdout.trim().split('\n').at(-1) || 'FAILS: it printed nothing';
  if (last === 'holds') held += 1;
  process.stdout.write(`${file.padEnd(24)} ${last}\n`);
}
process.stdout.write(`${held} of ${files.length} hold\n`);
if (held < files.length) process.exitCode = 1;
