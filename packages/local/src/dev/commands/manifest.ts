import { writeFile } from 'node:fs/promises';
import { readManifest } from '../../lambda/read-manifest.js';
import { parseCommandLine } from './command-line.js';

export const manifestUsage = `gatecast manifest <entry> [--out file]
  Writes as JSON what the infrastructure of an app needs to know: its routes, the format ("cjs" or
  "esm") that its bundle must have, the kind of its store and so on. What the app prints goes to stderr.

  --out file            where to write it (default: standard output)

Example:
  gatecast manifest app.ts --out routes.json`;

/** `gatecast manifest` */
export async function manifest(args: readonly string[]): Promise<void> {
  const { entry, values } = parseCommandLine(args, ['out']);
  const { value, format } = await readManifest(entry);
  const text = `${JSON.stringify({ ...value, format }, null, 2)}\n`;
  if (values.out === undefined) {
    process.stdout.write(text);
    return;
  }
  await writeFile(values.out, text);
}
