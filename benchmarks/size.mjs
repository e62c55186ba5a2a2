// The size that an import of each entry point adds to a bundle, without the AWS SDK and peer
// dependencies, which are loaded on demand or not at all. Other clients that keep a
// browser connected are measured beside ours; they are installed into a folder that is removed again.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const ours = [
  { name: '@gatecast/client', platform: 'browser' },
  { name: '@gatecast/client', platform: 'browser', imports: 'createClient' },
  { name: '@gatecast/framework', platform: 'node' },
  { name: '@gatecast/framework/class-validator', platform: 'node' },
  { name: '@gatecast/framework/jwt', platform: 'node' },
  { name: '@gatecast/framework/plugins/logger', platform: 'node' },
];

/** Each as its own README imports it. */
const others = [
  { name: 'centrifuge', version: '5.8.0', imports: 'Centrifuge' },
  { name: 'ably', version: '2.28.0', imports: 'Realtime' },
  {
    name: 'ably/modular',
    version: '2.28.0',
    imports: 'BaseRealtime, FetchRequest, WebSocketTransport',
  },
  { name: 'pusher-js', version: '8.6.0', imports: 'default as Pusher' },
  { name: 'socket.io-client', version: '4.8.4', imports: 'io' },
  { name: '@supabase/realtime-js', version: '2.119.1', imports: 'RealtimeClient' },
  { name: 'phoenix', version: '1.8.16', imports: 'Socket' },
  { name: 'partysocket', version: '1.3.0', imports: 'PartySocket' },
];

/** Bundles an import, of everything where no names are given. */
async function bundle({ name, version, platform = 'browser', imports = '*', resolveDir }) {
  const { outputFiles } = await build({
    stdin: {
      contents:
        imports === '*' ? `export * from '${name}';` : `export { ${imports} } from '${name}';`,
      resolveDir: resolveDir ?? import.meta.dirname,
    },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform,
    external: ['@aws-sdk/*', 'class-validator', 'class-transformer', 'aws-jwt-verify'],
    logLevel: 'error',
    write: false,
  });
  const [{ contents }] = outputFiles;
  return {
    name: version ? `${name} ${version}` : name,
    imports,
    bytes: contents.length,
    'bytes, gzip': gzipSync(contents).length,
  };
}

/** Empty where npm cannot install them. */
async function bundleOthers() {
  const folder = mkdtempSync(join(tmpdir(), 'gatecast-size-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    const packages = others.map(
      ({ name, version }) => `${name.replace('/modular', '')}@${version}`,
    );
    const { status, stderr } = spawnSync(
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...new Set(packages)],
      { cwd: folder, encoding: 'utf8', shell: process.platform === 'win32' },
    );
    if (status !== 0) {
      process.stderr.write(`The other packages could not be installed.\n${stderr}`);
      return [];
    }
    return await Promise.all(others.map((entry) => bundle({ ...entry, resolveDir: folder })));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export async function measure() {
  const rows = await Promise.all(ours.map(bundle));
  return { benchmark: 'size', rows: [...rows, ...(await bundleOthers())] };
}
