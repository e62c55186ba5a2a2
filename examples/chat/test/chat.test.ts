import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startGateway } from '@gatecast/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeInChromium, openChromium, overflow, violations } from '../../../test/chromium.js';
import { buildPage, pageDirectory } from '../build.mjs';
import { joinAs, openPage } from './chat-page.js';
import { openPeer } from './peer.js';
import { expectPagesToChat, expectToChat } from './scenarios.js';

const entry = fileURLToPath(new URL('../server/app.ts', import.meta.url));
const screenshots = fileURLToPath(new URL('./screenshots/', import.meta.url));

const openGateway = () =>
  startGateway({ quiet: true, entry, staticDirectory: pageDirectory, port: 0 });

describe('the server', () => {
  // oxlint-disable-next-line vitest/expect-expect -- expectToChat asserts.
  it('lets two peers chat', async () => {
    await using gateway = await openGateway();
    await using ann = await openPeer(gateway.url);
    await using bob = await openPeer(gateway.url);
    await expectToChat(ann, bob);
  });
});

describeInChromium('the page', () => {
  beforeAll(async () => {
    await buildPage();
    await mkdir(screenshots, { recursive: true });
  });

  it('lets two people chat', { timeout: 60_000 }, async () => {
    await using gateway = await openGateway();
    await using browser = await openChromium();
    const url = `http://localhost:${gateway.port}/#tea%20room`;
    const { ann, bob } = await expectPagesToChat(browser, url);
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const [name, page] of Object.entries({ 1280: ann, 390: bob })) {
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: `${screenshots}chat-${name}-${colorScheme}.png` });
        expect(await violations(page)).toEqual([]);
      }
    }
    expect(await overflow(bob)).toBe(0);
  });

  it('asks for a name and a room in an accessible form', { timeout: 60_000 }, async () => {
    await using gateway = await openGateway();
    await using browser = await openChromium();
    const url = `http://localhost:${gateway.port}/`;
    const page = await openPage(browser, { url, width: 390 });
    expect(await page.getByLabel('Room').inputValue()).toBe('general');
    await page.screenshot({ path: `${screenshots}join-390.png` });
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBe(0);
  });

  it('says that it reconnects, and then sends the waiting message', {
    timeout: 60_000,
  }, async () => {
    await using first = await openGateway();
    const { port } = first;
    await using browser = await openChromium();
    const page = await openPage(browser, { url: `http://localhost:${port}/`, width: 1280 });
    await joinAs('Ann', page);
    await first.close();
    await page.getByText('Connection lost.').waitFor();
    await page.getByLabel('Message', { exact: true }).fill('Still here');
    await page.keyboard.press('Enter');
    expect(await page.locator('.tick').textContent()).toBe('sending');

    await using second = await startGateway({ quiet: true, entry, port });
    expect(second.port).toBe(port);
    await page.getByText('✓ sent').waitFor();
    expect(await page.getByRole('status').textContent()).toBe('');
    expect(await page.getByRole('listitem').count()).toBe(1);
  });
});
