import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { StartError } from '../start-error.js';
import { templateError } from './template-error.js';

/** Where a template says that a handler is. */
export interface HandlerPlace {
  /** The function's logical id, for messages. */
  readonly logicalId: string;
  /** Folder of its code, from the current folder. */
  readonly folder: string;
  /** As Lambda has it: `src/app.handler`. */
  readonly handler: string;
  /** What esbuild builds, from `folder`; the handler then names what comes of it. */
  readonly entryPoints: readonly string[];
}

/** A source file and the name of its export. */
export interface Entry {
  readonly entry: string;
  readonly handler: string;
}

// Source before what was built of it.
const EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];

/**
 * Finds the source file of a handler.
 *
 * @throws StartError - `ERR_TEMPLATE_INVALID` when the handler has no name of an export,
 * `ERR_ENTRY_NOT_FOUND` when there is no such file.
 */
export async function findEntry(place: HandlerPlace): Promise<Entry> {
  const { logicalId, folder, handler, entryPoints } = place;
  const [moduleName, exportName] = splitFirst(basename(handler));
  if (moduleName === '' || exportName === '') {
    throw templateError(
      `"Handler" of "${logicalId}" is "${handler}", which names no export of a file.`,
      'Write FILE.EXPORT, such as src/app.handler.',
    );
  }
  const path = join(folder, dirname(handler), moduleName);
  const candidates = [
    ...builtFrom(entryPoints, moduleName).map((file) => join(folder, file)),
    ...EXTENSIONS.map((extension) => `${path}${extension}`),
    ...EXTENSIONS.map((extension) => join(path, `index${extension}`)),
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

/** The one that the module's file is built from; a single one needs no such name. */
function builtFrom(entryPoints: readonly string[], moduleName: string): readonly string[] {
  if (entryPoints.length === 1) {
    return entryPoints;
  }
  return entryPoints.filter((file) => basename(file, extname(file)) === moduleName);
}

/** Lambda's runtime takes what follows the first dot of the last part for the export. */
function splitFirst(text: string): [string, string] {
  const dot = text.indexOf('.');
  return dot === -1 ? [text, ''] : [text.slice(0, dot), text.slice(dot + 1)];
}
