import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'packages/*/test/**/*.test.ts',
      'examples/*/test/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    environment: 'node',
    // Vitest would leave one core to itself; most tests wait for processes that they started.
    maxWorkers: 2,
    // A hanging test is what this ends; a busy machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});
