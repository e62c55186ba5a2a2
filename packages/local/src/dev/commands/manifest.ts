import { writeFile } from 'node:fs/promises';
import { dirname, relative, resolve, sep } from 'node:path';
import { readManifest } from '../../lambda/read-manifest.js';
import { parseCommandLine } from './command-line.js';

export const manifestUsage = `gatecast manifest <entry> [--out file]
  Writes as JSON what the infrastructure of an app needs to know: its routes, how to bundle it (the
  format, "cjs" or "esm", the main fields of packages, and optional packages to leave out), the kind of its store and so on. A file also
  has the path of the entry. What the app prints goes to stderr.

  --out file            where to write it (default: standard output)

Example:
  gatecast manifest app.ts --out routes.json`;

/** `gatecast manifest` */
export async function manifest(args: readonly string[]): Promise<void> {
  const { entry, values } = parseCommandLine(args, ['out']);
  const { value, format, mainFields, external } = await readManifest(entry);
  const bundling = { format, mainFields, ...(external.length > 0 && { external }) };
  const textOf = (more: object): string =>
    `${JSON.stringify({ ...value, ...bundling, ...more }, null, 2)}\n`;
  if (values.out === undefined) {
    process.stdout.write(textOf({}));
    return;
  }
  // So that whoever reads the file notices that it is of another app.
  const path = relative(dirname(resolve(values.out)), resolve(entry))
    .split(sep)
    .join('/');
  await writeFile(values.out, textOf({ entry: path }));
}
