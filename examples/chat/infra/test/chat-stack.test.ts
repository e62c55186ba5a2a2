import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInChromium, openChromium } from '../../../../test/chromium.js';
import { type RunningCommand, startCommand } from '../../../../test/running-command.js';
import { buildPage } from '../../build.mjs';
import { openPeer } from '../../test/peer.js';
import { expectPagesToChat, expectToChat } from '../../test/scenarios.js';
import { synthesize } from './synthesize.js';

const gatecast = fileURLToPath(
  new URL('../../../../packages/local/bin/gatecast.js', import.meta.url),
);

let folder: string;
let running: RunningCommand;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-chat-stack-'));
  const assembly = join(folder, 'cdk.out');
  await synthesize('app.ts', { outdir: assembly });
  const args = ['--assembly', assembly, '--static', folder, '--port', '0', '--ephemeral'];
  running = startCommand(process.execPath, [gatecast, 'dev', ...args], { cwd: folder });
  url = await running.prints(/^WebSocket {2}(\S+)$/m, { timeout: 60_000 });
});

afterAll(async () => {
  await running?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

// oxlint-disable vitest/expect-expect -- the scenarios assert.
it('the stack of the chat lets two peers chat', async () => {
  await using ann = await openPeer(url);
  await using bob = await openPeer(url);
  await expectToChat(ann, bob);
  expect(url).toMatch(/\/prod$/);
  expect(running.output.stderr).not.toContain('Warning');
});

describeInChromium('the page of the chat', () => {
  it('lets two people chat over its stack', async () => {
    await buildPage({ folder: join(folder, 'page'), url });
    await using browser = await openChromium();
    await expectPagesToChat(
      browser,
      `http://localhost:${new URL(url).port}/page/index.html#tea%20room`,
    );
  });
});
