// Passes on the output of `npm test`, and exits with 1 if it has an unexpected line: a warning that would
// confuse a newcomer is a fault. Used by .ci/run.
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';

const expected = [
  /^$/,
  /^> (gatecast-workspace(@\S*)? )?test$/,
  /^> node scripts\/test\.mjs$/,
  /^Installing dependencies …$/,
  // A time in one or several units, from milliseconds to hours: 850ms, 29s, 1m, 1m 3s.
  /^added \d+ packages? in \d+(ms|[smh])( \d+(ms|[smh]))*$/,
  / RUN {2}v4\.\d+\.\d+ /,
  /^ +(✓|↓) /,
  /^ Test Files {2}(\d+ skipped \| )?\d+ passed/,
  /^ {6}Tests {2}\d+ passed/,
  /^ {3}Start at {2}/,
  /^ {3}Duration {2}/,
  // The figures of the simulation.
  /^stdout \| simulation\/test\//,
  /^[\d,]+ runs on \w+: /,
  /^The adversary: /,
  /^Lost: 0\. Doubled: 0\. Out of order: 0\. Other: 0\.$/,
];

const surprises = [];
let passed = false;
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${line}\n`);
  const text = stripVTControlCharacters(line);
  if (!expected.some((form) => form.test(text))) surprises.push(text);
  passed ||= /^ {6}Tests {2}\d+ passed/.test(text);
}
// A failed run reports that itself.
if (passed && surprises.length > 0) {
  process.stderr.write(
    `Unexpected output, which would confuse a newcomer:\n${surprises.join('\n')}\n`,
  );
  process.exitCode = 1;
}
