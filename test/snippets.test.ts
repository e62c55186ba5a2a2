import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startGateway } from '../packages/local/src/index.js';
import { readManifest } from '../packages/local/src/lambda/read-manifest.js';
import { openConnection } from '../packages/local/test/open-connection.js';
import { codeBlocks } from './code-blocks.js';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Snippet {
  readonly page: string;
  readonly text: string;
}

/** The functions in the pages: every block that exports a handler. */
async function functions(): Promise<Snippet[]> {
  const docs = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
  const packages = await readdir(join(root, 'packages'));
  const pages = [
    'README.md',
    ...docs.map((name) => join('docs', name)),
    ...packages.map((name) => join('packages', name, 'README.md')),
  ];
  const read = pages.map(async (page) =>
    codeBlocks(await readFile(join(root, page), 'utf8')).map(({ text }) => ({ page, text })),
  );
  const all = (await Promise.all(read)).flat();
  return all.filter(({ text }) => /export const (?:handler|\{ handler)/.test(text));
}

const snippets = await functions();

it('there are functions in the pages', () => {
  expect(snippets.length).toBeGreaterThanOrEqual(5);
});

it.each(snippets)(
  'L6 gatecast dev runs the function in $page as it is',
  { timeout: 60_000 },
  async ({ text }) => {
    // Inside of the repository, so that packages are found.
    const folder = await mkdtemp(join(root, 'node_modules', '.snippets-'));
    try {
      const entry = join(folder, 'app.ts');
      await writeFile(entry, text);
      // Without Redis, such an app can only be loaded.
      if (text.includes('redisStore')) {
        const { manifest } = await readManifest(entry);
        expect(manifest.routes.map(({ routeKey }) => routeKey)).toContain('subscribe');
        return;
      }
      await using gateway = await startGateway({ entry, quiet: true });
      await using connection = await openConnection(gateway.url);
      connection.send('{"action":"subscribe","id":"1","channels":[{"channel":"rooms/1"}]}');
      expect(JSON.parse(await connection.receive())).toMatchObject({
        type: 'reply',
        data: { channels: [{ channel: 'rooms/1', result: 'live' }] },
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
