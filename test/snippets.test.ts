import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
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
  // Those that import other files of their page, or need its settings, run with the page: scripts/guides.mjs.
  return all.filter(
    ({ text }) =>
      /export const (?:handler|\{ handler)/.test(text) &&
      !/from '(?:\.\.?\/|class-validator)/.test(text),
  );
}

const snippets = await functions();

it('there are functions in the pages', () => {
  expect(snippets.length).toBeGreaterThanOrEqual(5);
});

const isOnRedis = ({ text }: Snippet): boolean => text.includes('redisStore');

// Without Redis, such an app can only be loaded.
it.each(snippets.filter(isOnRedis))(
  'L6 gatecast dev knows the routes of the function in $page',
  { timeout: 60_000 },
  async ({ text }) => {
    const folder = await mkdtemp(join(root, 'node_modules', '.snippets-'));
    try {
      await writeFile(join(folder, 'app.ts'), text);
      const { manifest } = await readManifest(join(folder, 'app.ts'));
      expect(manifest.routes.map(({ routeKey }) => routeKey)).toContain('subscribe');
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

it.each(snippets.filter((snippet) => !isOnRedis(snippet)))(
  'L6 gatecast dev runs the function in $page as it is',
  { timeout: 60_000 },
  async ({ text }) => {
    // Inside of the repository, so that packages are found.
    const folder = await mkdtemp(join(root, 'node_modules', '.snippets-'));
    try {
      const entry = join(folder, 'app.ts');
      await writeFile(entry, text);
      await using gateway = await startGateway({ entry, quiet: true });
      await using connection = await openConnection(gateway.url);
      const channel = `${/@Channel\('(\w+)\/:/.exec(text)?.[1] ?? 'rooms'}/1`;
      connection.send(`{"action":"subscribe","id":"1","channels":[{"channel":"${channel}"}]}`);
      expect(JSON.parse(await connection.receive())).toMatchObject({
        type: 'reply',
        data: { channels: [{ channel, result: 'live' }] },
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

it('the session in docs/permissions.md uses the app in README.md', {
  timeout: 60_000,
}, async () => {
  const page = await readFile(join(root, 'docs/permissions.md'), 'utf8');
  const [, session = ''] = /^```js\n(\/\/ session\.mjs\n.*?)^```$/ms.exec(page) ?? [];
  const app = snippets.find((snippet) => snippet.page === 'README.md')?.text ?? '';
  const folder = await mkdtemp(join(root, 'node_modules', '.snippets-'));
  try {
    const [entry, file] = [join(folder, 'app.ts'), join(folder, 'session.mjs')];
    await writeFile(entry, app);
    await writeFile(file, session);
    const { default: run } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as {
      readonly default: (gateway: object) => Promise<void>;
    };
    await using gateway = await startGateway({ entry, quiet: true });
    await expect(run(gateway)).resolves.toBeUndefined();
  } finally {
    await rm(folder, { recursive: true });
  }
});
