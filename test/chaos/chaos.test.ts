// Twenty seconds of it on each store. `npm run chaos` does the same for ten minutes.
import { expect, it } from 'vitest';
import { isWithoutDynamoDbLocal } from '../../packages/adapters/test/engines/dynamodb-local.js';
import { isWithoutRedis } from '../../packages/adapters/test/engines/redis-server.js';
import { describeInChromium } from '../chromium.js';
import type { StoreName } from './engines.js';
import { missingFaults } from './report.js';
import { runChaos } from './run-chaos.js';

const DURATION_MS = 20_000;
const isWithout: Readonly<Record<StoreName, boolean>> = {
  dynalite: false,
  'dynamodb-local': isWithoutDynamoDbLocal,
  redis: isWithoutRedis,
};

describeInChromium('clients see the log, each event once and in order, whatever fails', () => {
  for (const [index, store] of (['dynalite', 'dynamodb-local', 'redis'] as const).entries()) {
    it.skipIf(isWithout[store])(`on ${store}`, { timeout: 900_000 }, async () => {
      const result = await runChaos({ store, seed: index + 1, durationMs: DURATION_MS });
      const { lost, doubled, outOfOrder, other, resets, problems } = result;
      expect(problems).toEqual([]);
      expect({ lost, doubled, outOfOrder, other, resets }).toEqual({
        lost: 0,
        doubled: 0,
        outOfOrder: 0,
        other: 0,
        resets: 0,
      });
      // A run in which nothing happens would prove nothing.
      expect(missingFaults(result)).toEqual([]);
      expect(result.messages.length).toBeGreaterThan(20);
    });
  }
});
