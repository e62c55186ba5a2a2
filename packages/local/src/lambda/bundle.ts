import { stat, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import {
  type BuildContext,
  type BuildResult,
  context,
  formatMessages,
  type Message,
  type Plugin,
} from 'esbuild';
import { StartError } from '../start-error.js';
import { type BundleFormat, bundleSettings, needsEsModule } from './bundle-settings.js';

/** A function's code as one file. */
export interface Bundle {
  readonly format: BundleFormat;
  readonly file: string;
  /** Its source map. */
  readonly mapFile: string;
  /** Paths of all source files in the bundle. */
  readonly inputs: readonly string[];
}

/** The result of building again after a change. */
export type Rebuild =
  | { readonly type: 'built'; readonly bundle: Bundle }
  | { readonly type: 'failed'; readonly error: Error };

/** Builds one entry file. */
export interface Bundler extends AsyncDisposable {
  /**
   * Builds into a new file each time.
   *
   * @throws StartError `ERR_BUILD_FAILED` with the messages of esbuild.
   */
  build(): Promise<Bundle>;
  /** Builds again when a source file changes, and calls back unless the bundle stays the same. */
  watch(onRebuild: (rebuild: Rebuild) => void): Promise<void>;
  close(): Promise<void>;
}

// Extensions by which Node knows the format, independently of package.json.
const EXTENSIONS = { cjs: '.cjs', esm: '.mjs' } as const;

/** A build, in the format that the code needs. */
interface Outcome {
  readonly format: BundleFormat;
  readonly result: BuildResult;
}

/**
 * Opens a bundler that writes into `directory`. It bundles like a deployment, but without minifying
 * names: one CommonJS module, or one ES module if the code needs that.
 *
 * @throws StartError `ERR_ENTRY_NOT_FOUND` if the file `entry` does not exist.
 */
export async function openBundler(entry: string, directory: string): Promise<Bundler> {
  await assertFile(entry);
  const path = join(directory, basename(entry, extname(entry)));
  let builds = 0;
  let lastHash: string | undefined;
  let onResult = async (_result: BuildResult): Promise<void> => {};

  // Only this one watches: it always reads the same files as the other.
  const commonJs = await open('cjs', {
    entry,
    path,
    plugins: [{ name: 'watch', setup: (build) => build.onEnd((result) => onResult(result)) }],
  });
  let esModule: Promise<BuildContext> | undefined;

  async function outcomeOf(result: BuildResult): Promise<Outcome> {
    if (!needsEsModule(result)) return { format: 'cjs', result };
    esModule ??= open('esm', { entry, path });
    return { format: 'esm', result: await (await esModule).rebuild().catch(failedResult) };
  }

  async function write({ format, result }: Outcome): Promise<Bundle> {
    lastHash = hashOf(result);
    if (result.errors.length > 0) {
      const text = await formatted(result.errors, 'error');
      throw new StartError('ERR_BUILD_FAILED', `"${entry}" could not be bundled.\n\n${text}`);
    }
    process.stderr.write(await formatted(result.warnings, 'warning'));
    builds += 1;
    return writeBundle({ format, result }, `${path}-${builds}`);
  }

  async function close(): Promise<void> {
    await commonJs.dispose();
    await (await esModule)?.dispose();
  }

  return {
    async build() {
      return write(await outcomeOf(await commonJs.rebuild().catch(failedResult)));
    },
    async watch(onRebuild) {
      onResult = async (first) => {
        const outcome = await outcomeOf(first);
        const hash = hashOf(outcome.result);
        if (hash !== undefined && hash === lastHash) return;
        onRebuild(
          await write(outcome).then(
            (bundle) => ({ type: 'built', bundle }),
            (error: Error) => ({ type: 'failed', error }),
          ),
        );
      };
      await commonJs.watch();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface OpenOptions {
  readonly entry: string;
  /** Path of the bundle without its extension, for the paths in the source map. */
  readonly path: string;
  readonly plugins?: Plugin[];
}

/** Opens a build whose output stays in memory. */
function open(
  format: BundleFormat,
  { entry, path, plugins = [] }: OpenOptions,
): Promise<BuildContext> {
  return context({
    ...bundleSettings(format),
    entryPoints: [entry],
    outfile: `${path}${EXTENSIONS[format]}`,
    sourcemap: 'external',
    metafile: true,
    write: false,
    logLevel: 'silent',
    plugins,
  });
}

/** Writes the output of a build. `path` is that of the file without its extension. */
async function writeBundle({ format, result }: Outcome, path: string): Promise<Bundle> {
  const file = `${path}${EXTENSIONS[format]}`;
  const mapFile = `${file}.map`;
  for (const output of result.outputFiles ?? []) {
    await (output.path.endsWith('.map')
      ? writeFile(mapFile, output.contents)
      : writeFile(file, `${output.text}//# sourceMappingURL=${basename(mapFile)}\n`));
  }
  return { format, file, mapFile, inputs: Object.keys(result.metafile?.inputs ?? {}) };
}

async function assertFile(entry: string): Promise<void> {
  const found = await stat(entry).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new StartError(
      'ERR_ENTRY_NOT_FOUND',
      `The file "${entry}" was not found.`,
      'Pass the path of the source file that exports the handler, relative to the current folder and with its extension.',
    );
  }
}

/** `undefined` for a failed build, so that the next successful one counts as a change. */
function hashOf({ errors, outputFiles = [] }: BuildResult): string | undefined {
  return errors.length > 0 ? undefined : outputFiles.map((output) => output.hash).join();
}

/** esbuild rejects with an error that contains the messages of the result. */
function failedResult(error: Error): BuildResult {
  if (!('errors' in error)) {
    throw error;
  }
  return error as Error & BuildResult;
}

async function formatted(messages: Message[], kind: 'error' | 'warning'): Promise<string> {
  const color = process.stderr.isTTY;
  return (await formatMessages(messages, { kind, color })).join('');
}
