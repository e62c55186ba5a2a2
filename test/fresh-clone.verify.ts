// `npm start` and then `npm test` in a clone where nothing is installed.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startCommand } from './running-command.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const CDK = ['aws-cdk-lib', 'aws-cdk', 'constructs', 'cdk-nag', 'jsii', 'jsii-pacmak'];

it('npm start leaves CDK and jsii out, and the next install only adds them', async () => {
  const clone = await mkdtemp(join(tmpdir(), 'gatecast-clone-'));
  const installed = (name: string): boolean => existsSync(join(clone, 'node_modules', name));
  try {
    const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    const files = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\0');
    for (const file of files.filter((name) => name !== '' && existsSync(join(root, name)))) {
      await cp(join(root, file), join(clone, file));
    }
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
  } finally {
    await rm(clone, { recursive: true, force: true });
  }
}, 900_000);
