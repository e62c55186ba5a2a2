// As mutation.test.ts, for every way in which the construct deploys the chat.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RedisServer } from '../../../../packages/adapters/test/engines/redis-server.js';
import { mutateStack, type Variant } from './mutated-stack.js';
import { synthesize } from './synthesize.js';

const VARIANTS: readonly Variant[] = [
  { stack: 'OneStore' },
  { stack: 'Guarded', isGuarded: true },
  { stack: 'Direct', isDirect: true },
  { stack: 'GuardedDirect', isDirect: true, isGuarded: true },
  { stack: 'Redis' },
  { stack: 'TwoStores' },
];

let folder: string;
let redis: RedisServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-mutation-'));
  redis = await RedisServer.start();
  await synthesize('test/variants.ts', { outdir: folder, environment: { REDIS_URL: redis.url } });
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

it.each(VARIANTS)('needs every part of $stack', { timeout: 1_200_000 }, async (variant) => {
  const results = await mutateStack(folder, variant);
  const count = (outcome: string): number =>
    results.filter((result) => result.outcome === outcome).length;
  console.log(`${variant.stack}: ${count('noticed')} noticed, ${count('exempt')} exempt`);
  expect(results.filter(({ outcome }) => outcome === 'unnoticed')).toEqual([]);
});
