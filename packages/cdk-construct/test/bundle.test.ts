import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { bundleSettings } from '../../local/dist/lambda/bundle-settings.js';

const chat = fileURLToPath(new URL('../../../examples/chat/server/app.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gatecast-bundle-'));
const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * Bundles an app and returns the names and contents of the asset's files. In a process of its own, because esbuild
 * writes to the terminal. Throws what the process says if it fails.
 */
function assetOf(entry: string, name: string, ...options: string[]): ReadonlyMap<string, string> {
  const outdir = join(folder, name);
  const args = [fixture('synthesize.mjs'), outdir, entry, ...options];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const [asset = ''] = readdirSync(outdir).filter((file) => /^asset\.[0-9a-f]{64}$/.test(file));
  const files = readdirSync(join(outdir, asset));
  return new Map([
    ['asset', asset],
    ...files.map((file) => [file, readFileSync(join(outdir, asset, file), 'utf8')] as const),
  ]);
}

test('the bundle is what gatecast dev runs, but minified, and its hash does not change', async () => {
  const first = assetOf(chat, 'first');
  const second = assetOf(chat, 'second');
  expect([...second]).toEqual([...first]);
  expect([...first.keys()]).toEqual(['asset', 'index.js']);

  const { outputFiles } = await build({
    ...bundleSettings('cjs'),
    entryPoints: [chat],
    minify: true,
    write: false,
    logLevel: 'silent',
  });
  const bundle = first.get('index.js') ?? '';
  expect(createHash('sha256').update(bundle).digest('hex')).toBe(
    createHash('sha256')
      .update(outputFiles[0]?.text ?? '')
      .digest('hex'),
  );
  // A bundle with import() starts more slowly.
  expect(bundle).not.toMatch(/\bimport\(/);
});

test('an ES module has what CommonJS code in it expects', async () => {
  const files = assetOf(fixture('es-module.ts'), 'esm', 'esm');
  expect([...files.keys()]).toEqual(['asset', 'index.mjs']);
  const file = join(folder, 'es-module.mjs');
  writeFileSync(file, files.get('index.mjs') ?? '');
  const { handler } = (await import(file)) as { handler: () => unknown };
  expect(handler()).toEqual({ require: 'function', folder });
});

test.each(['es-module.ts', 'import-meta.ts'])(
  '%s, which only works as an ES module, is a mistake in CommonJS',
  (name) => {
    expect(() => assetOf(fixture(name), name)).toThrow(
      /the app needs an ES module: handlerOptions: \{ bundling: \{ format: OutputFormat\.ESM \} \}/,
    );
  },
);

test("the manifest says that the app's code needs an ES module", () => {
  const entry = fixture('es-module-app.ts');
  const files = assetOf(entry, 'manifest', 'manifest');
  expect([...files.keys()]).toEqual(['asset', 'index.mjs']);
});

test('a native addon lies beside the bundle, as in gatecast dev', () => {
  const { index, addon } = Object.fromEntries(
    [...assetOf(fixture('native/app.mjs'), 'native')].map(([name, text]) => [
      name.split(/[-.]/)[0],
      { name, text },
    ]),
  );
  expect(addon?.text).toBe('native');
  expect(index?.text).toContain(`require("./${addon?.name}")`);
});
