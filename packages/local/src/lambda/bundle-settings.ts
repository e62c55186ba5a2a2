import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, BuildResult } from 'esbuild';

/** The module format of a bundle. */
export type BundleFormat = 'cjs' | 'esm';

/**
 * Which build of a package without `exports` is bundled: that of its field `module`, from which esbuild
 * can remove unused code, or that of `main`, which Node loads.
 */
export type MainField = 'module' | 'main';

// Bundled CommonJS code calls `require`, which does not exist in an ES module. esbuild renames `require`
// if the user's code has the same name, but not the imported name here.
const REQUIRE = `import { createRequire as __gatecastCreateRequire } from 'node:module';
const require = __gatecastCreateRequire(import.meta.url);`;

// Defines `__dirname` and `__filename`. The path leads to `dist`, because esbuild reads the file.
const COMMON_JS_NAMES = fileURLToPath(
  new URL('../../dist/lambda/common-js-names.js', import.meta.url),
);

const SHARED = {
  bundle: true,
  platform: 'node',
  target: 'node20',
} satisfies BuildOptions;

// In CommonJS, `import.meta` is an empty object, and `import(path)` becomes a `require(path)` that
// accepts neither URLs nor modules with a top-level await.
const NOT_IN_COMMON_JS = ['empty-import-meta', 'unsupported-dynamic-import'];
/** esbuild gives this error no id. */
const TOP_LEVEL_AWAIT = /^Top-level await is .*not supported/;

/**
 * How esbuild bundles a function with all dependencies, here and for AWS.
 *
 * CommonJS starts fastest: an ES module that imports `node:http` also loads Node's own `fetch` (36 to 45
 * ms on Node 22 and 24), and `require` does not. So `import()` becomes `require`, too.
 *
 * `field` is the first of the main fields.
 */
export function bundleSettings(format: BundleFormat, field: MainField = 'module'): BuildOptions {
  const mainFields = mainFieldsOf(field);
  if (format === 'esm') {
    return { ...SHARED, format, mainFields, banner: { js: REQUIRE }, inject: [COMMON_JS_NAMES] };
  }
  return {
    ...SHARED,
    format,
    mainFields,
    supported: { 'dynamic-import': false },
    // Without this, esbuild does not report these for dependencies.
    logOverride: Object.fromEntries(NOT_IN_COMMON_JS.map((id) => [id, 'warning'])),
  };
}

/** The fields of a package that are tried, in this order. */
export function mainFieldsOf(first: MainField): MainField[] {
  return first === 'module' ? ['module', 'main'] : ['main', 'module'];
}

/**
 * Whether a CommonJS build found code, in the function or a dependency, that only works in an ES module.
 */
export function needsEsModule({ errors, warnings }: BuildResult): boolean {
  return (
    errors.some(({ text }) => TOP_LEVEL_AWAIT.test(text)) ||
    warnings.some(({ id }) => NOT_IN_COMMON_JS.includes(id))
  );
}

/**
 * Whether a build from the field `module` works differently from Node: a package is in the bundle twice,
 * because something imports a file of its CommonJS build, or something requires a package that is an ES
 * module only here. A bundle from the field `main` has neither.
 */
export function needsMainField({ metafile }: BuildResult): boolean {
  const inputs = Object.entries(metafile?.inputs ?? {});
  const formats = new Map(inputs.map(([path, { format }]) => [path, format]));
  const isCommonJs = new Map<string, boolean>();
  const doubted = new Set<string>();
  for (const [path, { format, imports }] of inputs) {
    const folder = packageOf(path);
    if (folder !== undefined && format !== undefined) {
      const before = isCommonJs.get(folder) ?? format === 'cjs';
      if (before !== (format === 'cjs')) doubted.add(folder);
      isCommonJs.set(folder, before);
    }
    for (const { kind, path: target } of imports) {
      const required = packageOf(target);
      if (kind === 'require-call' && formats.get(target) === 'esm' && required !== undefined) {
        doubted.add(required);
      }
    }
  }
  return [...doubted].some(isFoundByMainFields);
}

/** The folder of a file's package; `undefined` if it is not in a package. */
export function packageOf(path: string): string | undefined {
  return /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

function isFoundByMainFields(folder: string): boolean {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  } catch {
    // A package manager may keep packages in archives, which only esbuild reads.
    return true;
  }
  const { main, module, exports } = fields;
  return exports === undefined && main !== undefined && module !== undefined;
}
