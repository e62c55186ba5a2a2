// Bundles the page into dist/web.
import { copyFile, mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const from = (name) => fileURLToPath(new URL(`web/${name}`, import.meta.url));
const to = (name) => fileURLToPath(new URL(`dist/web/${name}`, import.meta.url));

await mkdir(to(''), { recursive: true });
await build({
  entryPoints: [from('chat.ts')],
  outfile: to('chat.js'),
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
});
for (const name of ['index.html', 'style.css']) await copyFile(from(name), to(name));
