import { stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import {
  type BuildContext,
  type BuildResult,
  context,
  formatMessages,
  type Message,
  type Plugin,
} from 'esbuild';
import { StartError } from '../start-error.js';
import {
  type BundleFormat,
  bundleSettings,
  type MainField,
  needsEsModule,
  needsMainField,
} from './bundle-settings.js';
import { missingOptionalPeers, missingPackage } from './optional-peers.js';

/** A function's code as one file. */
export interface Bundle {
  readonly format: BundleFormat;
  readonly mainField: MainField;
  /** Packages that were left out, because they are not there and optional. */
  readonly external: readonly string[];
  readonly file: string;
  /** The folder of all of its code, which is the current one in Lambda. */
  readonly folder: string;
  /** Its source map. */
  readonly mapFile: string;
  /** Size of the source map. */
  readonly mapBytes: number;
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

/** What the code may need of a build. */
interface Variant {
  readonly format: BundleFormat;
  readonly mainField: MainField;
  /** Packages that are left out. */
  readonly external: readonly string[];
}

interface Outcome extends Variant {
  readonly result: BuildResult;
}

/**
 * Opens a bundler that writes into `directory`. It bundles like a deployment, but without minifying
 * names: one CommonJS module, or one ES module if the code needs that, from the builds of packages that
 * the code needs.
 *
 * @throws StartError `ERR_ENTRY_NOT_FOUND` if the file `entry` does not exist.
 */
export async function openBundler(entry: string, directory: string): Promise<Bundler> {
  await assertFile(entry);
  const path = join(directory, basename(entry, extname(entry)));
  let builds = 0;
  let lastHash: string | undefined;
  let onResult = async (_result: BuildResult): Promise<void> => {};

  // Only this one watches: it always reads the same files of the function as the others.
  const first = await openBuild({ entry, path, format: 'cjs', mainField: 'module', external: [] }, [
    { name: 'watch', setup: (build) => build.onEnd((result) => onResult(result)) },
  ]);
  const others = new Map<string, Promise<BuildContext>>();

  async function rebuilt(variant: Variant): Promise<Outcome> {
    const name = JSON.stringify(variant);
    const opened = others.get(name) ?? openBuild({ entry, path, ...variant });
    others.set(name, opened);
    return { ...variant, result: await (await opened).rebuild().catch(failedResult) };
  }

  async function outcomeOf(result: BuildResult): Promise<Outcome> {
    const external = missingOptionalPeers(result.errors);
    const variant: Variant = { format: 'cjs', mainField: 'module', external };
    let outcome = external.length > 0 ? await rebuilt(variant) : { ...variant, result };
    if (needsEsModule(outcome.result)) outcome = await rebuilt({ ...variant, format: 'esm' });
    if (!needsMainField(outcome.result)) return outcome;
    const { format } = outcome;
    outcome = await rebuilt({ format, mainField: 'main', external });
    return format === 'cjs' && needsEsModule(outcome.result)
      ? rebuilt({ format: 'esm', mainField: 'main', external })
      : outcome;
  }

  async function write(outcome: Outcome): Promise<Bundle> {
    const { result } = outcome;
    lastHash = hashOf(result);
    if (result.errors.length > 0) {
      const text = await formatted(result.errors.map(withoutAdvice), 'error');
      const message = `"${entry}" could not be bundled.\n\n${text.trimEnd()}`;
      const hint = installHint(result.errors) ?? importHint(result.errors);
      throw new StartError('ERR_BUILD_FAILED', message, hint);
    }
    process.stderr.write(await formatted(result.warnings, 'warning'));
    builds += 1;
    return writeBundle(outcome, `${path}-${builds}`);
  }

  async function close(): Promise<void> {
    for (const opened of [first, ...others.values()]) await (await opened).dispose();
  }

  return {
    async build() {
      return write(await outcomeOf(await first.rebuild().catch(failedResult)));
    },
    async watch(onRebuild) {
      onResult = async (result) => {
        const outcome = await outcomeOf(result);
        const hash = hashOf(outcome.result);
        if (hash !== undefined && hash === lastHash) return;
        onRebuild(
          await write(outcome).then(
            (bundle) => ({ type: 'built', bundle }),
            (error: Error) => ({ type: 'failed', error }),
          ),
        );
      };
      await first.watch();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface OpenOptions extends Variant {
  readonly entry: string;
  /** Path of the bundle without its extension, for the paths in the source map. */
  readonly path: string;
}

/** Opens a build whose output stays in memory. */
function openBuild(options: OpenOptions, plugins: Plugin[] = []): Promise<BuildContext> {
  const { entry, path, format, mainField, external } = options;
  return context({
    ...bundleSettings(format, mainField),
    external: [...external],
    // A native addon cannot be part of a file of code, so it lies beside it.
    loader: { '.node': 'copy' },
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
async function writeBundle(outcome: Outcome, path: string): Promise<Bundle> {
  const { format, mainField, external, result } = outcome;
  const file = `${path}${EXTENSIONS[format]}`;
  const mapFile = `${file}.map`;
  let mapBytes = 0;
  for (const output of result.outputFiles ?? []) {
    if (output.path.endsWith('.map')) {
      mapBytes = output.contents.length;
      await writeFile(mapFile, output.contents);
    } else if (output.path.endsWith(EXTENSIONS[format])) {
      await writeFile(
        file,
        `${output.text}//# sourceMappingURL=${encodeURIComponent(basename(mapFile))}\n`,
      );
    } else {
      await writeFile(join(dirname(file), basename(output.path)), output.contents);
    }
  }
  const inputs = Object.keys(result.metafile?.inputs ?? {});
  return { format, mainField, external, file, folder: dirname(file), mapFile, mapBytes, inputs };
}

async function assertFile(entry: string): Promise<void> {
  const found = await stat(entry).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new StartError(
      'ERR_ENTRY_NOT_FOUND',
      found === undefined ? `The file "${entry}" was not found.` : `"${entry}" is not a file.`,
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
  // The text may go to either of them, and one may be a file.
  const color = [process.stdout, process.stderr].every((each) => each.isTTY && each.hasColors());
  return (await formatMessages(messages, { kind, color })).join('');
}

/** esbuild advises to leave a missing package out of the bundle, which then fails when it is loaded. */
function withoutAdvice(error: Message): Message {
  return missingPackage(error) === undefined ? error : { ...error, notes: [] };
}

function installHint(errors: readonly Message[]): string | undefined {
  // What a broken tsconfig.json says in `paths` is missing, too.
  if (errors.some(({ location }) => location?.file.endsWith('.json'))) return undefined;
  const names = [...new Set(errors.map(missingPackage))].filter((name) => name !== undefined);
  if (names.length === 0) return undefined;
  const brought = names.some((name) => /^@(?:aws-sdk|smithy)\//.test(name))
    ? 'Lambda brings "@aws-sdk/…" and "@smithy/…", but this machine does not. '
    : '';
  return `${brought}Install what is missing: npm install ${names.join(' ')}`;
}

/** Files that are not code, such as a query or a schema. */
function importHint(errors: readonly Message[]): string | undefined {
  // At no place if it is the entry.
  const isUnknown = errors.some(
    ({ text, location }) => location && text.startsWith('No loader is configured for'),
  );
  return isUnknown
    ? `Say what such a file is: import text from './a.sql' with { type: 'text' }, or 'bytes' for a Uint8Array.`
    : undefined;
}
