import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openBundler, type Rebuild } from '../src/lambda/bundle.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-bundle-'));
  await mkdir(join(directory, 'out'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Puts the text there at once: a watcher must not see a half-written file. */
async function source(name: string, text: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
  return file;
}

const bundlerOf = (entry: string) => openBundler(entry, join(directory, 'out'));

async function imported(file: string): Promise<Record<string, unknown>> {
  const module: unknown = await import(/* @vite-ignore */ pathToFileURL(file).href);
  return { ...(module as Record<string, unknown>) };
}

describe('a bundle', () => {
  it('is one ES module with a source map beside it', async () => {
    await source('part.ts', 'export const part: string = "a part";');
    const entry = await source('app.ts', 'export { part } from "./part.js";');
    await using bundler = await bundlerOf(entry);
    const bundle = await bundler.build();
    expect(bundle.file).toMatch(/app-1\.mjs$/);
    expect(await imported(bundle.file)).toEqual({ part: 'a part' });
    const map: unknown = JSON.parse(await readFile(bundle.mapFile, 'utf8'));
    expect(map).toMatchObject({ sources: ['../part.ts'] });
    expect(await readFile(bundle.file, 'utf8')).toMatch(/sourceMappingURL=app-1\.mjs\.map\n$/);
  });

  it('lets CommonJS code call require beside a require of the entry', async () => {
    await source('old.cjs', 'module.exports = require("node:os").EOL;');
    const entry = await source(
      'app.ts',
      `import { createRequire } from 'node:module';
       import eol from './old.cjs';
       const require = createRequire(import.meta.url);
       export const same = require('node:os').EOL === eol;`,
    );
    await using bundler = await bundlerOf(entry);
    expect(await imported((await bundler.build()).file)).toEqual({ same: true });
  });

  it('tells CommonJS code where the bundle is', async () => {
    const entry = await source('old.cjs', 'module.exports = { __dirname, __filename };');
    await using bundler = await bundlerOf(entry);
    const { file } = await bundler.build();
    expect(await imported(file)).toEqual({
      default: { __dirname: join(directory, 'out'), __filename: file },
    });
  });

  it('leaves the names that code declares itself to it', async () => {
    await source('old.cjs', 'module.exports = __dirname;');
    const entry = await source(
      'app.ts',
      `import { dirname } from 'node:path';
       import { fileURLToPath } from 'node:url';
       import theirs from './old.cjs';
       const __filename = fileURLToPath(import.meta.url);
       const __dirname = dirname(dirname(__filename));
       export const folders = [__dirname, theirs];`,
    );
    await using bundler = await bundlerOf(entry);
    expect(await imported((await bundler.build()).file)).toEqual({
      folders: [directory, join(directory, 'out')],
    });
  });

  it('takes the decorators of the tsconfig.json that covers the entry', async () => {
    const text = `const kinds: string[] = [];
      const mark = (...args: unknown[]) => { kinds.push(typeof args[1]); };
      class Marked { @mark method() {} }
      export const kind = [Marked.name, ...kinds][1];`;
    const entry = await source('app.ts', text);
    await using standard = await bundlerOf(entry);
    expect(await imported((await standard.build()).file)).toEqual({ kind: 'object' });
    await source('tsconfig.json', '{ "compilerOptions": { "experimentalDecorators": true } }');
    await using legacy = await openBundler(entry, directory);
    expect(await imported((await legacy.build()).file)).toEqual({ kind: 'string' });
  });

  it('cannot be made of a file that is not there', async () => {
    await expect(bundlerOf('src/nowhere.ts')).rejects.toMatchObject({
      code: 'ERR_ENTRY_NOT_FOUND',
      message: expect.stringContaining('"src/nowhere.ts"'),
    });
  });

  it('cannot be made of a mistake, which is shown as esbuild shows it', async () => {
    const entry = await source('app.ts', 'export const handler = ;');
    await using bundler = await bundlerOf(entry);
    await expect(bundler.build()).rejects.toMatchObject({
      code: 'ERR_BUILD_FAILED',
      message: expect.stringMatching(/\[ERROR\] Unexpected ";"[^]*app\.ts:1:23/),
    });
  });
});

describe('a bundler that watches', () => {
  it('builds each change into a file of its own, and tells of mistakes', async () => {
    const entry = await source('app.ts', 'export const version = 1;');
    const rebuilds: Rebuild[] = [];
    await using bundler = await bundlerOf(entry);
    const first = await bundler.build();
    await bundler.watch((rebuild) => rebuilds.push(rebuild));

    await source('app.ts', 'export const version = ;');
    await vi.waitFor(() => expect(rebuilds).toHaveLength(1), { timeout: 10_000 });
    expect(rebuilds[0]).toMatchObject({ type: 'failed', error: { code: 'ERR_BUILD_FAILED' } });

    await source('app.ts', 'export const version = 2;');
    await vi.waitFor(() => expect(rebuilds).toHaveLength(2), { timeout: 10_000 });
    const [, rebuilt] = rebuilds;
    const file = rebuilt?.type === 'built' ? rebuilt.bundle.file : '';
    expect(await imported(first.file)).toEqual({ version: 1 });
    expect(await imported(file)).toEqual({ version: 2 });
  });
});
