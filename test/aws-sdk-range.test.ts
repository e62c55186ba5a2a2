// With the ranges of the packages, npm installs a release of the AWS SDK that runs on the Node of its user.
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startCommand } from './running-command.js';

const packages = fileURLToPath(new URL('../packages', import.meta.url));

type Ranges = Readonly<Record<string, string>>;

/** The AWS packages that users of a package get or install, with their ranges. */
const ranges = readdirSync(packages).flatMap((name) => {
  const { dependencies, peerDependencies } = JSON.parse(
    readFileSync(join(packages, name, 'package.json'), 'utf8'),
  ) as { dependencies?: Ranges; peerDependencies?: Ranges };
  const all = Object.entries({ ...dependencies, ...peerDependencies });
  return all.filter(([dependency]) => /^@(?:aws-sdk|smithy)\//.test(dependency));
});

/** A registry where the newest release of a major version needs a later Node. */
async function startRegistry(major: string) {
  const releases = [
    [`${major}.9998.0`, '>=20'],
    [`${major}.9999.0`, '>=1000'],
  ] as const;
  const server = createServer((request, response) => {
    const name = decodeURIComponent(request.url?.slice(1) ?? '');
    const manifests = releases.map(([version, node]) => [
      version,
      { name, version, engines: { node }, dist: { tarball: `http://localhost/${version}.tgz` } },
    ]);
    const versions = Object.fromEntries(manifests) as object;
    const tags = { latest: `${major}.9999.0` };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ name, 'dist-tags': tags, versions }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** What `npm install` of something would add. */
async function installed(wanted: string, registry: string): Promise<string> {
  const cwd = await mkdtemp(join(tmpdir(), 'gatecast-range-'));
  await writeFile(join(cwd, 'package.json'), '{ "private": true }');
  const args = ['install', '--dry-run', '--no-audit', '--registry', registry, wanted];
  await using npm = startCommand('npm', args, { cwd });
  const { stdout } = await npm.ended;
  await rm(cwd, { recursive: true });
  return /^add \S+ (\S+)$/m.exec(stdout)?.[1] ?? stdout;
}

it.each(ranges)('L2 %s@%s leads to a release that runs on this Node', async (name, range) => {
  const [, major = ''] = /^\^(\d+)\.\d+\.\d+$/.exec(range) ?? [];
  using registry = await startRegistry(major);
  expect(await installed(`${name}@${range}`, registry.url)).toBe(`${major}.9998.0`);
  expect(await installed(name, registry.url)).toBe(`${major}.9998.0`);
  // npm takes a tag literally.
  expect(await installed(`${name}@latest`, registry.url)).toBe(`${major}.9999.0`);
});
