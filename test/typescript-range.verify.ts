import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { startCommand } from './running-command.js';

const fixture = fileURLToPath(new URL('fixtures/typed-app/app.ts', import.meta.url));

// The lowest version that docs/settings.md names; `npm test` has the one that is installed here.
it('an app, its page and its publisher compile with TypeScript 5.9', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatecast-typescript-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const compiler = ['--yes', '--prefer-offline', '--package', 'typescript@5.9', 'tsc'];
  const settings = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'ES2022'];
  const modules = ['--module', 'NodeNext', '--types', 'node', '--typeRoots', typeRoots()];
  await using running = startCommand('npx', [...compiler, ...settings, ...modules, fixture], {
    cwd: folder,
  });
  const { code, stdout } = await running.ended;
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
});

function typeRoots(): string {
  return fileURLToPath(new URL('../node_modules/@types', import.meta.url));
}
