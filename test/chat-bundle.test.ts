import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { bundleSettings } from '../packages/local/src/lambda/bundle-settings.js';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Bundled {
  readonly inputs: Metafile['inputs'];
  /** Paths of the files that the bundle contains parts of. */
  readonly files: readonly string[];
  readonly text: string;
  readonly kilobytesGzipped: number;
}

/** Bundles like a deployment. */
async function bundle(entry: string): Promise<Bundled> {
  const { metafile, outputFiles, warnings } = await build({
    ...bundleSettings('cjs'),
    absWorkingDir: root,
    entryPoints: [`examples/chat/server/${entry}`],
    outfile: 'app.cjs',
    minify: true,
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  expect(warnings).toEqual([]);
  const { inputs = {} } = metafile.outputs['app.cjs'] ?? {};
  return {
    inputs: metafile.inputs,
    files: Object.keys(inputs).filter((file) => (inputs[file]?.bytesInOutput ?? 0) > 0),
    text: outputFiles[0]?.text ?? '',
    kilobytesGzipped: gzipSync(outputFiles[0]?.contents ?? '').length / 1_024,
  };
}

const isOfPackage =
  (name: string) =>
  (file: string): boolean =>
    file.includes(`node_modules/${name}/`);
const isOurs = (file: string): boolean => /^packages\/(framework|adapters|protocol)\//.test(file);

/** A file and everything that it imports, statically or dynamically. */
function reachable(
  file: string,
  inputs: Metafile['inputs'],
  seen = new Set<string>(),
): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const { path } of inputs[file]?.imports ?? []) reachable(path, inputs, seen);
  return seen;
}

const variables = {
  AWS_REGION: 'us-east-1',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
};

const withoutIntl = `
  const refuse = () => { throw new Error('Intl is used.'); };
  for (const { prototype } of [Array, BigInt, Date, Number, String]) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (/locale/i.test(name)) prototype[name] = refuse;
    }
  }
  globalThis.Intl = new Proxy({}, { get: refuse });
`;

// The measured size plus a margin. Larger bundles slow down every cold start.
describe.each([
  { entry: 'app.ts', budgetKb: 165 },
  { entry: 'app-on-redis.ts', budgetKb: 114 },
])("the bundle of the chat's $entry", ({ entry, budgetKb }) => {
  let bundled: Bundled;
  beforeAll(async () => {
    bundled = await bundle(entry);
  });

  it('imports AWS clients statically, so that unused parts are removed', () => {
    const { inputs } = bundled;
    const later = Object.keys(inputs)
      .filter(isOurs)
      .flatMap((file) => (inputs[file]?.imports ?? []).map((found) => ({ file, ...found })))
      .filter(({ kind }) => kind === 'dynamic-import')
      .filter(({ path }) => [...reachable(path, inputs)].some(isOfPackage('@aws-sdk')));
    expect(later.map(({ file, path }) => `${file} imports ${path}`)).toEqual([]);
  });

  it("does not import node:http, which would load Node's fetch", () => {
    const importers = Object.entries(bundled.inputs)
      .filter(([file]) => isOurs(file))
      .filter(([, { imports }]) => imports.some(({ path }) => /^(node:)?http$/.test(path)));
    expect(importers.map(([file]) => file)).toEqual([]);
  });

  it.each(['@aws-sdk/client-apigatewaymanagementapi', 'aws-jwt-verify'])('has no %s', (name) => {
    expect(Object.keys(bundled.inputs).filter(isOfPackage(name))).toEqual([]);
  });

  it('has only the parts of class-validator that the chat imports', () => {
    const decorators = bundled.files
      .filter(isOfPackage('class-validator'))
      .flatMap((file) => /\/decorator\/\w+\/(\w+)\.js$/.exec(file)?.[1] ?? [])
      .filter((name) => name !== 'ValidateBy');
    expect(decorators.toSorted()).toEqual(['IsString', 'Length']);
  });

  it('has only the lite build of reflect-metadata', () => {
    const files = bundled.files.filter(isOfPackage('reflect-metadata'));
    expect(files).toEqual(['node_modules/reflect-metadata/ReflectLite.js']);
  });

  it('does not use Intl while it loads, because its first use is slow', () => {
    const { stderr } = spawnSync(process.execPath, ['-'], {
      input: `${withoutIntl}\n${bundled.text}\nprocess.exit();`,
      encoding: 'utf8',
      env: { ...process.env, ...variables },
    });
    expect(stderr).toBe('');
  });

  it(`is at most ${budgetKb} KB, compressed`, () => {
    expect(bundled.kilobytesGzipped).toBeLessThan(budgetKb);
  });
});
