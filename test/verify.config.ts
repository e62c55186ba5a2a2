import { defineConfig } from 'vitest/config';

// `npm run verify`: tests that take too long for every `npm test`.
export default defineConfig({
  test: {
    include: [
      'test/*.verify.ts',
      'packages/*/test/**/*.verify.ts',
      'examples/chat/infra/test/*.verify.ts',
      'packages/adapters/test/*.cluster.ts',
    ],
    environment: 'node',
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 180_000,
  },
});
