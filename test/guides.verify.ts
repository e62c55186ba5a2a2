// All guides, as `npm run guides` follows them.
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startCommand } from './running-command.js';

const script = fileURLToPath(new URL('../scripts/guides.mjs', import.meta.url));

it('every guide can be followed in an empty folder', async () => {
  await using running = startCommand(process.execPath, [script]);
  const { code, stdout, stderr } = await running.ended;
  expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' });
}, 1_800_000);
