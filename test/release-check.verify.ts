// `npm run release:check` in a clone where nothing is installed.
import { expect, it } from 'vitest';
import { makeClone } from './clone.js';
import { startCommand } from './running-command.js';

it('finds in a new clone that all packages can be published', async () => {
  await using clone = await makeClone();
  await using check = startCommand('npm', ['run', '--silent', 'release:check'], {
    cwd: clone.folder,
  });
  const { code, stdout, stderr } = await check.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.trim().split('\n').at(-1)).toBe('✓ The packages can be published.');
}, 1_800_000);
