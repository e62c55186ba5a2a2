import { fileURLToPath } from 'node:url';
import type { BuildOptions, BuildResult } from 'esbuild';

/** Which kind of module a bundle is. */
export type BundleFormat = 'cjs' | 'esm';

// Bundled CommonJS code calls `require`, which an ES module lacks. esbuild gives way to that name
// wherever the user's code has one too, but not to the name that is imported here.
const REQUIRE = `import { createRequire as __gatecastCreateRequire } from 'node:module';
const require = __gatecastCreateRequire(import.meta.url);`;

// `__dirname` and `__filename`. Through `dist`, because esbuild reads the file.
const COMMON_JS_NAMES = fileURLToPath(
  new URL('../../dist/lambda/common-js-names.js', import.meta.url),
);

const SHARED = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  // Of ES module builds esbuild keeps only what is used.
  mainFields: ['module', 'main'],
} satisfies BuildOptions;

// `import.meta` is an empty object in CommonJS; `import(path)` becomes a `require(path)` that takes
// no URL and no module that awaits.
const NOT_IN_COMMON_JS = ['empty-import-meta', 'unsupported-dynamic-import'];
/** esbuild gives this error no id. */
const TOP_LEVEL_AWAIT = /^Top-level await is .*not supported/;

/**
 * How esbuild bundles a function, here and for AWS, nothing left external.
 *
 * CommonJS is what starts fastest: an ES module that imports `node:http` loads Node's own `fetch`
 * with it (36 to 45 ms on Node 22 and 24), and `require` does not. So `import()` becomes `require`
 * as well.
 */
export function bundleSettings(format: BundleFormat): BuildOptions {
  if (format === 'esm') {
    return { ...SHARED, format, banner: { js: REQUIRE }, inject: [COMMON_JS_NAMES] };
  }
  return {
    ...SHARED,
    format,
    supported: { 'dynamic-import': false },
    // Without this esbuild says nothing of dependencies.
    logOverride: Object.fromEntries(NOT_IN_COMMON_JS.map((id) => [id, 'warning'])),
  };
}

/** Whether a CommonJS build met code, of the function or of a dependency, that only an ES module runs. */
export function needsEsModule({ errors, warnings }: BuildResult): boolean {
  return (
    errors.some(({ text }) => TOP_LEVEL_AWAIT.test(text)) ||
    warnings.some(({ id }) => NOT_IN_COMMON_JS.includes(id))
  );
}
