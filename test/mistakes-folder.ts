import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningCommand, startCommand } from './running-command.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const command = join(root, 'packages/local/bin/gatecast.js');

/** How long to wait for what must come: a busy machine is not a failure. */
export const PATIENCE = { timeout: 50_000, interval: 50 };

/** A newcomer's project: `app.ts`, `tsconfig.json`, and the packages. */
export class MistakesFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async with(files: Readonly<Record<string, string>>): Promise<MistakesFolder> {
    const folder = new MistakesFolder(await mkdtemp(join(tmpdir(), 'gatecast-mistakes-')));
    await symlink(join(root, 'node_modules'), join(folder.path, 'node_modules'), 'junction');
    for (const [name, text] of Object.entries(files)) await folder.write(name, text);
    return folder;
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(join(this.path, name), text);
  }

  /** Starts `gatecast dev`. */
  dev(args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningCommand {
    return startCommand(process.execPath, [command, 'dev', ...args], {
      cwd: this.path,
      env: { ...process.env, ...env },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, maxRetries: 5 });
  }
}
