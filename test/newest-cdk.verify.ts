// `npm test` tests the construct with the lowest CDK that it accepts.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startCommand } from './running-command.js';

const script = fileURLToPath(new URL('../scripts/lowest-peers.mjs', import.meta.url));

it("the construct's tests pass with the newest CDK 2", { timeout: 900_000 }, async () => {
  // Without the variables of the vitest that runs this test, because the other vitest must be
  // independent.
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'));
  await using running = startCommand(process.execPath, [script, 'aws-cdk-lib@2', 'constructs@10'], {
    env: Object.fromEntries(environment),
  });
  const { code, stdout, stderr } = await running.ended;
  expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' });
  const [, minor] = /^Installed aws-cdk-lib@2\.(\d+)\./m.exec(stdout) ?? [];
  expect(Number(minor)).toBeGreaterThanOrEqual(276);
});
