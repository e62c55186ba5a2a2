import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { StartError } from '../../start-error.js';
import { templateError } from './parse-template.js';

/** The place of a handler according to a template. */
export interface HandlerPlace {
  /** The function's logical id, for messages. */
  readonly logicalId: string;
  /** Folder of its code, relative to the current folder. */
  readonly folder: string;
  /** In Lambda's form: `src/app.handler`. */
  readonly handler: string;
  /**
   * Source files that esbuild builds, relative to `folder`. The handler then refers to the built file.
   */
  readonly entryPoints: readonly string[];
  /** Whether the folder has only what Lambda itself can load. @default false */
  readonly isBuilt?: boolean | undefined;
}

/** A source file and the name of its export. */
export interface Entry {
  readonly entry: string;
  readonly handler: string;
}

// Source files before built ones.
const EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];
const BUILT = EXTENSIONS.filter((extension) => extension.endsWith('js'));

/**
 * Finds the source file of a handler.
 *
 * @throws StartError - `ERR_TEMPLATE_INVALID` if the handler has no export name, `ERR_ENTRY_NOT_FOUND` if
 * the file does not exist.
 */
export async function findEntry(place: HandlerPlace): Promise<Entry> {
  const { logicalId, folder, handler, entryPoints, isBuilt = false } = place;
  const [moduleName, exportName] = splitFirst(basename(handler));
  if (moduleName === '' || exportName === '') {
    throw templateError(
      `"Handler" of "${logicalId}" is "${handler}", which does not have the form FILE.EXPORT.`,
      'Write FILE.EXPORT, such as src/app.handler.',
    );
  }
  const path = join(folder, dirname(handler), moduleName);
  const extensions = isBuilt ? BUILT : EXTENSIONS;
  const candidates = [
    ...builtFrom(entryPoints, moduleName).map((file) => join(folder, file)),
    ...extensions.map((extension) => `${path}${extension}`),
    ...extensions.map((extension) => join(path, `index${extension}`)),
  ];
  for (const entry of candidates) {
    const found = await stat(entry).catch(() => undefined);
    if (found?.isFile() === true) {
      return { entry, handler: exportName };
    }
  }
  throw new StartError(
    'ERR_ENTRY_NOT_FOUND',
    `The source of "${logicalId}" was not found. Looked for:\n${candidates.map((file) => `  ${file}\n`).join('')}`,
    `Correct its Handler ("${handler}") or the folder of its code ("${folder}"), or build it first.`,
  );
}

/** The entry point that the module is built from. A single one may have any name. */
function builtFrom(entryPoints: readonly string[], moduleName: string): readonly string[] {
  if (entryPoints.length === 1) {
    return entryPoints;
  }
  return entryPoints.filter((file) => basename(file, extname(file)) === moduleName);
}

/** In Lambda's runtime, the export follows the first dot of the last part. */
function splitFirst(text: string): [string, string] {
  const dot = text.indexOf('.');
  return dot === -1 ? [text, ''] : [text.slice(0, dot), text.slice(dot + 1)];
}
