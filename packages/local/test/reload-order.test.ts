import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type Bundler, openBundler, type Rebuild } from '../src/lambda/bundle.js';
import { configureFunction } from '../src/lambda/function.js';
import { type ReloadEvent, RunningFunction } from '../src/lambda/versions.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-order-'));
});

afterEach(() => rm(directory, { recursive: true }));

it('a mistake does not end the load of the version before it', async () => {
  const entry = join(directory, 'app.js');
  const started = join(directory, 'started');
  const goOn = join(directory, 'go-on');
  const versionOf = (name: string): string => `exports.handler = async () => '${name}';`;
  await writeFile(entry, versionOf('old'));
  await using files = await openBundler(entry, directory);
  let changed: (rebuild: Rebuild) => void = () => {};
  const bundler: Bundler = { ...files, watch: async (onRebuild) => void (changed = onRebuild) };
  const surroundings = { name: 'app', region: 'us-east-1', accountId: '123456789012', directory };
  const running = await RunningFunction.load(configureFunction({ entry }, surroundings), {
    bundler,
    bundle: await bundler.build(),
    onStateLost: () => {},
  });
  const reloads: ReloadEvent['type'][] = [];
  await running.watch({
    accept: () => {},
    closeAllConnections: async () => {},
    onReloading: () => {},
    onReload: ({ type }) => void reloads.push(type),
  });
  await writeFile(
    entry,
    `const { existsSync, writeFileSync } = require('node:fs');
    writeFileSync(${JSON.stringify(started)}, '');
    while (!existsSync(${JSON.stringify(goOn)})) {}
    ${versionOf('slow')}`,
  );
  changed({ type: 'built', bundle: await bundler.build() });
  await vi.waitFor(() => readFile(started), { timeout: 10_000 });
  changed({ type: 'failed', error: new Error('a mistake') });
  await writeFile(goOn, '');
  await running.reloaded();
  const result = await running.invoke({}, { requestId: '1' });
  await running.close();
  expect(reloads).toEqual(['reloaded', 'failed']);
  expect(result).toMatchObject({ type: 'response', payload: 'slow' });
});
