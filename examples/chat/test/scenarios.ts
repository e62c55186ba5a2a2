// What people do in the chat, against whatever serves it.
import { randomUUID } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { joinAs, openPage } from './chat-page.js';
import type { Peer } from './peer.js';

/** Two peers meet in a room, write to each other, and one makes mistakes. */
export async function expectToChat(ann: Peer, bob: Peer, room = 'general'): Promise<void> {
  const channel = `rooms/${room}`;
  for (const peer of [ann, bob]) {
    peer.write(`{"action":"subscribe","id":"s1","channels":[{"channel":"${channel}"}]}`);
    expect(await peer.next('reply')).toMatchObject({
      id: 's1',
      data: {
        channels: [{ channel, result: 'live', data: { topic: `Welcome to ${room}` } }],
      },
      server: expect.anything(),
    });
  }
  ann.write(`{"action":"rooms.typing","id":"t1","channel":"${channel}","data":{"who":"Ann"}}`);
  expect(await bob.next('event')).toMatchObject({ event: 'typing', data: { who: 'Ann' } });

  ann.write(
    `{"action":"rooms.post","id":"m1","channel":"${channel}","data":{"text":"hi","from":"Ann"}}`,
  );
  const event = await bob.next('event');
  expect(event).toMatchObject({
    channel,
    event: 'message',
    data: { text: 'hi', from: 'Ann' },
    position: expect.any(String),
  });
  expect(await ann.next('reply')).toEqual({
    type: 'reply',
    id: 'm1',
    data: { id: event.id, duplicate: false },
  });
  expect(await ann.next('event')).toEqual(event);

  ann.write(
    `{"action":"rooms.post","id":"m2","channel":"${channel}","data":{"text":"","from":"Ann"}}`,
  );
  expect(await ann.next('error')).toMatchObject({ id: 'm2', error: { code: 'ERR_VALIDATION' } });
  ann.write(`{"action":"rooms.sing","id":"m3","channel":"${channel}","data":{}}`);
  expect(await ann.next('error')).toMatchObject({ id: 'm3' });
  ann.write('{"action":"ping"}');
  expect(await ann.next('pong')).toEqual({ type: 'pong' });

  bob.write(`{"action":"unsubscribe","id":"u1","channels":["${channel}"]}`);
  expect(await bob.next('reply')).toMatchObject({ id: 'u1' });
  expect(bob.unread).toEqual([]);
}

/**
 * Ann is away while others write in a room, and gets what she missed: when she subscribes again,
 * and when she asks.
 *
 * @param publish Publishes from outside of the chat. Returns the position of the event.
 */
export async function expectToCatchUp(
  open: () => Promise<Peer>,
  publish: (text: string) => Promise<string>,
): Promise<void> {
  const channel = 'rooms/shop';
  const ask = async (peer: Peer, frame: object): Promise<Answer> => {
    peer.write(JSON.stringify({ id: randomUUID(), ...frame }));
    return ((await peer.next('reply')) as unknown as { readonly data: Answer }).data;
  };
  const post = (text: string): object => ({
    action: 'rooms.post',
    channel,
    data: { text, from: 'Bob' },
  });
  await using bob = await open();
  const ann = await open();
  const { channels } = await ask(ann, { action: 'subscribe', channels: [{ channel }] });
  expect(channels).toMatchObject([{ result: 'live', position: expect.stringMatching(/:0:$/) }]);
  await ask(bob, post('one'));
  const { position } = (await ann.next('event')) as unknown as { readonly position: string };
  await ann[Symbol.asyncDispose]();

  const second = await publish('two');
  await ask(bob, post('three'));

  await using again = await open();
  const missed = [second, expect.stringMatching(/:3:/)].map((each) =>
    expect.objectContaining({ event: 'message', position: each }),
  );
  expect(
    await ask(again, { action: 'subscribe', channels: [{ channel, position }] }),
  ).toMatchObject({ channels: [{ result: 'resumed', events: missed }] });
  expect(await ask(again, { action: 'history', channel, after: position })).toMatchObject({
    result: 'page',
    events: missed,
  });
  expect(await ask(again, { action: 'sync', positions: { [channel]: position } })).toMatchObject({
    channels: [{ channel, result: 'behind' }],
  });
}

/** The data of a reply. */
interface Answer {
  readonly channels?: readonly object[];
}

/** Two people join a room on their pages, and each gets what the other writes. */
export async function expectPagesToChat(
  browser: Browser,
  url: string,
): Promise<{ readonly ann: Page; readonly bob: Page }> {
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
  return { ann, bob };
}
