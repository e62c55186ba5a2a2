import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasChromium, openChromium, violations } from './chromium.js';
import { codeBlocks } from './code-blocks.js';
import { type RunningCommand, startCommand } from './running-command.js';

const root = fileURLToPath(new URL('..', import.meta.url));
let folder: string;
let archives: string;

async function run(command: string, ...args: string[]): Promise<void> {
  await using running = startCommand(command, args, { cwd: folder });
  const { code, stdout, stderr } = await running.ended;
  expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' });
}

/** The version of the workspace's package for `npm install`. */
function sameVersion(name: string): string {
  const { version } = JSON.parse(lock).packages[`node_modules/${name}`] as { version: string };
  return `${name}@${version}`;
}

let lock: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-packed-'));
  lock = await readFile(join(root, 'package-lock.json'), 'utf8');
  // `npm run release:check` has packed already.
  archives = process.env['GATECAST_ARCHIVES'] ?? join(folder, 'archives');
  if (!existsSync(archives)) await run(process.execPath, join(root, 'scripts/pack.mjs'), archives);
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  await run(
    'npm',
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    // CDK apps install the construct: construct-packages.test.ts.
    ...(await readdir(archives))
      .filter((name) => !name.includes('cdk-construct'))
      .map((name) => join(archives, name)),
    ...['typescript', '@types/node', 'valibot', 'ws'].map(sameVersion),
  );
  await writeFile(
    join(folder, 'browser.mjs'),
    `import { WebSocket } from 'ws';
const body = { append: (line) => process.stdout.write(line + '\\n') };
Object.assign(globalThis, {
  WebSocket,
  location: { host: process.env.HOST },
  document: { body, createElement: () => '' },
});
`,
  );
}, 180_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each([
  ['legacy', true],
  ['standard', false],
] as const)("the packed packages and the README's chat, %s decorators", (_mode, isLegacy) => {
  beforeAll(async () => {
    const blocks = codeBlocks(await readFile(join(root, 'README.md'), 'utf8'));
    for (const { file, text } of blocks) await writeFile(join(folder, file), text);
    await writeFile(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          target: 'ES2022',
          module: 'NodeNext',
          lib: ['ES2022', 'DOM'],
          types: ['node'],
          noEmit: true,
          ...(isLegacy && { experimentalDecorators: true }),
        },
        files: ['app.ts', 'page.ts'],
      }),
    );
  });

  it('type-check under strict', { timeout: 300_000 }, async () => {
    expect(await readdir(folder)).toEqual(expect.arrayContaining(['app.ts', 'page.ts']));
    await run('npx', 'tsc', '-p', '.');
  });

  it('run under gatecast dev and answer a client', { timeout: 120_000 }, async () => {
    await using gatecast = startCommand('npx', ['gatecast', 'dev', 'app.ts', '--port', '0'], {
      cwd: folder,
    });
    const url = await gatecast.prints(/^WebSocket {2}(\S+)$/m);
    const developersPage = await gatecast.prints(/^Inspect +(\S+)@gatecast\/$/m);
    for (const path of ['', '@gatecast/page.css', '@gatecast/page.js', '@gatecast/element.js']) {
      expect([path, (await fetch(developersPage + path)).status]).toEqual([path, 200]);
    }
    await run('npx', 'esbuild', 'page.ts', '--bundle', '--format=esm', '--outfile=page.mjs');
    await using client = startCommand(process.execPath, ['--import', './browser.mjs', 'page.mjs'], {
      cwd: folder,
      env: { ...process.env, HOST: new URL(url).host },
    });
    await client.prints(/^someone: hello$/m);
    expect(gatecast.output.stderr).toBe('');
    expect(client.output.stderr).toBe('');
  });
});

/** Follows Getting started, and leaves its folder and the gateway until it is disposed. */
function followGettingStarted(): RunningCommand {
  const args = ['--archives', archives, '--stay', 'getting-started'];
  return startCommand(process.execPath, [join(root, 'scripts/guides.mjs'), ...args], {
    cwd: folder,
  });
}

it('L4 M1 the guide Getting started ends with a page on which two windows hear each other', {
  timeout: 300_000,
}, async () => {
  await using guide = followGettingStarted();
  const [place = '', url = ''] = (
    await guide.prints(/^(\S+ and \S+) stay until Ctrl-C\.$/m, { timeout: 200_000 })
  ).split(' and ');
  await expectViteToNeedLegacyDecorators(place);
  if (!hasChromium) return;
  await using browser = await openChromium();
  const [ann, bob] = [await browser.newPage(), await browser.newPage()];
  for (const page of [ann, bob]) {
    await page.goto(url);
    await page.getByText('connected').waitFor();
  }
  expect(await violations(ann)).toEqual([]);

  await write(ann, 'milk');
  for (const page of [ann, bob]) await waitForNotes(page, ['milk']);
  await bob.reload();
  await waitForNotes(bob, ['milk']);

  // What Bob misses and what he writes while he is offline.
  await bob.context().setOffline(true);
  await write(ann, 'bread');
  await waitForNotes(ann, ['milk', 'bread']);
  await write(bob, 'tea');
  await bob.context().setOffline(false);
  for (const page of [ann, bob]) await waitForNotes(page, ['milk', 'bread', 'tea']);

  await write(ann, ' ');
  await ann.getByText('The data does not fit the message.').waitFor();
});

/** What docs/settings.md says of Vite 8, which the guide installs. */
async function expectViteToNeedLegacyDecorators(place: string): Promise<void> {
  const vite = await readFile(join(place, 'node_modules/vite/package.json'), 'utf8');
  expect(JSON.parse(vite)).toMatchObject({ version: expect.stringMatching(/^8\./) });
  const settings = await readFile(join(place, 'tsconfig.json'), 'utf8');
  await writeFile(
    join(place, 'tsconfig.json'),
    settings.replace(/.*"experimentalDecorators".*\n/, ''),
  );
  const page = await readFile(join(root, 'docs/settings.md'), 'utf8');
  const [, message = ''] = /```text\n(.* FAIL [^]*?\n)```/.exec(page) ?? [];
  const [, name = '', remedy = ''] =
    /^ *```js\n *\/\/ (vitest\.config\.js)\n([^]*?)```/m.exec(page) ?? [];
  for (const [code, expected] of [
    [1, message],
    [0, 'Tests  2 passed (2)'],
  ] as const) {
    await using vitest = startCommand('npx', ['vitest', 'run'], {
      cwd: place,
      env: { ...process.env, NO_COLOR: '1', VITEST: undefined },
    });
    const ended = await vitest.ended;
    expect(ended.stdout + ended.stderr).toContain(expected);
    expect(ended.code).toBe(code);
    await writeFile(join(place, name), remedy);
  }
}

async function write(page: Page, text: string): Promise<void> {
  await page.getByLabel('Note').fill(text);
  await page.getByRole('button').click();
}

async function waitForNotes(page: Page, texts: readonly string[]): Promise<void> {
  const notes = async () =>
    (await page.locator('li').allTextContents()).map((note) => note.split(' ').at(-1));
  await vi.waitFor(async () => expect(await notes()).toEqual(texts), { timeout: 20_000 });
}
