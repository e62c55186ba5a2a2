import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'examples/*/test/**/*.test.ts',
      'examples/*/infra/test/**/*.test.ts',
      'simulation/test/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    environment: 'node',
    // The CDK uses its own deprecated properties, and warns of them.
    env: { JSII_DEPRECATED: 'quiet' },
    // Vitest would reserve one core, but most tests only wait for their child processes.
    maxWorkers: 2,
    // Long enough for a busy machine: only a test that hangs should fail.
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});
