// A compiler leaves the output of a source file that was deleted, and npm would pack it.
import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

const OUTPUT = /(?:\.d\.ts|\.js)(?:\.map)?$/;

/** Removes compiled files without a source from a package. */
export function removeStale(folder) {
  for (const output of ['dist', 'lib'].map((name) => join(folder, name)).filter(existsSync)) {
    for (const path of readdirSync(output, { recursive: true })) {
      if (!OUTPUT.test(path)) continue;
      const source = path.replace(OUTPUT, '.ts');
      // The page of the local gateway is compiled from a folder beside `src`.
      if (existsSync(join(folder, 'src', source)) || existsSync(join(folder, source))) continue;
      rmSync(join(output, path));
      removeEmpty(dirname(join(output, path)), output);
    }
  }
}

function removeEmpty(folder, top) {
  if (folder === top || readdirSync(folder).length > 0) return;
  rmdirSync(folder);
  removeEmpty(dirname(folder), top);
}
