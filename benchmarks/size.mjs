// The size that an import of each entry point adds to a bundle, without the AWS SDK and peer
// dependencies, which are loaded on demand or not at all.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const entryPoints = [
  ['@gatecast/client', 'browser'],
  ['@gatecast/framework', 'node'],
  ['@gatecast/framework/class-validator', 'node'],
  ['@gatecast/framework/jwt', 'node'],
  ['@gatecast/framework/plugins/logger', 'node'],
];

async function bundle([name, platform]) {
  const { outputFiles } = await build({
    stdin: { contents: `export * from '${name}';`, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform,
    external: ['@aws-sdk/*', 'class-validator', 'class-transformer', 'aws-jwt-verify'],
    write: false,
  });
  const [{ contents }] = outputFiles;
  return { name, bytes: contents.length, 'bytes, gzip': gzipSync(contents).length };
}

export async function measure() {
  return { benchmark: 'size', rows: await Promise.all(entryPoints.map(bundle)) };
}
