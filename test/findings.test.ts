import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../scripts/findings.mjs', import.meta.url));
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'gatecast-findings-'));
  for (const folder of ['packages/framework/src/testing', 'packages/framework/dist']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await mkdir(join(root, 'examples'));
  await mkdir(join(root, 'test'));
});

afterEach(() => rm(root, { recursive: true }));

function untested(): string[] {
  const { stdout } = spawnSync(process.execPath, [script, root], { encoding: 'utf8' });
  return [...stdout.matchAll(/^ {2}([A-Z]\d+) /gm)].map(([, number = '']) => number);
}

// Made from parts, so that these titles do not count as tests of the repository itself.
const title = (numbers: string): string => `'${numbers} holds'`;

it('counts the numbers in titles of tests, of groups and of checks of stores', async () => {
  const all = untested();
  await writeFile(
    join(root, 'test/some.test.ts'),
    `it(${title('A1')}, () => {});
     it.each([1, 2])(
       ${title('B2 C3')}, () => {});
     describe(${title('D4')}, () => {});`,
  );
  await writeFile(
    join(root, 'packages/framework/src/testing/checks.ts'),
    `const checks = [{ name: ${title('E1')}, run() {} }];`,
  );
  expect(untested()).toEqual(all.filter((number) => !/^(A1|B2|C3|D4|E1)$/.test(number)));
});

it('does not count skipped tests, other text and built files', async () => {
  const all = untested();
  expect(all).toEqual(expect.arrayContaining(['A1', 'B1', 'C1', 'L12']));
  await writeFile(
    join(root, 'test/some.test.ts'),
    `it.skip(${title('A1')}, () => {});
     it.todo(${title('B1')});
     const text = ${title('C1')};`,
  );
  await writeFile(
    join(root, 'packages/framework/dist/some.test.ts'),
    `it(${title('L12')}, () => {});`,
  );
  expect(untested()).toEqual(all);
});
