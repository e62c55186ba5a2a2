import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transform as transformWithSwc } from '@swc/core';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleSettings } from '../packages/local/src/lambda/bundle-settings.js';

const run = promisify(execFile);
const source = fileURLToPath(new URL('decorators', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const modes = ['legacy', 'standard'] as const;
type Mode = (typeof modes)[number];

const expected = {
  routes: [
    '$connect',
    '$disconnect',
    '$default',
    'subscribe',
    'unsubscribe',
    'ping',
    'rooms.own',
    'rooms.wrapped',
    'rooms.inherited',
  ],
  replies: ['echo hi in 42', 'echo hi', 'echo hi'],
};

const folders = {} as Record<Mode, string>;

beforeAll(async () => {
  for (const mode of modes) {
    const folder = await mkdtemp(join(root, 'node_modules', `.decorators-${mode}-`));
    folders[mode] = folder;
    await cp(join(source, 'app.ts'), join(folder, 'app.ts'));
    const settings = await readFile(join(source, `tsconfig.${mode}.json`), 'utf8');
    await writeFile(
      join(folder, 'tsconfig.json'),
      settings.replace('../../tsconfig.base.json', join(root, 'tsconfig.base.json')),
    );
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  }
});

afterAll(async () => {
  for (const folder of Object.values(folders)) await rm(folder, { recursive: true, force: true });
});

async function output(file: string, ...flags: string[]): Promise<unknown> {
  const { stdout } = await run(process.execPath, [...flags, file], { cwd: dirname(file) });
  const { routes, replies } = JSON.parse(stdout) as typeof expected;
  return { routes: routes.toSorted(), replies };
}

const wanted = { ...expected, routes: expected.routes.toSorted() };

describe.each(modes)('%s decorators make the same app', (mode) => {
  it('with tsc', async () => {
    const folder = folders[mode];
    await run(process.execPath, [
      require.resolve('typescript/bin/tsc'),
      '-p',
      folder,
      '--outDir',
      join(folder, 'tsc'),
    ]);
    expect(await output(join(folder, 'tsc', 'app.js'))).toEqual(wanted);
  });

  it('with esbuild, bundled as for Lambda', async () => {
    const outfile = join(folders[mode], 'esbuild.mjs');
    await build({
      // The app awaits at the top level.
      ...bundleSettings('esm'),
      entryPoints: [join(folders[mode], 'app.ts')],
      outfile,
      logLevel: 'silent',
    });
    expect(await output(outfile)).toEqual(wanted);
  });

  it('with tsx', async () => {
    const folder = folders[mode];
    expect(await output(join(folder, 'app.ts'), '--import', 'tsx')).toEqual(wanted);
  });

  it('with swc', async () => {
    const folder = folders[mode];
    const { code } = await transformWithSwc(await readFile(join(folder, 'app.ts'), 'utf8'), {
      filename: 'app.ts',
      swcrc: false,
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: mode === 'legacy' ? { legacyDecorator: true } : { decoratorVersion: '2023-11' },
      },
      module: { type: 'es6' },
    });
    const file = join(folder, 'swc.js');
    await writeFile(file, code);
    expect(await output(file)).toEqual(wanted);
  });
});
