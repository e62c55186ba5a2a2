// `npm run bench -- NAME`: installs and builds what is needed, runs one benchmark, prints a table and
// writes JSON to benchmarks/results/.
import { mkdirSync, writeFileSync } from 'node:fs';
import { installDependencies, runQuietly } from '../scripts/run.mjs';

const benchmarks = {
  coldstart:
    'CPU time of a first $connect and size of the bundle, beside a hand-written function and NestJS',
  dispatch: 'time of one message in the handler, beside a hand-written switch and middy',
  gateway: 'memory and speed of the local gateway, beside ws',
  size: 'size of what each entry point adds to a bundle',
  store: 'calls, capacity units and time of each operation of a store',
};

const [name] = process.argv.slice(2);
if (!Object.hasOwn(benchmarks, name)) {
  const list = Object.entries(benchmarks).map(([each, what]) => `  ${each.padEnd(10)} ${what}\n`);
  const problem = name === undefined ? '' : `There is no benchmark "${name}". `;
  process.stderr.write(`${problem}Name one: npm run bench -- NAME\n${list.join('')}`);
  process.exit(1);
}

installDependencies();
runQuietly('npm', ['run', '--silent', 'build']);

const { measure } = await import(`./${name}.mjs`);
const result = await measure();
const folder = new URL('results/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(result, null, 2)}\n`);
console.table(result.rows);
console.log(`Node ${process.version}; benchmarks/results/${name}.json`);
