// Everything that the construct gives the chat is needed: without any part of it, somebody notices.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mutateStack, unusedStatements } from './mutated-stack.js';
import { synthesize } from './synthesize.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-mutation-'));
  const environment = { REDIS_URL: 'redis://localhost:6379' };
  await synthesize('test/variants.ts', { outdir: folder, environment });
});
afterAll(() => rm(folder, { recursive: true }));

const guarded = { stack: 'Guarded', isGuarded: true };

it('uses every statement of the stack with an authorizer', { timeout: 120_000 }, async () => {
  expect(await unusedStatements(folder, guarded)).toEqual([]);
});

it('needs every part of the stack with an authorizer', { timeout: 600_000 }, async () => {
  const results = await mutateStack(folder, guarded);
  expect(results.filter(({ outcome }) => outcome === 'unnoticed')).toEqual([]);
  expect(results.length).toBeGreaterThan(60);
});
