import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('.', import.meta.url));

/** Output folder of the page: `index.html`, `style.css`, `chat.js`. */
export const pageDirectory = join(root, 'dist', 'web');

/**
 * Bundles the page for a browser.
 *
 * @param {object} [options]
 * @param {string} [options.folder] where the page is written to
 * @param {string} [options.url] address of the API: `wss://…`. Without it, the page connects to `/dev` of
 *   the server that it comes from.
 * @param {'subprotocol' | 'query'} [options.handshake] `query` for an API with direct writes
 */
export async function buildPage({ folder = pageDirectory, url, handshake } = {}) {
  await mkdir(folder, { recursive: true });
  await build({
    entryPoints: [join(root, 'web', 'chat.ts')],
    outfile: join(folder, 'chat.js'),
    define: {
      CHAT_URL: JSON.stringify(url) ?? 'undefined',
      CHAT_HANDSHAKE: JSON.stringify(handshake) ?? 'undefined',
    },
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    sourcemap: true,
    logLevel: 'warning',
  });
  for (const file of ['index.html', 'style.css']) {
    await copyFile(join(root, 'web', file), join(folder, file));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildPage({ url: process.argv[2] });
}
