import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { bundlePrograms, type Programs } from './bundle.js';
import { expectVisit } from './program-tests.js';

interface Runtime {
  readonly name: string;
  /** The npm package with the runtime for this machine: it needs no script to install itself. */
  readonly package: string;
  readonly version: string;
  /** Where the program is in the package. */
  readonly program: string;
  readonly args: readonly string[];
}

const { platform, arch } = process;
const node = { name: 'Node', package: `node-${platform}-${arch}`, program: 'bin/node', args: [] };

const RUNTIMES: readonly Runtime[] = [
  { ...node, version: '22.23.3' },
  { ...node, version: '24.21.0' },
  { ...node, version: '26.12.1' },
  {
    name: 'Deno',
    package: `@deno/${platform}-${arch}${platform === 'linux' ? '-glibc' : ''}`,
    version: '2.9.6',
    program: 'deno',
    args: ['run', '--no-config', '--allow-net=127.0.0.1'],
  },
  {
    name: 'Bun',
    package: `@oven/bun-${platform}-${arch === 'arm64' ? 'aarch64' : arch}`,
    version: '1.4.5',
    program: 'bin/bun',
    args: ['run', '--no-install'],
  },
];

const directory = await mkdtemp(join(tmpdir(), 'gatecast-runtimes-'));
afterAll(() => rm(directory, { recursive: true }));

/** Whether a runtime could be had. One that could not is not tested, and that is said. */
function install({ name, package: packageName, version }: Runtime): boolean {
  const prefix = join(directory, name + version);
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--prefix', prefix];
  const result = spawnSync('npm', ['install', ...options, `${packageName}@${version}`], {
    encoding: 'utf8',
  });
  if (result.status === 0) return true;
  console.warn(`${name} ${version} could not be had, so it is NOT tested:\n${result.stderr}`);
  return false;
}

// oxlint-disable vitest/expect-expect -- expectVisit expects.
describe('the client', () => {
  let programs: Programs;

  beforeAll(async () => {
    programs = await bundlePrograms(['program']);
  });

  afterAll(() => programs[Symbol.asyncDispose]());

  for (const runtime of RUNTIMES) {
    const { name, version, args } = runtime;
    it.skipIf(!install(runtime))(
      `sends again what was cut off in ${name} ${version}, and lets the program end`,
      async () => {
        const prefix = join(directory, name + version, 'node_modules', runtime.package);
        await expectVisit(join(prefix, runtime.program), [...args, programs.fileOf('program')]);
      },
    );
  }
});
