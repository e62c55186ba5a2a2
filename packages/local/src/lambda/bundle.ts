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

// As Node tells them apart, whatever package.json is near.
const EXTENSIONS = { cjs: '.cjs', esm: '.mjs' } as const;

/** A build in the format that fits the code. */
interface Outcome {
  readonly format: BundleFormat;
  readonly result: BuildResult;
}

/**
 * Opens a bundler that writes into `directory`. It bundles as a deployment does, but for the names
 * that a minified bundle loses: one CommonJS module, or one ES module when the code needs that.
 *
 * @throws StartError `ERR_ENTRY_NOT_FOUND` when there is no file `entry`.
 */
export async function openBundler(entry: string, directory: string): Promise<Bundler> {
  await assertFile(entry);
  const name = basename(entry, extname(entry));
  let builds = 0;
  let lastHash: string | undefined;
  let onResult = async (_result: BuildResult): Promise<void> => {};

  const open = (format: BundleFormat, plugins: Plugin[] = []): Promise<BuildContext> =>
    context({
      ...bundleSettings(format),
      entryPoints: [entry],
      outfile: join(directory, `${name}${EXTENSIONS[format]}`),
      sourcemap: 'external',
      metafile: true,
      write: false,
      logLevel: 'silent',
      plugins,
    });
  // It alone watches: it reads the same files as the other, whatever its result.
  const commonJs = await open('cjs', [
    { name: 'watch', setup: (build) => build.onEnd((result) => onResult(result)) },
  ]);
  let esModule: Promise<BuildContext> | undefined;

  async function outcomeOf(result: BuildResult): Promise<Outcome> {
    if (!needsEsModule(result)) return { format: 'cjs', result };
    esModule ??= open('esm');
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
    const file = join(directory, `${name}-${builds}${EXTENSIONS[format]}`);
    const mapFile = `${file}.map`;
    const inputs = Object.keys(result.metafile?.inputs ?? {});
    for (const output of result.outputFiles ?? []) {
      await (output.path.endsWith('.map')
        ? writeFile(mapFile, output.contents)
        : writeFile(file, `${output.text}//# sourceMappingURL=${basename(mapFile)}\n`));
    }
    return { format, file, mapFile, inputs };
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
        if (hash !== undefined && hash === lastHash) {
          return;
        }
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

async function formatted(messages: Message[], kind: 'error' | 'warning'): Promise<string> {
  const color = process.stderr.isTTY;
  return (await formatMessages(messages, { kind, color })).join('');
}
