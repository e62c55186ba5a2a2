import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const run = promisify(execFile);
const inRoot = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

let directory: string;
let page: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-conformance-'));
  page = await readFile(inRoot('docs/conformance.md'), 'utf8');
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

/** The output of the command for the page after a `change`. */
async function countRows(change: (text: string) => string = (text) => text) {
  const file = join(directory, 'page.md');
  await writeFile(file, change(page));
  const args = [inRoot('scripts/conformance.mjs'), file];
  const settled = run(process.execPath, args).then(
    (output) => ({ ...output, code: 0 }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  const { code, stdout, stderr } = await settled;
  return { code, totals: stdout.trimEnd().split('\n').at(-1), problems: stderr.trim().split('\n') };
}

it('every row of the local gateway has a test or a reason, and the totals of the page are right', async () => {
  const { code, totals, problems } = await countRows();
  expect(problems).toEqual(['']);
  expect(code).toBe(0);
  expect(page).toContain(totals);
});

it('a row without a test, a test without a row, and a wrong state are reported', async () => {
  const { code, problems } = await countRows((text) =>
    text
      .replace('| 5.3 |', '| 5.99 |')
      .replace(/^\| 5\.21 \|.*$/m, '| 5.21 | 2 hours | left out: too long |')
      .replace(/^\| 6\.20 \|.*$/m, '| 6.20 | a race | switched |'),
  );
  expect(code).toBe(1);
  expect(problems).toEqual([
    'Row 6.20 has the state "switched". Write "tested", "switched: OPTION" or "left out: REASON".',
    'Row 5.99 has no test. Write one, or say why it is "left out".',
    expect.stringMatching(/^Row 5\.21 is left out, but has a test: "5\.21 /),
    expect.stringMatching(
      /^The test ".*5\.3 .*" has the number of row 5\.3, which the page does not have\.$/,
    ),
    expect.stringMatching(/^The page lacks the line: "\d+ rows: .* \d+ left out\."$/),
  ]);
});
