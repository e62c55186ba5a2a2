import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const inBenchmarks = (name: string): string =>
  fileURLToPath(new URL(`../benchmarks/${name}`, import.meta.url));

async function measuring(): Promise<string[]> {
  const names: string[] = [];
  for (const file of await readdir(inBenchmarks('.'))) {
    if (!file.endsWith('.mjs')) continue;
    const text = await readFile(inBenchmarks(file), 'utf8');
    if (text.includes('export async function measure(')) names.push(file.slice(0, -'.mjs'.length));
  }
  return names;
}

it.each([
  [[], 'Name one: npm run bench -- NAME'],
  [['speed'], 'There is no benchmark "speed". Name one: npm run bench -- NAME'],
])('npm run bench lists every benchmark when it is given %j', async (args, sentence) => {
  const { status, stderr } = spawnSync(process.execPath, [inBenchmarks('run.mjs'), ...args], {
    encoding: 'utf8',
  });
  const [first, ...list] = stderr.trimEnd().split('\n');
  expect([status, first]).toEqual([1, sentence]);
  const listed = list.map((line) => line.trim().split(' ')[0] ?? '');
  expect(listed.toSorted()).toEqual((await measuring()).toSorted());
});
