// Everything that the construct gives the chat is needed: without any part of it, somebody notices.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mutateStack } from './mutated-stack.js';
import { synthesize } from './synthesize.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-mutation-'));
  const environment = { REDIS_URL: 'redis://localhost:6379' };
  await synthesize('test/variants.ts', { outdir: folder, environment });
});
afterAll(() => rm(folder, { recursive: true }));

it('needs every part of the stack with an authorizer', { timeout: 600_000 }, async () => {
  const results = await mutateStack(folder, { stack: 'Guarded', isGuarded: true });
  expect(results.filter(({ outcome }) => outcome === 'unnoticed')).toEqual([]);
  expect(results.length).toBeGreaterThan(60);
});
