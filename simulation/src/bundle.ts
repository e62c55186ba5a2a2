import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root: string = fileURLToPath(new URL('../../', import.meta.url));
const cache: string = join(root, 'node_modules/.cache/gatecast');

/** A mistake that is put into the project's code, to see whether the checks notice it. */
export interface Patch {
  /** Path of the source from the root of the repository. */
  readonly file: string;
  /** What is replaced; it has to be there exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** A bundle of the simulator with the project's sources. It is deleted when it is disposed. */
export interface Bundle extends AsyncDisposable {
  readonly file: string;
}

/** Bundles the worker with the sources of all packages, patched. */
export async function bundle(patches: readonly Patch[]): Promise<Bundle> {
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'simulation-'));
  const file = join(folder, 'worker.mjs');
  await build({
    entryPoints: [join(root, 'simulation/src/worker.ts')],
    outfile: file,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'error',
    // Decorators of the channel under test are compiled as in most applications.
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, target: 'ES2022' } },
    external: ['ioredis'],
    plugins: [sources(patches)],
  });
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** A source with patches; throws if one of them does not fit exactly once. */
export function patched(source: string, patches: readonly Patch[]): string {
  return patches.reduce((text, { file, find, replace }) => {
    const parts = text.split(find);
    if (parts.length !== 2) {
      throw new Error(
        `"${find}" is ${parts.length - 1} times in ${file}, but has to be there once.`,
      );
    }
    return parts.join(replace);
  }, source);
}

function sources(patches: readonly Patch[]): Plugin {
  return {
    name: 'sources',
    setup(plugin) {
      // The sources instead of what was built from them.
      plugin.onResolve({ filter: /^@gatecast\// }, ({ path }) => ({ path: sourceOf(path) }));
      // Only types, and the client that nobody makes here, are of the SDK.
      plugin.onResolve({ filter: /^@aws-sdk\// }, ({ path }) => ({ path, namespace: 'nothing' }));
      plugin.onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({
        contents: 'module.exports = {}',
      }));
      plugin.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const name = relative(root, path).replaceAll('\\', '/');
        const own = patches.filter(({ file }) => file === name);
        const contents = patched(await readFile(path, 'utf8'), own);
        return { contents, loader: 'ts', resolveDir: dirname(path) };
      });
    },
  };
}

/** The source of an entry point of a package, such as `@gatecast/framework/adapter`. */
function sourceOf(specifier: string): string {
  const [, name = '', ...rest] = specifier.split('/');
  const folder = join(root, 'packages', name);
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, { readonly default: string }>>;
  };
  const entry = exports[['.', ...rest].join('/')];
  if (!entry) throw new Error(`${specifier} is not exported.`);
  return join(folder, entry.default.replace('./dist/', './src/').replace(/\.js$/, '.ts'));
}
