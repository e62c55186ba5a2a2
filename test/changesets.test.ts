// The settings of changesets: a change of one package releases all of them, with the same version.
import { execFileSync } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly [kind: string]: unknown;
}

/** The dependencies on packages of this repository. */
function ownDependencies(manifest: Manifest): [string, string][] {
  return ['dependencies', 'devDependencies']
    .flatMap((kind) => Object.entries((manifest[kind] ?? {}) as Record<string, string>))
    .filter(([name]) => name === 'gatecast' || name.startsWith('@gatecast/'));
}

it('release all packages together, and keep the dependencies between them exact', async () => {
  const copy = await mkdtemp(join(tmpdir(), 'gatecast-changesets-'));
  const git = (...args: readonly string[]) =>
    execFileSync('git', args, { cwd: copy, encoding: 'utf8' });
  const listed = execFileSync('git', ['ls-files', '*package.json', '.changeset/config.json'], {
    cwd: root,
    encoding: 'utf8',
  });
  const files = listed.trim().split('\n');
  for (const file of files) await cp(join(root, file), join(copy, file));
  git('init', '--quiet', '--initial-branch=main');
  const text = '---\n"@gatecast/protocol": minor\n---\n\nFrames are shorter.\n';
  await writeFile(join(copy, '.changeset/shorter-frames.md'), text);
  const changeset = join(root, 'node_modules/@changesets/cli/bin.js');
  execFileSync(process.execPath, [changeset, 'version'], { cwd: copy, stdio: 'pipe' });

  const read = async (file: string) =>
    JSON.parse(await readFile(join(copy, file), 'utf8')) as Manifest;
  const manifests = files.filter((file) => file.endsWith('package.json'));
  const all = await Promise.all(manifests.map(read));
  const released = await Promise.all(
    (await readdir(join(copy, 'packages'))).map((name) => read(`packages/${name}/package.json`)),
  );
  const [version = ''] = new Set(released.map((manifest) => manifest.version));
  expect(version).toMatch(/^\d+\.\d+\.0$/);
  expect(released.filter((manifest) => manifest.version !== version)).toEqual([]);
  const ranges = new Set(
    all.flatMap((manifest) => ownDependencies(manifest)).map(([, one]) => one),
  );
  expect([...ranges]).toEqual([version]);
  const changelog = await readFile(join(copy, 'packages/protocol/CHANGELOG.md'), 'utf8');
  expect(changelog).toContain(`## ${version}\n\n### Minor Changes\n\n- Frames are shorter.\n`);
  await rm(copy, { recursive: true });
});
