import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { App, Stack } from 'aws-cdk-lib';
import { OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { build } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { bundleSettings } from '../../local/dist/lambda/bundle-settings.js';
import { GatecastApi, type GatecastApiProps, RouteManifest } from '../lib/index.js';

const chat = fileURLToPath(new URL('../../../examples/chat/server/app.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gatecast-bundle-'));
const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
afterAll(() => rmSync(folder, { recursive: true }));

/** Bundles an app and returns the names and contents of the asset's files. */
function assetOf(props: GatecastApiProps, outdir: string): ReadonlyMap<string, string> {
  const app = new App({ outdir: join(folder, outdir) });
  const stack = new Stack(app, 'Test');
  new GatecastApi(stack, 'Chat', props);
  app.synth();
  const [asset = ''] = readdirSync(app.outdir).filter((name) => /^asset\.[0-9a-f]{64}$/.test(name));
  const files = readdirSync(join(app.outdir, asset));
  return new Map([
    ['asset', asset],
    ...files.map((name) => [name, readFileSync(join(app.outdir, asset, name), 'utf8')] as const),
  ]);
}

test('the bundle is what gatecast dev runs, but minified, and its hash does not change', async () => {
  const first = assetOf({ entry: chat }, 'first');
  const second = assetOf({ entry: chat }, 'second');
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
  const files = assetOf(
    { entry: fixture('es-module.ts'), handlerOptions: { bundling: { format: OutputFormat.ESM } } },
    'esm',
  );
  expect([...files.keys()]).toEqual(['asset', 'index.mjs']);
  const file = join(folder, 'es-module.mjs');
  writeFileSync(file, files.get('index.mjs') ?? '');
  const { handler } = (await import(file)) as { handler: () => unknown };
  expect(handler()).toEqual({ require: 'function', folder });
});

test.each(['es-module.ts', 'import-meta.ts'])(
  '%s, which only works as an ES module, is a mistake in CommonJS',
  (name) => {
    expect(() => assetOf({ entry: fixture(name) }, name)).toThrow(
      /the app needs an ES module: handlerOptions: \{ bundling: \{ format: OutputFormat\.ESM \} \}/,
    );
  },
);

test("the manifest says that the app's code needs an ES module", () => {
  const entry = fixture('es-module-app.ts');
  const files = assetOf({ entry, routes: RouteManifest.fromEntry(entry) }, 'manifest');
  expect([...files.keys()]).toEqual(['asset', 'index.mjs']);
});
