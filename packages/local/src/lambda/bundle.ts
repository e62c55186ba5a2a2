import { stat, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildResult, context, formatMessages, type Message } from 'esbuild';
import { StartError } from '../start-error.js';

/** A function's code as one file. */
export interface Bundle {
  readonly file: string;
  /** The source map beside it. */
  readonly mapFile: string;
  /** Paths of every source file that went into it. */
  readonly inputs: readonly string[];
}

/** What came of building again after a change. */
export type Rebuild =
  | { readonly type: 'built'; readonly bundle: Bundle }
  | { readonly type: 'failed'; readonly error: Error };

/** Builds one entry file. */
export interface Bundler extends AsyncDisposable {
  /**
   * Builds, into a file of its own each time.
   *
   * @throws StartError `ERR_BUILD_FAILED` with what esbuild has to say.
   */
  build(): Promise<Bundle>;
  /** Builds again when a source file changes; tells of it unless the bundle stayed the same. */
  watch(onRebuild: (rebuild: Rebuild) => void): Promise<void>;
  close(): Promise<void>;
}

// Bundled CommonJS code calls `require`, which an ES module lacks. esbuild gives way to that name
// wherever the user's code has one too, but not to the name that is imported here.
const BANNER = `import { createRequire as __gatecastCreateRequire } from 'node:module';
const require = __gatecastCreateRequire(import.meta.url);`;

// `__dirname` and `__filename`. Through `dist`, because esbuild reads the file.
const COMMON_JS_NAMES = fileURLToPath(
  new URL('../../dist/lambda/common-js-names.js', import.meta.url),
);

/**
 * Opens a bundler that writes into `directory`. It bundles as a deployment does: one ES module with
 * nothing left external, the ES module builds of dependencies first.
 *
 * @throws StartError `ERR_ENTRY_NOT_FOUND` when there is no file `entry`.
 */
export async function openBundler(entry: string, directory: string): Promise<Bundler> {
  await assertFile(entry);
  const name = basename(entry, extname(entry));
  let builds = 0;
  let lastHash: string | undefined;
  let onResult = async (_result: BuildResult): Promise<void> => {};

  const builder = await context({
    entryPoints: [entry],
    outfile: join(directory, `${name}.mjs`),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    mainFields: ['module', 'main'],
    sourcemap: 'external',
    banner: { js: BANNER },
    inject: [COMMON_JS_NAMES],
    metafile: true,
    write: false,
    logLevel: 'silent',
    plugins: [{ name: 'watch', setup: (build) => build.onEnd((result) => onResult(result)) }],
  });

  async function write(result: BuildResult): Promise<Bundle> {
    lastHash = hashOf(result);
    if (result.errors.length > 0) {
      const text = await format(result.errors, 'error');
      throw new StartError('ERR_BUILD_FAILED', `"${entry}" could not be bundled.\n\n${text}`);
    }
    process.stderr.write(await format(result.warnings, 'warning'));
    builds += 1;
    const file = join(directory, `${name}-${builds}.mjs`);
    const mapFile = `${file}.map`;
    const inputs = Object.keys(result.metafile?.inputs ?? {});
    for (const output of result.outputFiles ?? []) {
      await (output.path.endsWith('.map')
        ? writeFile(mapFile, output.contents)
        : writeFile(file, `${output.text}//# sourceMappingURL=${basename(mapFile)}\n`));
    }
    return { file, mapFile, inputs };
  }

  return {
    async build() {
      return write(await builder.rebuild().catch(failedResult));
    },
    async watch(onRebuild) {
      onResult = async (result) => {
        const hash = hashOf(result);
        if (hash !== undefined && hash === lastHash) {
          return;
        }
        onRebuild(
          await write(result).then(
            (bundle) => ({ type: 'built', bundle }),
            (error: Error) => ({ type: 'failed', error }),
          ),
        );
      };
      await builder.watch();
    },
    close: () => builder.dispose(),
    [Symbol.asyncDispose]: () => builder.dispose(),
  };
}

async function assertFile(entry: string): Promise<void> {
  const found = await stat(entry).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new StartError(
      'ERR_ENTRY_NOT_FOUND',
      `The file "${entry}" was not found.`,
      'Name the source file that exports the handler, from the current folder, with its extension.',
    );
  }
}

/** `undefined` for a failed build, so that the next good one counts as a change. */
function hashOf({ errors, outputFiles = [] }: BuildResult): string | undefined {
  return errors.length > 0 ? undefined : outputFiles.map((output) => output.hash).join();
}

/** esbuild rejects with an error that has the messages of the result. */
function failedResult(error: Error): BuildResult {
  if (!('errors' in error)) {
    throw error;
  }
  return error as Error & BuildResult;
}

async function format(messages: Message[], kind: 'error' | 'warning'): Promise<string> {
  const color = process.stderr.isTTY;
  return (await formatMessages(messages, { kind, color })).join('');
}
