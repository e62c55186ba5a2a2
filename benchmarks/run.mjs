// `npm run bench -- <name>`: runs one benchmark, prints a table and writes JSON to benchmarks/results/.
import { mkdirSync, writeFileSync } from 'node:fs';

const [name = 'dispatch'] = process.argv.slice(2);
const { measure } = await import(`./${name}.mjs`);
const result = await measure();
const folder = new URL('results/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL(`${name}.json`, folder), `${JSON.stringify(result, null, 2)}\n`);
console.table(result.rows);
console.log(`Node ${process.version}; benchmarks/results/${name}.json`);
