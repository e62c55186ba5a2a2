import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../scripts/allowed-output.mjs', import.meta.url));
const passed = ' Test Files  120 passed (120)\n      Tests  1834 passed (1834)\n';

function judged(line: string) {
  const input = `Installing dependencies …\n${line}\n${passed}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], {
    input,
    encoding: 'utf8',
  });
  expect(stdout).toBe(input);
  return { status, stderr };
}

it.each(['850ms', '29s', '1m', '1m 3s', '2h'])(
  'L12 an install that took %s is expected',
  (time) => {
    expect(judged(`added 311 packages in ${time}`)).toEqual({ status: 0, stderr: '' });
  },
);

it.each([
  'added 311 packages in a hurry',
  'npm warn deprecated inflight@1.0.6',
  '(node:1) Warning: a newcomer has no idea what to do',
])('an unexpected line is a fault: %s', (line) => {
  expect(judged(line)).toEqual({
    status: 1,
    stderr: `Unexpected output, which would confuse a newcomer:\n${line}\n`,
  });
});
