// Part of `npm run check`: finds phrases in comments, messages, titles of tests and documents that have to
// be read twice. Prints a line for each, `file:line: phrase (what to write)`, and fails if there are any.
// You can pass another folder than the repository.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [, , root = fileURLToPath(new URL('..', import.meta.url))] = process.argv;

const FILES = /\.(?:[cm]?[jt]s|html|css|md|ya?ml)$/;
// This file and its test have the phrases that they look for.
const SKIPPED = /(?:^|[\\/])(?:(?:node_modules|dist|site|results|\.[^\\/]+)[\\/]|plain-words\.)/;

/** What may be between two words of a phrase: blanks, or a line break and the beginning of a comment line. */
const GAP = String.raw`(?:[ \t]+|[ \t]*\r?\n[ \t]*(?:\*(?!/)|//|#|>)?[ \t]*)`;

/** A phrase of words; in each word, `|` separates alternatives. */
const phrase = (words) =>
  words
    .split(' ')
    .map((word) => `\\b(?:${word})\\b`)
    .join(GAP);

// "There is no such option" is plain, and so are "there will be none", "is no longer open" and "is no more
// than 50".
const THERE = `(?<!\\bthere${GAP}(?:\\w+${GAP})?)`;
const TO_BE = 'is|are|was|were|be|been|being|remains?';
const COMPARED = 'longer|more|less|fewer|greater|larger|later|earlier';
const RULES = [
  {
    pattern: `${THERE}${phrase(`${TO_BE} no`)}(?!${GAP}(?:${COMPARED})\\b)`,
    advice: 'write "is not a …" or "there is no …"',
  },
  {
    pattern: `${THERE}${phrase(`${TO_BE} none`)}`,
    advice: 'write "is not one of …", "there is none" or "is missing"',
  },
  { pattern: String.raw`\(any more\)`, advice: 'write "no longer"' },
  {
    pattern: phrase('whom|thereof|whereof'),
    advice: 'say which: "the user that …", "its …"',
  },
  {
    pattern: String.raw`\bwhether\b[^.:;"'\u0060]{1,80}?${phrase('or no')}\b(?!${GAP}\w)`,
    advice: 'leave "or no" out',
  },
].map(({ pattern, advice }) => ({ pattern: new RegExp(pattern, 'gi'), advice }));

function files() {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return names.filter((file) => FILES.test(file) && !SKIPPED.test(file)).sort();
}

/** The phrases of a text, in order. */
function findingsIn(text) {
  const findings = RULES.flatMap(({ pattern, advice }) =>
    [...text.matchAll(pattern)].map(({ 0: found, index }) => ({ found, index, advice })),
  );
  return findings.sort((a, b) => a.index - b.index);
}

let count = 0;
for (const file of files()) {
  const text = readFileSync(join(root, file), 'utf8');
  for (const { found, index, advice } of findingsIn(text)) {
    const line = text.slice(0, index).split('\n').length;
    const [next = ''] =
      /\w+/.exec(text.slice(index + found.length, index + found.length + 40)) ?? [];
    const shown = `${found.replaceAll(/\s*\n[\s*/#>]*/g, ' ')} ${next}`.trim();
    process.stdout.write(`${file}:${line}: "${shown}" (${advice})\n`);
    count += 1;
  }
}
if (count > 0) {
  process.stdout.write(`\nPhrases to rewrite in plain words: ${count}\n`);
  process.exitCode = 1;
}
