import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const runner = fileURLToPath(new URL('../benchmarks/run.mjs', import.meta.url));

it.each([
  [[], 'Run one: npm run bench -- NAME'],
  [['speed'], 'There is no benchmark "speed". Run one: npm run bench -- NAME'],
  [
    ['coldstart/dynamodb'],
    'There is no benchmark "coldstart/dynamodb". Run one: npm run bench -- NAME',
  ],
])('npm run bench lists the benchmarks for the arguments %j', (args, sentence) => {
  const { status, stderr } = spawnSync(process.execPath, [runner, ...args], { encoding: 'utf8' });
  const [first, ...list] = stderr.trimEnd().split('\n');
  expect([status, first]).toEqual([1, sentence]);
  expect(list).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^ {2}coldstart {2}The cost of a first `\$connect`$/),
      expect.stringMatching(/^ {2}dispatch {3}\w+/),
    ]),
  );
  expect(list.filter((line) => !/^ {2}[a-z]+ +[A-Z]/.test(line))).toEqual([]);
});
