import { unwatchFile, watchFile } from 'node:fs';
import { join } from 'node:path';
import { MANIFEST } from '../template/load-assembly.js';
import {
  assemblyStacks,
  type ReadTemplate,
  readStacks,
  type Stacks,
  templateStacks,
} from '../template/read-template.js';
import type { SessionTemplate } from './session-file.js';

/** How often the file is looked at, and how long it has to stay as it is, in milliseconds. */
const WATCH_MS = 300;

/** @throws StartError like `readTemplate`. */
export async function readSource(source: SessionTemplate): Promise<ReadTemplate> {
  return readStacks(await stacksOf(source), source);
}

/** @throws StartError `ERR_TEMPLATE_INVALID` */
export function stacksOf({ file, assembly, stack }: SessionTemplate): Promise<Stacks> {
  return assembly === undefined ? templateStacks(file ?? '') : assemblyStacks(assembly, stack);
}

/**
 * Calls back after each change of the template, or of the manifest of the assembly, which the CDK writes
 * last. By polling, because the folder may be removed and made again.
 *
 * @returns a function that stops it
 */
export function watchSource({ file, assembly }: SessionTemplate, onChange: () => void): () => void {
  const path = assembly === undefined ? (file ?? '') : join(assembly, MANIFEST);
  let timer: NodeJS.Timeout | undefined;
  // It keeps the process alive, because nothing else does so after a change that cannot run.
  watchFile(path, { interval: WATCH_MS }, (current) => {
    clearTimeout(timer);
    // It is being replaced.
    if (current.mtimeMs === 0) return;
    timer = setTimeout(onChange, WATCH_MS);
  });
  return () => {
    clearTimeout(timer);
    unwatchFile(path);
  };
}
