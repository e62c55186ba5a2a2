// What a page shows that has lost its network, was loaded again, was frozen, and stays open for long.
import type { Page } from 'playwright-core';
import { expect, it, vi } from 'vitest';
import { describeInChromium, freeze, openPlainChromium } from '../../../test/chromium.js';
import {
  expectWellMade,
  joinAs,
  messageField,
  openPage,
  pendingOn,
  scrollToBeginning,
  shows,
  textsOn,
  write,
} from './chat-page.js';
import { openStage, type Stage } from './stage.js';

const MINUTE_MS = 60_000;

/** Things happen to Ann, and Bob writes all the while. */
interface Room extends Pick<Stage, 'gateway' | 'network'> {
  /** Over the network. */
  readonly ann: Page;
  readonly bob: Page;
  /** The texts of all messages, in order. */
  readonly texts: string[];
}

async function writes({ texts }: Room, page: Page, text: string): Promise<void> {
  await write(page, text);
  await shows(page, text);
  texts.push(text);
}

/** Ann cannot send a message of hers; Bob, who does not know of it, writes one. */
async function writesInVain(room: Room, number: number): Promise<void> {
  await write(room.ann, `Ann, offline ${number}`);
  await writes(room, room.bob, `Bob, meanwhile ${number}`);
  expect(await pendingOn(room.ann)).toEqual([`Ann, offline ${number}`]);
}

async function isBack(room: Room, number: number): Promise<void> {
  room.texts.push(`Ann, offline ${number}`);
  await shows(room.ann, ...room.texts);
}

async function loseNetworkThreeTimes(room: Room): Promise<void> {
  const { network, ann } = room;
  const removed = await watchRemoved(ann);
  // The browser knows that it is offline.
  await ann.context().setOffline(true);
  network.lose();
  await writesInVain(room, 1);
  network.restore();
  await ann.context().setOffline(false);
  await isBack(room, 1);

  // Nobody knows: frames get lost, until a message waits too long for its answer, and a ping, too.
  network.swallow();
  await writesInVain(room, 2);
  await ann.clock.runFor(MINUTE_MS / 2);
  await isBack(room, 2);

  network.lose();
  await writesInVain(room, 3);
  await ann.getByText('Connection lost.').waitFor();
  network.restore();
  await isBack(room, 3);
  expect(await removed()).toEqual([]);
}

async function loadAgain(room: Room): Promise<void> {
  const { network, ann } = room;
  network.lose();
  await writesInVain(room, 4);
  await messageField(ann).fill('Half a sent');
  await ann.reload();
  await writes(room, room.bob, 'Bob, during the reload');
  expect(await pendingOn(ann)).toEqual(['Ann, offline 4']);
  network.restore();
  await isBack(room, 4);
  expect(await ann.locator('.unread').count()).toBe(1);
  expect(await messageField(ann).inputValue()).toBe('Half a sent');
}

async function freezeForAMinute(room: Room): Promise<void> {
  const { gateway, ann, bob } = room;
  const thaw = await freeze(ann);
  await writes(room, bob, 'Bob, while Ann is frozen');
  gateway.clock.advance(MINUTE_MS);
  expect(await textsOn(ann)).not.toContain('Bob, while Ann is frozen');
  await thaw();
  await shows(ann, ...room.texts);
  await ann.clock.fastForward(MINUTE_MS);
  await shows(ann, ...room.texts);
}

/**
 * API Gateway ends Bob's connection after two hours, because the time of his page stands still. Ann's moves to
 * another one before.
 */
async function passTwoHours(room: Room): Promise<void> {
  const { network, ann } = room;
  const before = network.connections;
  const changes = await watch(ann);
  await passMinutes(room, 4, 116);
  await vi.waitFor(() => expect(network.connections).toBe(before + 1));
  await passMinutes(room, 120, 124);
  expect(network.connections).toBe(before + 1);
  expect(await changes()).toEqual([]);
}

async function passMinutes(room: Room, first: number, last: number): Promise<void> {
  for (let minutes = first; minutes <= last; minutes += 4) {
    room.gateway.clock.advance(4 * MINUTE_MS);
    await room.ann.clock.fastForward(4 * MINUTE_MS);
    await writes(room, room.bob, `Bob, after ${minutes} minutes`);
    await shows(room.ann, `Bob, after ${minutes} minutes`);
  }
}

/** From now on notes which messages of the history disappear, even for a moment. */
async function watchRemoved(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const removed: string[] = [];
    Object.assign(window, { removed });
    const observer = new MutationObserver((records) => {
      for (const node of records.flatMap(({ removedNodes }) => [...removedNodes])) {
        const isKept = node instanceof Element && !node.matches('.pending, .line');
        if (isKept) removed.push(node.textContent);
      }
    });
    observer.observe(document.querySelector('#messages') as Element, { childList: true });
  });
  return () => page.evaluate('removed');
}

/** From now on notes what changes on a page, but for the messages and who is typing. */
async function watch(page: Page): Promise<() => Promise<string[]>> {
  await page.evaluate(() => {
    const changes: string[] = [];
    Object.assign(window, { changes });
    const observer = new MutationObserver((records) => {
      for (const { target, attributeName, oldValue } of records) {
        const element = target instanceof Element ? target : target.parentElement;
        const isSame = attributeName && element?.getAttribute(attributeName) === oldValue;
        if (isSame || element?.closest('#messages, #typing')) continue;
        changes.push(`${element?.id} ${attributeName ?? ''}: ${element?.textContent}`);
      }
    });
    observer.observe(document, {
      subtree: true,
      childList: true,
      characterData: true,
      attributeOldValue: true,
    });
  });
  return () => page.evaluate('changes');
}

describeInChromium('two people in a room', () => {
  it('see the same messages in the same order, whatever happens to the page of one of them', {
    timeout: 300_000,
  }, async () => {
    await using stage = await openStage();
    await using chromium = await openPlainChromium();
    const ann = await chromium.context.newPage();
    await ann.setViewportSize({ width: 390, height: 800 });
    await ann.clock.install();
    await ann.goto(stage.pageOverNetwork);
    const bob = await openPage(chromium.browser, { url: stage.page, width: 1280 });
    await joinAs('Ann', ann);
    await joinAs('Bob', bob);
    const room = { ...stage, ann, bob, texts: [] };

    await loseNetworkThreeTimes(room);
    await loadAgain(room);
    await freezeForAMinute(room);
    await expectWellMade(ann, 'resumed-390');
    await expectWellMade(bob, 'resumed-1280');
    await passTwoHours(room);

    for (const page of [ann, bob]) {
      await scrollToBeginning(page);
      expect(await textsOn(page)).toEqual(room.texts);
    }
  });
});
