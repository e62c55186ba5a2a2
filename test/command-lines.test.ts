import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startCommand } from './running-command.js';

const script = (name: string) => fileURLToPath(new URL(`../scripts/${name}.mjs`, import.meta.url));

async function outputOf(name: string, ...args: string[]) {
  await using running = startCommand(process.execPath, [script(name), ...args]);
  return await running.ended;
}

// They install and build first, and then serve: none of that may happen here.
it.each(['start', 'registry'])('%s says which options it has, and begins nothing', async (name) => {
  const asked = await outputOf(name, '--help');
  expect(asked).toMatchObject({ code: 0, stderr: '' });
  expect(asked.stdout).toMatch(/^Usage: npm .*\[--port PORT\]/);
  expect(asked.stdout).not.toMatch(/Building/);

  const mistaken = await outputOf(name, '--prot', '4801');
  expect(mistaken).toMatchObject({ code: 2, stdout: '' });
  expect(mistaken.stderr).toMatch(/^Unknown option '--prot'.*\nUsage: npm /);
});
