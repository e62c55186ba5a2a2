import { fileURLToPath } from 'node:url';
import type { BuildOptions, BuildResult } from 'esbuild';

/** The module format of a bundle. */
export type BundleFormat = 'cjs' | 'esm';

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
  // esbuild can remove unused code only from ES module builds.
  mainFields: ['module', 'main'],
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
 */
export function bundleSettings(format: BundleFormat): BuildOptions {
  if (format === 'esm') {
    return { ...SHARED, format, banner: { js: REQUIRE }, inject: [COMMON_JS_NAMES] };
  }
  return {
    ...SHARED,
    format,
    supported: { 'dynamic-import': false },
    // Without this, esbuild does not report these for dependencies.
    logOverride: Object.fromEntries(NOT_IN_COMMON_JS.map((id) => [id, 'warning'])),
  };
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
