import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('.', import.meta.url));

/** Output folder of the page: `index.html`, `style.css`, `chat.js`. */
export const pageDirectory = join(root, 'dist', 'web');

/** Bundles the page for a browser. */
export async function buildPage() {
  await mkdir(pageDirectory, { recursive: true });
  await build({
    entryPoints: [join(root, 'web', 'chat.ts')],
    outfile: join(pageDirectory, 'chat.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    sourcemap: true,
    logLevel: 'warning',
  });
  for (const file of ['index.html', 'style.css']) {
    await copyFile(join(root, 'web', file), join(pageDirectory, file));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildPage();
}
