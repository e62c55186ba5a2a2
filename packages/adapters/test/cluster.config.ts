import { defineConfig } from 'vitest/config';

// `npm run test:redis-cluster`: three servers at once are too much for every `npm test`.
export default defineConfig({
  test: {
    include: ['packages/adapters/test/*.cluster.ts'],
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 180_000,
  },
});
