import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { EOL, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

/** Writes the file atomically, because a watcher must not see a half-written file. */
async function source(name: string, text: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
  return file;
}

const bundlerOf = (entry: string) => openBundler(entry, join(directory, 'out'));

/** Loads a bundle of either format like an execution environment. */
async function loaded(file: string): Promise<Record<string, unknown>> {
  const module: unknown = file.endsWith('.cjs')
    ? createRequire(file)(file)
    : await import(/* @vite-ignore */ pathToFileURL(file).href);
  return { ...(module as Record<string, unknown>) };
}

async function dependency(name: string, text: string): Promise<void> {
  const folder = join(directory, 'node_modules', name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "main": "index.js" }');
  await writeFile(join(folder, 'index.js'), text);
}

describe('a bundle', () => {
  it('is one CommonJS module with a source map', async () => {
    await source('part.ts', 'export const part: string = "a part";');
    const entry = await source('app.ts', 'export { part } from "./part.js";');
    await using bundler = await bundlerOf(entry);
    const bundle = await bundler.build();
    expect(bundle.format).toBe('cjs');
    expect(bundle.file).toMatch(/app-1\.cjs$/);
    expect(await loaded(bundle.file)).toEqual({ part: 'a part' });
    const map: unknown = JSON.parse(await readFile(bundle.mapFile, 'utf8'));
    expect(map).toMatchObject({ sources: ['../app.ts', '../part.ts'] });
    expect(await readFile(bundle.file, 'utf8')).toMatch(/sourceMappingURL=app-1\.cjs\.map\n$/);
  });

  it.each([
    ['the builds of "module"', 'two', { format: 'cjs', mainField: 'module' }],
    [
      'those of "main" if a package would be loaded twice',
      'two/part.js',
      { format: 'cjs', mainField: 'main' },
    ],
    ['those of "main" in an ES module', 'two/part.js', { format: 'esm', mainField: 'main' }],
  ])('I6 has %s', async (_what, required, expected) => {
    const folder = join(directory, 'node_modules', 'two');
    await mkdir(folder, { recursive: true });
    const files = {
      'package.json': '{ "main": "index.js", "module": "index.mjs" }',
      'index.mjs': `export * from './part.mjs';`,
      'part.mjs': 'export const identity = {};',
      'index.js': `module.exports = require('./part.js');`,
      'part.js': 'exports.identity = {};',
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const entry = await source(
      'app.ts',
      `import { identity as first } from 'two';
       import { identity as second } from '${required}';
       ${expected.format === 'esm' ? 'await 0;' : ''}
       export const isOne = first === second;`,
    );
    await using bundler = await bundlerOf(entry);
    const bundle = await bundler.build();
    expect(bundle).toMatchObject(expected);
    expect(await loaded(bundle.file)).toEqual({ isOne: true });
  });

  it('leaves no import() in a CommonJS module', async () => {
    await source('part.ts', 'export const part = "a part";');
    const entry = await source(
      'app.ts',
      `export const load = async () => [
         (await import('./part.js')).part, (await import('node:os')).EOL
       ];`,
    );
    await using bundler = await bundlerOf(entry);
    const { format, file } = await bundler.build();
    expect(format).toBe('cjs');
    expect(await readFile(file, 'utf8')).not.toMatch(/\bimport\(/);
    const { load } = await loaded(file);
    expect(await (load as () => unknown)()).toEqual(['a part', EOL]);
  });

  describe.each([
    ['the entry', async (text: string) => source('app.ts', `${text} export { value };`)],
    [
      'a dependency',
      async (text: string) => {
        await dependency('needs-es-modules', `${text} export { value };`);
        return source('app.ts', `export { value } from 'needs-es-modules';`);
      },
    ],
    [
      'a module that is loaded on demand',
      async (text: string) => {
        await dependency('needs-es-modules', `${text} export { value };`);
        return source('app.ts', `export const { value } = await import('needs-es-modules');`);
      },
    ],
  ])('is an ES module when %s', (_where, entryWith) => {
    it.each([
      ['awaits at the top level', 'const value = await Promise.resolve(1);', 1],
      ['loops over promises at the top level', 'let value; for await (value of [1]);', 1],
      ['reads import.meta', 'const value = new URL("x", import.meta.url).protocol;', 'file:'],
      [
        'reads import.meta where it may fail',
        'let value; try { value = import.meta.url.slice(0, 4) } catch {}',
        'file',
      ],
      ['reads the type of import.meta.url', 'const value = typeof import.meta.url;', 'string'],
      [
        'imports a computed path',
        'const path = (name) => "node:" + name; const load = () => import(path("os")); const value = typeof load;',
        'function',
      ],
    ])('%s', async (_what, text, value) => {
      const entry = await entryWith(text);
      await using bundler = await bundlerOf(entry);
      const bundle = await bundler.build();
      expect(bundle).toMatchObject({ format: 'esm', file: expect.stringMatching(/app-1\.mjs$/) });
      expect(await loaded(bundle.file)).toEqual({ value });
      expect(await readFile(bundle.file, 'utf8')).toMatch(/sourceMappingURL=app-1\.mjs\.map\n$/);
    });
  });

  it.each(['cjs', 'esm'])('allows CommonJS code to call require (%s)', async (format) => {
    await source('old.cjs', 'module.exports = require("node:os").EOL;');
    const own =
      format === 'cjs'
        ? 'const require = (name: string) => name;'
        : `import { createRequire } from 'node:module';
           const require = createRequire(import.meta.url);`;
    const entry = await source(
      'app.ts',
      `import eol from './old.cjs';
       ${own}
       export { eol };
       export const os = typeof require('node:os');`,
    );
    await using bundler = await bundlerOf(entry);
    const bundle = await bundler.build();
    expect(bundle.format).toBe(format);
    expect(await loaded(bundle.file)).toEqual({
      eol: EOL,
      os: format === 'cjs' ? 'string' : 'object',
    });
  });

  it.each(['cjs', 'esm'])('gives CommonJS code the path of the bundle (%s)', async (format) => {
    await source('old.cjs', 'module.exports = [__dirname, __filename];');
    const entry = await source(
      'app.ts',
      `export { default as place } from './old.cjs';
       ${format === 'esm' ? 'await 0;' : ''}`,
    );
    await using bundler = await bundlerOf(entry);
    const bundle = await bundler.build();
    expect(bundle.format).toBe(format);
    expect(await loaded(bundle.file)).toEqual({
      place: [join(directory, 'out'), bundle.file],
    });
  });

  it('has the exports of a CommonJS entry', async () => {
    const entry = await source('old.cjs', 'exports.one = 1; exports.two = 2;');
    await using bundler = await bundlerOf(entry);
    expect(await loaded((await bundler.build()).file)).toEqual({ one: 1, two: 2 });
  });

  it('does not replace names that the code declares itself', async () => {
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
    expect(await loaded((await bundler.build()).file)).toEqual({
      folders: [directory, join(directory, 'out')],
    });
  });

  it('uses the decorators of the tsconfig.json that covers the entry', async () => {
    const text = `const kinds: string[] = [];
      const mark = (...args: unknown[]) => { kinds.push(typeof args[1]); };
      class Marked { @mark method() {} }
      export const kind = [Marked.name, ...kinds][1];`;
    const entry = await source('app.ts', text);
    await using standard = await bundlerOf(entry);
    expect(await loaded((await standard.build()).file)).toEqual({ kind: 'object' });
    await source('tsconfig.json', '{ "compilerOptions": { "experimentalDecorators": true } }');
    await using legacy = await openBundler(entry, directory);
    expect(await loaded((await legacy.build()).file)).toEqual({ kind: 'string' });
  });

  it('reports every mistake, even with code that needs an ES module', async () => {
    const entry = await source('app.ts', 'export const a = await 1;\nexport const handler = ;');
    await using bundler = await bundlerOf(entry);
    const failure = await bundler.build().catch((error: Error) => error.message);
    expect(failure).toContain('Unexpected ";"');
    expect(failure).not.toContain('Top-level await');
  });

  it('I15 fails for packages that only Lambda brings, and says what to install', async () => {
    await source('part.js', `import { it } from '@aws-sdk/client-nowhere/dist-es/it'; it();`);
    const entry = await source(
      'app.mjs',
      `import { PutItemCommand } from '@aws-sdk/client-nowhere';
       import nowhere from 'nowhere/at/all.js';
       import './part.js';
       export const handler = async () => [PutItemCommand, nowhere];`,
    );
    await using bundler = await bundlerOf(entry);
    const failure = await bundler.build().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'ERR_BUILD_FAILED',
      hint:
        'Lambda brings "@aws-sdk/…" and "@smithy/…", but this machine does not. ' +
        'Install what is missing: npm install @aws-sdk/client-nowhere nowhere',
      message: expect.stringMatching(/Could not resolve "@aws-sdk\/client-nowhere"/),
    });
    expect(String(failure)).not.toContain('external');
  });

  it.each(['cjs', 'esm'])(
    'leaves out what a package imports only if it is installed (%s)',
    async (format) => {
      await dependency(
        'flexible',
        `const load = (get) => get().then(() => 'there', (error) => error.code);
       export const parts = () => Promise.all([
         load(() => import('optional-one/at/all.js')), load(() => import('@optional/two'))
       ]);`,
      );
      const folder = join(directory, 'node_modules/flexible');
      const peerDependenciesMeta = {
        'optional-one': { optional: true },
        '@optional/two': { optional: true },
      };
      await writeFile(
        join(folder, 'package.json'),
        JSON.stringify({ type: 'module', main: 'index.js', peerDependenciesMeta }),
      );
      const entry = await source(
        'app.ts',
        `import { parts } from 'flexible'; export { parts }; ${format === 'esm' ? 'await 0;' : ''}`,
      );
      await using bundler = await bundlerOf(entry);
      const bundle = await bundler.build();
      expect(bundle.format).toBe(format);
      const { parts } = (await loaded(bundle.file)) as { parts: () => Promise<unknown> };
      const code = format === 'esm' ? 'ERR_MODULE_NOT_FOUND' : 'MODULE_NOT_FOUND';
      expect(await parts()).toEqual([code, code]);

      // What the project itself imports is needed.
      await source(
        'app.ts',
        `import { parts } from 'flexible'; import 'optional-one'; export { parts };`,
      );
      await expect(bundler.build()).rejects.toMatchObject({
        hint: 'Install what is missing: npm install optional-one',
      });
    },
  );

  it.each(['./nowhere.js', '@/part', '~/part', '#part', 'bun:test'])(
    'I15 has no hint for what is not a package: %s',
    async (name) => {
      const entry = await source('app.ts', `export * from '${name}';`);
      await using bundler = await bundlerOf(entry);
      await expect(bundler.build()).rejects.toMatchObject({
        message: expect.stringContaining(name),
        hint: undefined,
      });
    },
  );

  it('I15 has no hint while tsconfig.json, which may have an alias of that name, is broken', async () => {
    await source('tsconfig.json', '{ "compilerOptions": { "paths": { "@lib/*": ["./*"] } }, ');
    await source('part.ts', 'export const part = 1;');
    const entry = await source('app.ts', `export * from '@lib/part';`);
    await using bundler = await bundlerOf(entry);
    await expect(bundler.build()).rejects.toMatchObject({
      message: expect.stringContaining('tsconfig.json'),
      hint: undefined,
    });
  });

  it('says how to import a file that is not code', async () => {
    await source('a.sql', 'SELECT 1');
    const entry = await source('app.ts', `import text from './a.sql'; export { text };`);
    await using bundler = await bundlerOf(entry);
    await expect(bundler.build()).rejects.toMatchObject({
      message: expect.stringContaining('No loader is configured for ".sql" files'),
      hint: expect.stringContaining(`with { type: 'text' }`),
    });
    await using ofEntry = await bundlerOf(join(directory, 'a.sql'));
    await expect(ofEntry.build()).rejects.toMatchObject({ hint: undefined });
    await source(
      'app.ts',
      `import text from './a.sql' with { type: 'text' };
      import bytes from './a.sql' with { type: 'bytes' };
      export { text, bytes };`,
    );
    const { text, bytes } = await loaded((await bundler.build()).file);
    expect([text, bytes]).toEqual(['SELECT 1', new TextEncoder().encode('SELECT 1')]);
  });

  it.each(['cjs', 'esm'])('has native addons beside it: %s', async (format) => {
    const folder = join(directory, 'node_modules/native');
    await mkdir(folder, { recursive: true });
    // The embedded DynamoDB has one for each system.
    const level = createRequire(import.meta.url).resolve('classic-level');
    const builds = createRequire(level)('node-gyp-build') as { resolve(folder: string): string };
    await copyFile(builds.resolve(dirname(level)), join(folder, 'a.node'));
    await writeFile(join(folder, 'index.js'), `module.exports = require('./a.node');`);
    const entry = await source(
      'app.ts',
      `import native from 'native'; ${format === 'esm' ? 'await 0;' : ''} export { native };`,
    );
    await using bundler = await bundlerOf(entry);
    const bundle = await bundler.build();
    expect(bundle.format).toBe(format);
    const { native } = (await loaded(bundle.file)) as { native: object };
    expect(native).toHaveProperty('db_open');
  });

  it('fails for a missing file', async () => {
    await expect(bundlerOf('src/nowhere.ts')).rejects.toMatchObject({
      code: 'ERR_ENTRY_NOT_FOUND',
      message: expect.stringContaining('"src/nowhere.ts"'),
    });
  });

  it('fails for a mistake in the source, with the message of esbuild', async () => {
    const entry = await source('app.ts', 'export const handler = ;');
    await using bundler = await bundlerOf(entry);
    await expect(bundler.build()).rejects.toMatchObject({
      code: 'ERR_BUILD_FAILED',
      message: expect.stringMatching(/\[ERROR\] Unexpected ";"[^]*app\.ts:1:23/),
    });
  });
});

describe('a bundler that watches', () => {
  it('builds each change into a new file, and reports mistakes', async () => {
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
    expect(await loaded(first.file)).toEqual({ version: 1 });
    expect(await loaded(file)).toEqual({ version: 2 });
  });

  it('changes the format when the code needs it', async () => {
    const entry = await source('app.ts', 'export const version = 1;');
    await source('part.ts', 'export const version = await Promise.resolve(2);');
    const formats: string[] = [];
    await using bundler = await bundlerOf(entry);
    await bundler.build();
    await bundler.watch((rebuild) =>
      formats.push(rebuild.type === 'built' ? rebuild.bundle.format : rebuild.error.message),
    );
    const changed = async (name: string, text: string, expected: readonly string[]) => {
      await source(name, text);
      await vi.waitFor(() => expect(formats).toEqual(expected), { timeout: 10_000 });
    };
    await changed('app.ts', 'export { version } from "./part.js";', ['esm']);
    // Changes of an ES module's parts are noticed, too.
    await changed('part.ts', 'export const version = await Promise.resolve(3);', ['esm', 'esm']);
    await changed('part.ts', 'export const version = 4;', ['esm', 'esm', 'cjs']);
  });
});
