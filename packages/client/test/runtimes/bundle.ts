import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';

const fileOf = (entry: string): string =>
  fileURLToPath(new URL(`./entries/${entry}.ts`, import.meta.url));

const OPTIONS = { bundle: true, target: 'es2022', logLevel: 'warning' } satisfies BuildOptions;

/** The code of an entry of `entries/` as a script for a page or a worker. */
export async function bundleScript(entry: string): Promise<string> {
  const { outputFiles } = await build({
    ...OPTIONS,
    entryPoints: [fileOf(entry)],
    platform: 'browser',
    format: 'iife',
    write: false,
  });
  return (outputFiles[0] as { readonly text: string }).text;
}

/** Entries of `entries/` as files that a runtime can run. */
export interface Programs extends AsyncDisposable {
  fileOf(entry: string): string;
}

export async function bundlePrograms(entries: readonly string[]): Promise<Programs> {
  const directory = await mkdtemp(join(tmpdir(), 'gatecast-programs-'));
  await build({
    ...OPTIONS,
    entryPoints: entries.map(fileOf),
    platform: 'node',
    format: 'esm',
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    // The package ws asks for Node's own modules in the old way.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  return {
    fileOf: (entry) => join(directory, `${entry}.mjs`),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}
