import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'gatecast-stale-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `removeStale` on a package with these files. What is left of them. */
function left(name: string, paths: readonly string[]): readonly string[] {
  const home = join(folder, name);
  for (const path of paths) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), '');
  }
  const script = new URL('../scripts/remove-stale.mjs', import.meta.url).href;
  const call = `import { removeStale } from '${script}'; removeStale(process.argv[1]);`;
  execFileSync(process.execPath, ['--input-type=module', '--eval', call, home]);
  return readdirSync(home, { recursive: true }).map(String).toSorted();
}

it('removes what is compiled of a source that is gone, and folders that are then empty', () => {
  const kept = [
    'dist/.tsbuildinfo',
    'dist/index.d.ts',
    'dist/index.d.ts.map',
    'dist/index.js',
    'dist/index.js.map',
    'dist/page/page.js',
    'dist/part/one.js',
    'lib/tsconfig.tsbuildinfo',
    'page/page.ts',
    'src/index.ts',
    'src/part/one.ts',
  ];
  const stale = [
    'dist/gone/deep/two.js',
    'dist/gone/deep/two.d.ts.map',
    'dist/part/two.js',
    'lib/three.d.ts',
  ];
  const folders = ['dist', 'dist/page', 'dist/part', 'lib', 'page', 'src', 'src/part'];
  expect(left('package', [...kept, ...stale])).toEqual([...kept, ...folders].toSorted());
});

it('is done before anything is packed', () => {
  const text = readFileSync(new URL('../scripts/run.mjs', import.meta.url), 'utf8');
  const packing = text.slice(text.indexOf('export function pack('));
  const removed = packing.indexOf('removeStale(');
  expect(removed).toBeGreaterThan(0);
  expect(removed).toBeLessThan(packing.indexOf("'pack'"));
});
