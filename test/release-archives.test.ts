// `npm run release:check` says what is wrong with an archive.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
let folder: string;
let license: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-release-'));
  license = await readFile(join(root, 'LICENSE'), 'utf8');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A package.json that may be published, except for the given fields. */
function manifestOf(name: string, over: Readonly<Record<string, unknown>> = {}): string {
  const url = 'git+https://github.com/gatecast/gatecast.git';
  return JSON.stringify({
    name: `@gatecast/${name}`,
    version: '1.2.3',
    license: 'Apache-2.0',
    engines: { node: '>=20.19' },
    repository: { type: 'git', url, directory: `packages/${name}` },
    publishConfig: { access: 'public', provenance: true },
    ...over,
  });
}

/** Files of a package that may be published. */
function filesOf(name: string): Record<string, string> {
  return {
    'package.json': manifestOf(name),
    LICENSE: license,
    'README.md': `# @gatecast/${name}\n\nnpm install @gatecast/${name}\n[here](#here)\n`,
    'CHANGELOG.md': `# @gatecast/${name}\n\n## 1.2.3\n`,
  };
}

async function check(...packages: readonly Readonly<Record<string, string>>[]) {
  const place = await mkdtemp(join(folder, 'case-'));
  for (const [index, files] of packages.entries()) {
    const home = join(place, `${index}`);
    for (const [name, text] of Object.entries(files)) {
      const path = join(home, 'package', name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    }
    execFileSync('tar', ['-czf', join(place, `${index}.tgz`), '-C', home, 'package']);
  }
  const args = [join(root, 'scripts/release/archives.mjs'), place];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { status, output: (stdout + stderr).trim().split('\n') };
}

it('accepts packages that may be published', async () => {
  const client = { dependencies: { '@gatecast/protocol': '1.2.3', ws: '^8.0.0' } };
  expect(
    await check(filesOf('protocol'), {
      ...filesOf('client'),
      'package.json': manifestOf('client', client),
    }),
  ).toEqual({ status: 0, output: ['2 archives of version 1.2.3 may be published'] });
});

it('names every fault', async () => {
  const manifest = manifestOf('client', {
    private: true,
    engines: { node: '>=18' },
    license: 'MIT',
    repository: undefined,
    publishConfig: { access: 'public' },
    dependencies: {
      '@gatecast/protocol': '^1.2.3',
      '@gatecast/docs': '1.2.3',
      yaml: 'file:../yaml',
      ajv: 'workspace:*',
    },
  });
  const client = {
    'package.json': manifest,
    LICENSE: 'mine',
    'README.md': '# Client\n\n[docs](../../docs/client.md)\n',
    'CHANGELOG.md': '## 1.2.2\n',
    'dist/client.test.js': '',
    'dist/.tsbuildinfo': '',
  };
  const { status, output } = await check(filesOf('protocol'), client);
  expect(status).toBe(1);
  expect(output.toSorted()).toEqual(
    [
      '"dist/client.test.js" should not be published.',
      '"dist/.tsbuildinfo" should not be published.',
      "LICENSE is not the repository's.",
      'README.md does not begin with the name.',
      'README.md does not say how to install it.',
      'The link "../../docs/client.md" in README.md is relative.',
      'CHANGELOG.md does not have version 1.2.3.',
      '"private" is not undefined in package.json.',
      '"license" is not "Apache-2.0" in package.json.',
      '"engines" is not {"node":">=20.19"} in package.json.',
      '"repository" is not {"type":"git","url":"git+https://github.com/gatecast/gatecast.git","directory":"packages/client"} in package.json.',
      '"publishConfig" is not {"access":"public","provenance":true} in package.json.',
      '"@gatecast/protocol": "^1.2.3" of dependencies is not exact.',
      '"@gatecast/docs" of dependencies is not published.',
      '"yaml": "file:../yaml" of dependencies is not on a registry.',
      '"ajv": "workspace:*" of dependencies is not on a registry.',
    ]
      .map((fault) => `@gatecast/client: ${fault}`)
      .toSorted(),
  );
});

it('wants one version and all the files', async () => {
  const files = filesOf('protocol');
  const { 'README.md': _readme, LICENSE: _license, ...rest } = filesOf('client');
  const newer = { ...rest, 'package.json': manifestOf('client', { version: '1.3.0' }) };
  const { status, output } = await check(files, newer);
  expect(status).toBe(1);
  expect(output).toContain("@gatecast/client: LICENSE is not the repository's.");
  expect(output).toContain('@gatecast/client: README.md does not begin with the name.');
  expect(output).toContain('The versions differ: 1.2.3, 1.3.0.');
});
