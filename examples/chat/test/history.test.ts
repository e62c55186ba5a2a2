// What a page shows of the history of a room.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createClient } from '@gatecast/client';
import { createPublisher } from '@gatecast/framework';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { describeInChromium, openChromium } from '../../../test/chromium.js';
import { roomHistory } from '../server/room-history.js';
import type { RoomChannel } from '../server/rooms.js';
import {
  expectWellMade,
  joinAs,
  openPage,
  PATIENCE,
  pendingOn,
  scrollToBeginning,
  shows,
  textsOn,
  write,
} from './chat-page.js';
import { openStage, type Stage } from './stage.js';

let stage: Stage;
let browser: Browser;

beforeAll(async () => {
  stage = await openStage();
  return () => stage[Symbol.asyncDispose]();
});

const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `Message ${from + index}`);

/** Bob, who has no page, writes to the room. */
async function bobWrites(room: string, texts: readonly string[]): Promise<void> {
  const client = createClient({ url: stage.gateway.url, WebSocket });
  const channel = client.channel<RoomChannel>(`rooms/${room}`);
  for (const text of texts) await channel.send('post', { text, from: 'Bob' });
  client.close();
}

/** Deletes the contents of what was written so far. */
async function purge(room: string): Promise<void> {
  const { environment } = stage.gateway;
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  const client = new DynamoDBClient({
    endpoint: environment['AWS_ENDPOINT_URL_DYNAMODB'] ?? '',
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const store = dynamoDbStore({ client, table: environment['GATECAST_TABLE'] ?? '' });
  const publisher = createPublisher({ store, history: { 'rooms/:roomId': roomHistory } });
  await publisher.channel(`rooms/${room}`).purge();
  client.destroy();
}

/** Where a message is in the window. */
async function heightOf(page: Page, text: string): Promise<number | undefined> {
  const box = await page.getByText(text, { exact: true }).boundingBox();
  return box?.y;
}

describeInChromium('the page', () => {
  beforeAll(async () => {
    browser = await openChromium();
    return () => browser.close();
  });

  it('shows the latest messages, and earlier ones to a reader who scrolls up', async () => {
    const room = 'long';
    await bobWrites(room, numbers(1, 70));
    const ann = await joinAs(
      'Ann',
      await openPage(browser, { url: `${stage.page}#${room}`, width: 390 }),
    );
    await shows(ann, ...numbers(41, 70));
    await expect(ann.getByText('Message 70').boundingBox()).resolves.not.toBeNull();
    expect(await textsOn(ann)).toHaveLength(30);

    await ann.locator('#log').evaluate((log) => log.scrollTo(0, -log.scrollHeight));
    const before = await heightOf(ann, 'Message 41');
    await shows(ann, ...numbers(11, 70));
    expect(await heightOf(ann, 'Message 41')).toBe(before);
    await bobWrites(room, ['Message 71']);
    await shows(ann, ...numbers(11, 71));
    expect(await heightOf(ann, 'Message 41')).toBe(before);

    await scrollToBeginning(ann);
    expect(await textsOn(ann)).toEqual(numbers(1, 71));
    await ann.getByRole('button', { name: 'Leave room' }).click();
    await joinAs('Ann', ann);
    await shows(ann, ...numbers(42, 71));
    expect(await textsOn(ann)).toHaveLength(30);
  });

  it('marks where the reader left', async () => {
    const room = 'left';
    await bobWrites(room, numbers(1, 40));
    const ann = await joinAs(
      'Ann',
      await openPage(browser, { url: `${stage.page}#${room}`, width: 390 }),
    );
    await shows(ann, 'Message 40');
    expect(await ann.locator('.unread').count()).toBe(0);
    await ann.goto('about:blank');
    await bobWrites(room, numbers(41, 75));
    await ann.goto(`${stage.page}#${room}`);
    // The message that she saw last is further up.
    await shows(ann, ...numbers(46, 75));
    expect(await ann.locator('.unread').count()).toBe(0);
    await scrollToBeginning(ann);
    const line = ann.locator('li:has(+ .unread) .text');
    expect(await line.allTextContents()).toEqual(['Message 40']);
    await ann.reload();
    await shows(ann, ...numbers(46, 75));

    // She reads further up, and does not see what comes.
    await ann.locator('#log').evaluate((log) => log.scrollTo(0, -300));
    await ann.getByRole('button', { name: 'Latest messages' }).waitFor();
    await bobWrites(room, numbers(76, 77));
    await shows(ann, ...numbers(46, 77));
    expect(await line.allTextContents()).toEqual(['Message 75']);
    await expectWellMade(ann, 'unread-390');
    // Whoever answers has read.
    await write(ann, 'Thanks');
    await shows(ann, 'Thanks');
    expect(await line.count()).toBe(0);
  });

  it('says where messages may be missing', async () => {
    const room = 'gap';
    const url = `${stage.pageOverNetwork}#${room}`;
    const ann = await joinAs('Ann', await openPage(browser, { url, width: 390 }));
    await bobWrites(room, numbers(1, 2));
    await shows(ann, ...numbers(1, 2));
    stage.network.lose();
    await bobWrites(room, ['Message 3']);
    await purge(room);
    await bobWrites(room, numbers(4, 5));
    stage.network.restore();
    await shows(ann, 'Message 1', 'Message 2', 'Message 4', 'Message 5');
    expect(await ann.locator('#messages li').allTextContents()).toEqual([
      expect.stringContaining('Message 1'),
      expect.stringContaining('Message 2'),
      'Messages may be missing here.',
      expect.stringContaining('Message 4'),
      expect.stringContaining('Message 5'),
    ]);
    await expectWellMade(ann, 'gap-390');
  });

  it('keeps an unsent message for a reader who leaves and comes back', async () => {
    const room = 'unsent';
    const url = `${stage.pageOverNetwork}#${room}`;
    const ann = await joinAs('Ann', await openPage(browser, { url, width: 390 }));
    stage.network.lose();
    await write(ann, 'one');
    await ann.getByRole('button', { name: 'Leave room' }).click();
    await ann.getByRole('button', { name: 'Join room' }).click();
    expect(await pendingOn(ann)).toEqual(['one']);
    await write(ann, 'two');
    stage.network.restore();
    await shows(ann, 'one', 'two');
    await ann.reload();
    await shows(ann, 'one', 'two');
    expect(await textsOn(ann)).toHaveLength(2);
  });

  it('keeps a message that the server refuses, to be sent again or discarded', async () => {
    const room = 'refused';
    const page = await openPage(browser, { url: `${stage.page}#${room}`, width: 390 });
    await joinAs('Ann', page);
    // A name that is longer than the field allows, and than the server takes.
    await page.evaluate("sessionStorage.setItem('gatecast-chat-joined-as', 'A'.repeat(41))");
    await page.reload();
    await page.getByText('Welcome to').waitFor();
    await write(page, 'Hello');
    const sendAgain = page.getByRole('button', { name: 'Send again' });
    await sendAgain.click();
    await sendAgain.waitFor();
    await expectWellMade(page, 'refused-390');
    await page.reload();
    await sendAgain.waitFor();
    expect(await pendingOn(page)).toEqual(['Hello']);
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.reload();
    await page.getByText('No messages yet.').waitFor();
    await vi.waitFor(async () => expect(await pendingOn(page)).toEqual([]), PATIENCE);
  });
});
