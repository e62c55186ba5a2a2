import { cp, mkdir, stat, symlink } from 'node:fs/promises';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { StartError } from '../start-error.js';
import { type Bundle, type Bundler, openBundler } from './bundle.js';
import type { FunctionOptions } from './function.js';

/** Packages that Lambda brings (AWS: "Runtime-included SDK versions"). */
const SCOPES_OF_LAMBDA = ['@aws-sdk', '@smithy'];

/** The copies of assets, by the folder of the asset. Functions of one asset share a copy. */
export type AssetCopies = Map<string, Promise<string>>;

/**
 * Opens the code of a function, which is bundled unless it has been built.
 *
 * @param directory a new folder for what is made of it
 * @throws StartError `ERR_ENTRY_NOT_FOUND` if the file `entry` does not exist.
 */
export function openCode(
  { entry, asset }: Pick<FunctionOptions, 'entry' | 'asset'>,
  directory: string,
  copies: AssetCopies = new Map(),
): Promise<Bundler> {
  return asset === undefined
    ? openBundler(entry, directory)
    : openAsset({ entry, asset }, directory, copies);
}

/**
 * Code that runs as it was built. It is copied, because in its folder the `package.json` of the project
 * would decide whether it is a CommonJS module, and it would find packages that the upload lacks.
 */
async function openAsset(
  { entry, asset }: { readonly entry: string; readonly asset: string },
  directory: string,
  copies: AssetCopies,
): Promise<Bundler> {
  const path = relative(asset, entry);
  if ((await fileSize(entry)) === undefined || path.startsWith('..')) {
    throw new StartError(
      'ERR_ENTRY_NOT_FOUND',
      `"${entry}" is not a file in the folder "${asset}".`,
      'Pass a file of the asset that exports the handler, or synthesize again: npx cdk synth.',
    );
  }
  const close = async (): Promise<void> => {};
  return {
    async build(): Promise<Bundle> {
      const copying = copies.get(asset) ?? copyAsset(asset, directory);
      copies.set(asset, copying);
      const copy = await copying.catch((error: Error) => {
        copies.delete(asset);
        throw new StartError(
          'ERR_BUILD_FAILED',
          `The asset "${asset}" cannot be copied to "${directory}": ${error.message}.`,
          'Try again when nothing writes the asset, or synthesize again: npx cdk synth.',
        );
      });
      const file = join(copy, path);
      const mapFile = `${file}.map`;
      const format = extname(file) === '.mjs' ? 'esm' : 'cjs';
      const mapBytes = (await fileSize(mapFile)) ?? 0;
      const others = { mainField: 'main', external: [], inputs: [] } as const;
      return { ...others, format, file, folder: copy, mapFile, mapBytes };
    },
    watch: close,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function copyAsset(asset: string, directory: string): Promise<string> {
  const copy = join(directory, 'task');
  await cp(asset, copy, { recursive: true, verbatimSymlinks: true });
  await linkPackages(resolve(asset), join(directory, 'node_modules'));
  return copy;
}

/** Makes the packages that Lambda brings visible to the copy: those of the project, or our own. */
async function linkPackages(asset: string, modules: string): Promise<void> {
  await mkdir(modules, { recursive: true });
  for (const scope of SCOPES_OF_LAMBDA) {
    const found =
      (await findUpwards(asset, scope)) ??
      (await findUpwards(process.cwd(), scope)) ??
      (await findUpwards(import.meta.dirname, scope));
    if (found !== undefined) await symlink(found, join(modules, scope), 'junction');
  }
}

async function findUpwards(folder: string, scope: string): Promise<string | undefined> {
  const candidate = join(folder, 'node_modules', scope);
  const found = await stat(candidate).catch(() => undefined);
  if (found) return candidate;
  const parent = dirname(folder);
  return parent === folder ? undefined : findUpwards(parent, scope);
}

async function fileSize(file: string): Promise<number | undefined> {
  const found = await stat(file).catch(() => undefined);
  return found?.isFile() === true ? found.size : undefined;
}
