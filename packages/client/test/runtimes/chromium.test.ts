import { expect, it, vi } from 'vitest';
import { describeInChromium, freeze, openPlainChromium } from '../../../../test/chromium.js';
import {
  answered,
  expectToBeThere,
  post,
  read,
  setStage,
  testKeptPage,
  testKeptPageWithHistory,
  testOffline,
  testQueryHandshake,
  testReconnection,
  testStorage,
  testTwoTabs,
  until,
} from './browser-tests.js';
import { openTestChromium, tabOf } from './chromium-browser.js';
import { PATIENCE, Room } from './room.js';

describeInChromium('the client in Chromium', () => {
  const stage = setStage(openTestChromium);
  testReconnection(stage);
  testQueryHandshake(stage);
  testOffline(stage);
  testKeptPage(stage);
  testKeptPageWithHistory(stage);
  testTwoTabs(stage);
  testStorage(stage);

  it('fails a connection if the server accepts no sub-protocol of those offered', async () => {
    await using room = await Room.open();
    room.acceptNoSubprotocol();
    await using tab = await stage.browser.openTab(stage.pages.pageOf(room.url));
    await until(tab, ({ states }) => states.includes('waiting'));
    expect((await read(tab)).states).not.toContain('connected');
  });

  // Chromium holds back what an open WebSocket sends and receives. Other browsers go on.
  it('keeps the connection when the network was away for a moment', async () => {
    await using room = await Room.open();
    await using tab = await stage.browser.openTab(stage.pages.pageOf(room.url));
    await room.has(1);
    await stage.browser.setOffline(true);
    await post(tab, 'meanwhile');
    await stage.browser.setOffline(false);
    await answered(tab, 'meanwhile');
    await expectToBeThere(room, tab, ['meanwhile']);
    expect(room.posts).toEqual(['meanwhile', 'last']);
    expect(room.connections).toBe(1);
  });

  it('is back when a page goes on that was frozen', async () => {
    await using room = await Room.open();
    await using chromium = await openPlainChromium();
    const page = await chromium.context.newPage();
    await page.goto(stage.pages.pageOf(room.url));
    const tab = tabOf(page);
    await room.has(1);
    room.isAnswering = false;
    await post(tab, 'asleep');
    await vi.waitFor(() => expect(room.posts).toEqual(['asleep']), PATIENCE);
    const thaw = await freeze(page);
    room.cut();
    room.isAnswering = true;
    await thaw();
    expect(await tab.evaluate('freezes')).toBe(1);
    await answered(tab, 'asleep');
    await expectToBeThere(room, tab, ['asleep']);
    expect(room.posts).toEqual(['asleep', 'asleep (again)', 'last']);
  });
});
