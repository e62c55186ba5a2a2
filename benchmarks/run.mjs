// `npm run bench -- NAME`: installs and builds everything necessary, runs one benchmark, prints a table
// and writes JSON to benchmarks/results/.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { installDependencies, runQuietly } from '../scripts/run.mjs';

const folder = new URL('.', import.meta.url);

/** All benchmarks of this folder, with the first sentence of the comment at the top. */
function benchmarks() {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.mjs'))
    .flatMap((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8');
      if (!/^export async function measure\(/m.test(text)) return [];
      const [comment] = /^(\/\/ .*\n)+/.exec(text) ?? [''];
      const [about] = comment.replaceAll(/^\/\/ |\n/gm, ' ').split(/[.:;,](?:\s|$)/);
      return [{ name: file.slice(0, -'.mjs'.length), about: about.replaceAll(/\s+/g, ' ').trim() }];
    });
}

const [name] = process.argv.slice(2);
const known = benchmarks();
if (!known.some((benchmark) => benchmark.name === name)) {
  const list = known.map((benchmark) => `  ${benchmark.name.padEnd(10)} ${benchmark.about}\n`);
  const problem = name === undefined ? '' : `There is no benchmark "${name}". `;
  process.stderr.write(`${problem}Run one: npm run bench -- NAME\n${list.join('')}`);
  process.exit(1);
}

installDependencies({ withCdk: false });
runQuietly('npm', ['run', '--silent', 'build']);

const { measure } = await import(`./${name}.mjs`);
const result = await measure();
const results = new URL('results/', folder);
mkdirSync(results, { recursive: true });
writeFileSync(new URL(`${name}.json`, results), `${JSON.stringify(result, null, 2)}\n`);
console.table(result.rows);
console.log(`Node ${process.version}; benchmarks/results/${name}.json`);
