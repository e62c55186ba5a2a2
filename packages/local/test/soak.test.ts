import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../../scripts/soak.mjs', import.meta.url));

// `npm run soak` does the same for ten minutes, and with 100,000 answers.
it('I4 I5 survives a minute of everything at once, and answers every message', async () => {
  const soak = spawn(process.execPath, [script, '--minutes', '1', '--invocations', '2000'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [report, problems, [code]] = await Promise.all([
    text(soak.stdout),
    text(soak.stderr),
    once(soak, 'exit'),
  ]);
  expect(problems).toBe('');
  expect(report).toMatch(/unanswered\s+│ 0 /);
  expect(code).toBe(0);
}, 600_000);
