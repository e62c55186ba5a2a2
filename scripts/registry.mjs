// `npm run registry`: packs the packages and serves them to npm on this machine, until Ctrl-C. A project uses
// them with `npm config set --location=project @gatecast:registry=http://localhost:4800/`. Another port:
// `npm run registry -- --port 4801`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, installDependencies, optionsOf, pack } from './run.mjs';

export const REGISTRY_PORT = 4800;

/** Serves the archives of a folder as a registry. Other packages have to come from another one. */
export async function serveArchives(folder, port = 0) {
  const archives = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
  const documents = new Map(
    archives.map((file) => {
      const document = documentOf(join(folder, file));
      return [document.name, document];
    }),
  );
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname.slice(1));
    const document = documents.get(path);
    if (document) {
      const base = `http://${request.headers.host}/`;
      const [version] = Object.values(document.versions);
      version.dist.tarball = base + version.dist.file;
      // An archive that is packed again has the same version, so nothing about it may be kept.
      const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
      response.writeHead(200, headers).end(JSON.stringify(document));
    } else if (archives.includes(path)) {
      response.writeHead(200).end(readFileSync(join(folder, path)));
    } else {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
    }
  });
  server.listen(port, 'localhost');
  await once(server, 'listening');
  return server;
}

/** What npm asks a registry for. */
function documentOf(archive) {
  const { stdout, error } = spawnSync('tar', ['-xzOf', archive, 'package/package.json']);
  if (error) throw error;
  const manifest = JSON.parse(stdout);
  const { name, version } = manifest;
  const integrity = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  return {
    name,
    'dist-tags': { latest: version },
    versions: { [version]: { ...manifest, dist: { integrity, file: basename(archive) } } },
  };
}

const USAGE = `Usage: npm run registry -- [--port PORT]
Packs the @gatecast packages and serves them to npm on this machine, at port ${REGISTRY_PORT} or PORT, until Ctrl-C.
`;

async function main() {
  const values = optionsOf(USAGE, { port: { type: 'string' } });
  const port = Number(values.port ?? process.env.PORT ?? REGISTRY_PORT);
  installDependencies();
  const folder = mkdtempSync(join(tmpdir(), 'gatecast-archives-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.stdout.write('Building and packing …\n');
  build();
  pack(folder);
  try {
    await serveArchives(folder, port);
  } catch ({ message }) {
    process.stderr.write(
      `The packages could not be served: ${message}.\nFor another port: npm run registry -- --port 4801\n`,
    );
    process.exit(1);
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit());
  process.stdout.write(`Serving @gatecast packages at http://localhost:${port}/ until Ctrl-C.\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
