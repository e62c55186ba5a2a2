import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LocalGateway, startGateway } from '../src/dev/start-gateway.js';
import { type ReadTemplate, readTemplate } from '../src/dev/template/read-template.js';

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

/** A temporary project with a template. */
export class TemplateFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes a folder with the given files, which can import the packages of the workspace. */
  static async with(files: Readonly<Record<string, string>>): Promise<TemplateFolder> {
    const folder = new TemplateFolder(await mkdtemp(join(tmpdir(), 'gatecast-template-')));
    await symlink(modules, join(folder.path, 'node_modules'), 'junction');
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder.path, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
    return folder;
  }

  /** Reads its `template.yaml`. */
  read(parameters: Readonly<Record<string, string>> = {}): Promise<ReadTemplate> {
    return readTemplate(join(this.path, 'template.yaml'), { parameters, stage: undefined });
  }

  /** Runs its `template.yaml`, without a data folder. */
  async run(): Promise<LocalGateway> {
    const { options } = await this.read();
    return startGateway({ ...options, quiet: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}
