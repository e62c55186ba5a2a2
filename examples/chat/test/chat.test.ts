import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startGateway } from '@gatecast/local';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { describeInChromium, openChromium, overflow, violations } from '../../../test/chromium.js';
import { buildPage, pageDirectory } from '../build.mjs';

const entry = fileURLToPath(new URL('../server/app.ts', import.meta.url));
const screenshots = fileURLToPath(new URL('./screenshots/', import.meta.url));

const openGateway = () =>
  startGateway({ quiet: true, entry, staticDirectory: pageDirectory, port: 0 });

describe('the server', () => {
  it('answers a post and tells the room', async () => {
    await using gateway = await openGateway();
    await using ann = await openPeer(gateway.url);
    await using bob = await openPeer(gateway.url);
    for (const peer of [ann, bob]) {
      peer.write('{"action":"subscribe","id":"s1","channels":[{"channel":"rooms/general"}]}');
      expect(await peer.next('reply')).toEqual({
        type: 'reply',
        id: 's1',
        data: {
          channels: [
            { channel: 'rooms/general', result: 'live', data: { topic: 'Welcome to general' } },
          ],
        },
        server: expect.anything(),
      });
    }

    ann.write(
      '{"action":"rooms.post","id":"m1","channel":"rooms/general","data":{"text":"hi","from":"Ann"}}',
    );
    const event = await bob.next('event');
    expect(event).toMatchObject({
      channel: 'rooms/general',
      event: 'message',
      data: { text: 'hi', from: 'Ann' },
    });
    expect(await ann.next('reply')).toEqual({ type: 'reply', id: 'm1', data: { id: event.id } });
  });

  it('refuses a post without text', async () => {
    await using gateway = await openGateway();
    await using ann = await openPeer(gateway.url);
    ann.write(
      '{"action":"rooms.post","id":"m1","channel":"rooms/general","data":{"text":"","from":"Ann"}}',
    );
    expect(await ann.next('error')).toMatchObject({ id: 'm1', error: { code: 'ERR_VALIDATION' } });
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
    const ann = await joinAs('Ann', await openPage(browser, { url, width: 1280 }));
    const bob = await joinAs('Bob', await openPage(browser, { url, width: 390 }));

    await ann.getByLabel('Message', { exact: true }).pressSequentially('Hello, Bob');
    await bob.getByText('Ann is typing…').waitFor();
    await ann.keyboard.press('Enter');
    await ann.getByText('✓ sent').waitFor();
    await bob.getByText('Hello, Bob').waitFor();
    await bob.getByText('Ann is typing…').waitFor({ state: 'detached' });

    await bob.getByLabel('Message', { exact: true }).fill('w'.repeat(200));
    await bob.getByRole('button', { name: 'Send' }).click();
    await ann.getByText('www').waitFor();
    await bob.getByText('✓ sent').waitFor();
    // Both pages have one entry for each message, including their own.
    expect(await ann.getByRole('listitem').count()).toBe(2);
    expect(await bob.getByRole('listitem').count()).toBe(2);
    expect(await ann.locator('li.own .text').allTextContents()).toEqual(['Hello, Bob']);

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

interface Frame {
  readonly type: string;
  readonly id?: string;
}

interface Peer extends AsyncDisposable {
  write(frame: string): void;
  /** Receives the next frame with this type. */
  next(type: string): Promise<Frame>;
}

async function openPeer(url: string): Promise<Peer> {
  const connection = new WebSocket(url, 'gatecast.v1');
  const frames: Frame[] = [];
  connection.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString('utf8'))));
  await new Promise((resolve, reject) => {
    connection.once('open', resolve);
    connection.once('error', reject);
  });
  return {
    write: (frame) => connection.send(frame),
    next: (type) =>
      vi.waitFor(
        () => {
          const index = frames.findIndex((frame) => frame.type === type);
          const [found] = index < 0 ? [] : frames.splice(index, 1);
          if (!found) throw new Error(`No frame of type "${type}" in ${JSON.stringify(frames)}.`);
          return found;
        },
        { timeout: 4_000 },
      ),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => connection.once('close', resolve));
      connection.close();
      await closed;
    },
  };
}

interface PageOptions {
  readonly url: string;
  readonly width: number;
}

/** A page of another user, with separate storage. */
async function openPage(browser: Browser, { url, width }: PageOptions): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 800 } });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

async function joinAs(name: string, page: Page): Promise<Page> {
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join room' }).click();
  await page.getByText('Welcome to').waitFor();
  return page;
}
