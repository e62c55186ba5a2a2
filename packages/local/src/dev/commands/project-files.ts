import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A text that changes when any file of a project does, apart from installed packages and hidden files. */
export async function stateOfFiles(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const shown = entries.filter(({ name }) => !name.startsWith('.') && name !== 'node_modules');
  const states = shown.map(async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return stateOfFiles(path);
    const found = await stat(path).catch(() => undefined);
    return `${path} ${found?.mtimeMs} ${found?.size}`;
  });
  return (await Promise.all(states)).join('\n');
}
