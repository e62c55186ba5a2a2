import { fileURLToPath } from 'node:url';
import { startGateway } from '@gatecast/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeInChromium, openChromium } from '../../../test/chromium.js';
import { buildPage, pageDirectory } from '../build.mjs';
import { expectWellMade, joinAs, openPage, pendingOn, write } from './chat-page.js';
import { openPeer } from './peer.js';
import { expectPagesToChat, expectToChat } from './scenarios.js';

const entry = fileURLToPath(new URL('../server/app.ts', import.meta.url));

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
  beforeAll(() => buildPage());

  // oxlint-disable-next-line vitest/expect-expect -- expectPagesToChat asserts.
  it('lets two people chat', { timeout: 120_000 }, async () => {
    await using gateway = await openGateway();
    await using browser = await openChromium();
    const url = `http://localhost:${gateway.port}/#tea%20room`;
    const { ann, bob } = await expectPagesToChat(browser, url);
    await expectWellMade(ann, 'chat-1280');
    await expectWellMade(bob, 'chat-390');
  });

  it('asks for a name and a room in an accessible form', { timeout: 120_000 }, async () => {
    await using gateway = await openGateway();
    await using browser = await openChromium();
    const url = `http://localhost:${gateway.port}/`;
    const page = await openPage(browser, { url, width: 390 });
    expect(await page.getByLabel('Room').inputValue()).toBe('general');
    await expectWellMade(page, 'join-390');
  });

  it('says that the name of a room is too long, and takes a shorter one', async () => {
    await using gateway = await openGateway();
    await using browser = await openChromium();
    const url = `http://localhost:${gateway.port}/#${'茶'.repeat(64)}`;
    const page = await openPage(browser, { url, width: 390 });
    await page.getByLabel('Your name').fill('Ann');
    await page.getByRole('button', { name: 'Join room' }).click();
    await page.getByText('That room name is too long.').waitFor();
    await page.getByLabel('Room').fill('茶');
    await joinAs('Ann', page);
    expect(await page.getByRole('heading').textContent()).toBe('茶');
    expect(await page.getByText('too long').count()).toBe(0);
  });

  it('says that it reconnects, and then sends the waiting message', {
    timeout: 120_000,
  }, async () => {
    await using first = await openGateway();
    const { port } = first;
    await using browser = await openChromium();
    const page = await openPage(browser, { url: `http://localhost:${port}/`, width: 390 });
    await joinAs('Ann', page);
    await first.close();
    await page.getByText('Connection lost.').waitFor();
    await write(page, 'Still here');
    expect(await pendingOn(page)).toEqual(['Still here']);
    await expectWellMade(page, 'offline-390');

    await using second = await startGateway({ quiet: true, entry, port });
    expect(second.port).toBe(port);
    await page.getByText('✓ sent').waitFor();
    expect(await page.getByRole('status').textContent()).toBe('');
    expect(await page.getByRole('listitem').count()).toBe(1);
  });
});
