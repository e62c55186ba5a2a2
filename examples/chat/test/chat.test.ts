import { fileURLToPath } from 'node:url';
import { startGateway } from '@gatecast/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeInChromium, openChromium } from '../../../test/chromium.js';
import { buildPage, pageDirectory } from '../build.mjs';
import {
  expectWellMade,
  joinAs,
  messageField,
  openPage,
  pendingOn,
  shows,
  textsOn,
  write,
} from './chat-page.js';
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

  it('M5 asks for a name and a room in an accessible form', { timeout: 120_000 }, async () => {
    await using gateway = await openGateway();
    await using browser = await openChromium();
    const url = `http://localhost:${gateway.port}/`;
    const page = await openPage(browser, { url, width: 390 });
    expect(await page.getByLabel('Room').inputValue()).toBe('general');
    const name = page.getByLabel('Your name');
    expect(await name.evaluate((field) => field === document.activeElement)).toBe(true);
    await expectWellMade(page, 'join-390');
    await name.fill('   ');
    await page.keyboard.press('Enter');
    expect(await name.evaluate((field) => field.matches(':user-invalid'))).toBe(true);
    expect(await page.getByRole('button', { name: 'Join room' }).isVisible()).toBe(true);
  });

  it('M5 opens a second tab as another user', { timeout: 120_000 }, async () => {
    await using gateway = await openGateway();
    await using browser = await openChromium();
    const url = `http://localhost:${gateway.port}/#tea`;
    const ann = await joinAs('Ann', await openPage(browser, { url, width: 1280 }));
    await expectWellMade(ann, 'empty-1280');
    const opening = ann.context().waitForEvent('page');
    await ann.getByRole('link', { name: 'open a second tab as Bob' }).click();
    const bob = await opening;
    await bob.getByText('Welcome to tea').waitFor();

    await write(ann, 'Hello');
    await shows(bob, 'Hello');
    expect(await bob.getByText('No messages yet.').isVisible()).toBe(false);
    await messageField(bob).pressSequentially('مرحبا Gatecast');
    await ann.getByText('Bob is typing…').waitFor();
    await bob.keyboard.press('Enter');
    await shows(ann, 'Hello', 'مرحبا Gatecast');
    expect(await ann.getByText('is typing…').count()).toBe(0);
    await write(bob, 'What is new?');
    await shows(ann, 'Hello', 'مرحبا Gatecast', 'What is new?');
    expect(await textsOn(bob)).toEqual(await textsOn(ann));
    const [english, arabic] = await ann
      .locator('li .text')
      .evaluateAll((texts) => texts.map((text) => getComputedStyle(text).direction));
    expect([english, arabic]).toEqual(['ltr', 'rtl']);
    await expectWellMade(ann, 'two-users-1280');
    await bob.reload();
    await shows(bob, 'Hello', 'مرحبا Gatecast', 'What is new?');
    expect(await bob.locator('li.own').count()).toBe(2);
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
