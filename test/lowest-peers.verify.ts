// `npm run test:lowest-peers` takes minutes. Its fast parts run here.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startCommand } from './running-command.js';

const script = fileURLToPath(new URL('../scripts/lowest-peers.mjs', import.meta.url));

it('L1 tokens and validation work with the lowest versions of their peers', async () => {
  const peers = ['aws-jwt-verify', 'class-validator'];
  // Without the variables of the vitest that runs this test, because the other vitest must be
  // independent.
  const environment = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'));
  await using running = startCommand(process.execPath, [script, ...peers], {
    env: Object.fromEntries(environment),
  });
  const { code, stdout, stderr } = await running.ended;
  expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' });
  expect(stdout).toMatch(/^Beside aws-jwt-verify@5\.0\.0, class-validator@0\.14\.0:$/m);
}, 180_000);

it('refuses a package that is not a peer', async () => {
  await using running = startCommand(process.execPath, [script, 'vitest@4']);
  const { code, stderr } = await running.ended;
  expect(code).toBe(1);
  expect(stderr).toContain('"vitest@4" is not a peer of the packages.');
});
