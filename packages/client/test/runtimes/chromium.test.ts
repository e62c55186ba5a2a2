import { expect, it, vi } from 'vitest';
import { describeInChromium } from '../../../../test/chromium.js';
import {
  answered,
  expectToBeThere,
  post,
  read,
  setStage,
  testKeptPage,
  testOffline,
  testQueryHandshake,
  testReconnection,
  testTwoTabs,
  until,
} from './browser-tests.js';
import { openTestChromium } from './chromium-browser.js';
import { PATIENCE, Room } from './room.js';

describeInChromium('the client in Chromium', () => {
  const stage = setStage(openTestChromium);
  testReconnection(stage);
  testQueryHandshake(stage);
  testOffline(stage);
  testKeptPage(stage);
  testTwoTabs(stage);

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
    await using tab = await stage.browser.openFreezableTab(stage.pages.pageOf(room.url));
    await room.has(1);
    room.isAnswering = false;
    await post(tab, 'asleep');
    await vi.waitFor(() => expect(room.posts).toEqual(['asleep']), PATIENCE);
    await tab.setFrozen(true);
    room.cut();
    room.isAnswering = true;
    await tab.setFrozen(false);
    expect(await tab.evaluate('freezes')).toBe(1);
    await answered(tab, 'asleep');
    await expectToBeThere(room, tab, ['asleep']);
    expect(room.posts).toEqual(['asleep', 'asleep (again)', 'last']);
  });
});
