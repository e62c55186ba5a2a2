// Counts the rows of docs/conformance.md: each is one behaviour of API Gateway, which is tested,
// switched by an option, or left out. Fails if a row has neither a test nor a reason, if a test has the
// number of an unknown row, or if the page has wrong totals. You can pass another page.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [, , page = join(root, 'docs/conformance.md')] = process.argv;

/** The titles of the sections by number, and the rows: `| 5.2 | its title | its state |`. */
function readPage(text) {
  const sections = new Map();
  const rows = new Map();
  for (const [, section, title] of text.matchAll(/^## (\d+) (.+)$/gm)) {
    sections.set(section, title);
  }
  for (const [, number, state] of text.matchAll(/^\| (\d+\.\d+) \| .+ \| (.+) \|$/gm)) {
    const [, kind] = /^(tested|switched|left out)(?:$|: \S)/.exec(state) ?? [];
    const isBare = state === 'switched' || state === 'left out';
    if (rows.has(number)) problems.push(`Row ${number} appears twice.`);
    if (kind === undefined || isBare) {
      problems.push(
        `Row ${number} has the state "${state}". Write "tested", "switched: OPTION" or "left out: REASON".`,
      );
    }
    rows.set(number, kind ?? 'tested');
  }
  return { sections, rows };
}

/**
 * The rows at the beginning of names of tests or groups of tests, after the entries of findings if there
 * are any (`I8 4.17 …`), with one such name for each.
 */
function testedRows() {
  const vitest = join(
    dirname(fileURLToPath(import.meta.resolve('vitest/package.json'))),
    'vitest.mjs',
  );
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [vitest, 'list', '--json', '--static-parse'],
    { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  if (status !== 0) throw new Error(`The tests could not be listed.\n${stderr}`);
  const named = new Map();
  for (const { name } of JSON.parse(stdout)) {
    for (const part of name.split(' > ')) {
      const [, numbers = ''] = /^(?:[A-Z]\d+ )*((?:\d+\.\d+ )+)/.exec(part) ?? [];
      for (const number of numbers.split(' ').filter(Boolean)) named.set(number, part);
    }
  }
  return named;
}

const problems = [];
const text = readFileSync(page, 'utf8');
const { sections, rows } = readPage(text);
const named = testedRows();
for (const [number, state] of rows) {
  if (state === 'left out' && named.has(number)) {
    problems.push(`Row ${number} is left out, but has a test: "${named.get(number)}".`);
  }
  if (state !== 'left out' && !named.has(number)) {
    problems.push(`Row ${number} has no test. Write one, or say why it is "left out".`);
  }
}
for (const [number, name] of named) {
  if (!rows.has(number)) {
    problems.push(
      `The test "${name}" has the number of row ${number}, which the page does not have.`,
    );
  }
}

function countOf(numbers) {
  const count = (state) => numbers.filter((number) => rows.get(number) === state).length;
  return [numbers.length, count('tested'), count('switched'), count('left out')];
}

const line = (title, cells) =>
  `${title.padEnd(42)}${cells.map((cell) => String(cell).padStart(10)).join('')}\n`;
process.stdout.write(line('', ['rows', 'tested', 'switched', 'left out']));
for (const [section, title] of sections) {
  const numbers = [...rows.keys()].filter((number) => number.startsWith(`${section}.`));
  process.stdout.write(line(`${section} ${title}`, countOf(numbers)));
}
const [all, tested, switched, leftOut] = countOf([...rows.keys()]);
const totals = `${all} rows: ${tested} tested, ${switched} switched, ${leftOut} left out.`;
process.stdout.write(`\n${totals}\n`);
if (!text.includes(totals)) problems.push(`The page lacks the line: "${totals}"`);
if (problems.length > 0) {
  process.stderr.write(`\n${problems.join('\n')}\n`);
  process.exitCode = 1;
}
