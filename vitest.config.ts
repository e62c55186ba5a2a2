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
    // A hanging test is what this ends; a busy machine is no failure.
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});
