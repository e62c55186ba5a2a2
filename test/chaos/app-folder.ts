import { cp, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReloadEvent } from '@gatecast/local';
import { build } from 'esbuild';

const app = fileURLToPath(new URL('app', import.meta.url));
const page = fileURLToPath(new URL('page/page.ts', import.meta.url));
const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** A copy of the app, whose source can be changed, and of the page. */
export class AppFolder implements AsyncDisposable {
  /** Of the app. */
  readonly path: string;
  /** Of the files of the page. */
  readonly pages: string;
  #version = 0;
  #reloaded: (() => void) | undefined;

  private constructor(path: string) {
    this.path = path;
    this.pages = join(path, 'pages');
  }

  static async open(): Promise<AppFolder> {
    const folder = new AppFolder(await mkdtemp(join(tmpdir(), 'gatecast-chaos-')));
    await cp(app, folder.path, { recursive: true });
    await symlink(modules, join(folder.path, 'node_modules'), 'junction');
    const outfile = join(folder.pages, 'page.js');
    await build({ bundle: true, target: 'es2022', entryPoints: [page], format: 'iife', outfile });
    const html =
      '<!doctype html><html lang="en"><title>Chaos</title><script src="page.js"></script>';
    await writeFile(join(folder.pages, 'index.html'), html);
    return folder;
  }

  /** Changes the source, and waits until the gateway runs the new one. Returns how many changes that are: 1. */
  async change(): Promise<number> {
    this.#version += 1;
    const file = join(this.path, 'version.ts');
    const reloaded = new Promise<void>((resolve) => {
      this.#reloaded = resolve;
    });
    // A watcher must not see half of a file.
    await writeFile(`${file}.new`, `export const version = ${this.#version};\n`);
    await rename(`${file}.new`, file);
    await reloaded;
    return 1;
  }

  /** For the gateway. */
  readonly onReload = ({ type, functionName }: ReloadEvent): void => {
    if (type === 'reloaded' && functionName !== 'publisher') this.#reloaded?.();
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
