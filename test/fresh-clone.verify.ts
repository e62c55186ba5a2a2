// `npm start` and then `npm test` in a clone where nothing is installed.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeClone } from './clone.js';
import { startCommand } from './running-command.js';

const CDK = ['aws-cdk-lib', 'aws-cdk', 'constructs', 'cdk-nag', 'jsii', 'jsii-pacmak'];

it('npm start leaves CDK and jsii out, and the next install only adds them', async () => {
  await using made = await makeClone();
  const clone = made.folder;
  const installed = (name: string): boolean => existsSync(join(clone, 'node_modules', name));
  const lock = await readFile(join(clone, 'package-lock.json'), 'utf8');
  {
    const args = ['start', '--', '--port', '0', '--ephemeral'];
    await using start = startCommand('npm', args, { cwd: clone });
    await start.prints(/^WebSocket {2}(\S+)$/m, { timeout: 570_000 });
  }
  expect(CDK.filter(installed)).toEqual([]);

  const kept = join(clone, 'node_modules/typescript/kept');
  await writeFile(kept, '');
  const install = "import('./scripts/run.mjs').then((run) => run.installDependencies())";
  await using full = startCommand(process.execPath, ['-e', install], { cwd: clone });
  expect(await full.ended).toMatchObject({ code: 0, stderr: '' });
  expect(CDK.filter((name) => !installed(name))).toEqual([]);
  expect(existsSync(kept)).toBe(true);
  expect(await readFile(join(clone, 'package-lock.json'), 'utf8')).toBe(lock);

  await using again = startCommand(process.execPath, ['-e', install], { cwd: clone });
  expect(await again.ended).toEqual({ code: 0, stdout: '', stderr: '' });
}, 900_000);
