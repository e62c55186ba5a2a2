import { defineConfig } from 'vitest/config';

/** The libraries' tests keep no state in modules, so they can share a process: half the CPU time. */
const sharing = ['packages/framework', 'packages/protocol', 'packages/client'];

const testsOf = (folder: string): string[] => [
  `${folder}/src/**/*.test.ts`,
  `${folder}/test/**/*.test.ts`,
];

export default defineConfig({
  test: {
    environment: 'node',
    // Vitest would reserve one core, but most tests only wait for their child processes.
    maxWorkers: 2,
    // Long enough for a busy machine: only a test that hangs should fail.
    testTimeout: 60_000,
    hookTimeout: 180_000,
    projects: [
      {
        extends: true,
        test: { name: 'libraries', include: sharing.flatMap(testsOf), isolate: false },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['packages/*', 'examples/*', '.'].flatMap(testsOf),
          exclude: ['**/node_modules/**', ...sharing.flatMap(testsOf)],
        },
      },
    ],
  },
});
