// What must hold of the client in every browser. Each function registers tests.
// oxlint-disable vitest/expect-expect -- expectToBeThere expects.
import { beforeAll, expect, it, vi } from 'vitest';
import { PageServer } from './page-server.js';
import { PATIENCE, Room } from './room.js';
import { badSteps, type Journal } from './visitor.js';

/** A page that can be asked something. */
export interface OpenPage extends AsyncDisposable {
  /** The value of an expression, as JSON brings it over. */
  evaluate<T>(expression: string): Promise<T>;
}

/** A page in a window of its own. */
export interface Tab extends OpenPage {
  goTo(url: string): Promise<void>;
  goBack(): Promise<void>;
}

/** A tab that the browser can open once more, with a copy of its session storage. */
export interface CopyableTab extends Tab {
  duplicate(): Promise<Tab>;
}

/** A real browser. */
export interface TestBrowser extends AsyncDisposable {
  openTab(url: string): Promise<Tab>;
}

/** One that can copy tabs. */
export interface CopyingBrowser extends TestBrowser {
  openTab(url: string): Promise<CopyableTab>;
}

/** A real browser, and the pages for it. */
export interface Stage<B extends TestBrowser> {
  readonly browser: B;
  readonly pages: PageServer;
}

/** Starts both before the tests, and ends them afterwards. */
export function setStage<B extends TestBrowser>(open: () => Promise<B>): Stage<B> {
  let browser: B;
  let pages: PageServer;
  beforeAll(async () => {
    browser = await open();
    return () => browser[Symbol.asyncDispose]();
  });
  beforeAll(async () => {
    pages = await PageServer.start();
    return () => pages[Symbol.asyncDispose]();
  });
  return {
    get browser() {
      return browser;
    },
    get pages() {
      return pages;
    },
  };
}

export function testReconnection(stage: Stage<TestBrowser>): void {
  it.each(['page', 'worker'] as const)('sends again what was cut off, from a %s', async (place) => {
    await using room = await Room.open();
    room.cutsAt = 'two';
    await using tab = await stage.browser.openTab(stage.pages.pageOf(room.url, place));
    await room.has(1);
    for (const text of ['one', 'two', 'three']) await post(tab, text);
    const texts = ['one', 'two', 'three', 'last'];
    expect(await lastOf(tab)).toEqual({
      states: ['connecting', 'connected', 'waiting', 'connecting', 'connected'],
      events: texts,
      answers: texts,
    });
    expect(room.posts).toEqual(['one', 'two', 'two (again)', 'three', 'last']);
  });

  it('connects at once when the browser says that the network is back', async () => {
    await using room = await Room.open();
    await using tab = await stage.browser.openTab(stage.pages.pageOf(room.url));
    await waitLong(tab);
    await room.has(1);
    room.shut();
    await until(tab, ({ states }) => states.at(-1) === 'waiting');
    await post(tab, 'meanwhile');
    room.reopen();
    await tab.evaluate("void dispatchEvent(new Event('online'))");
    await answered(tab, 'meanwhile');
    await expectToBeThere(room, tab, ['meanwhile']);
  });
}

export function testQueryHandshake(stage: Stage<TestBrowser>): void {
  it('connects to a server that accepts no sub-protocol, if it offers none', async () => {
    await using room = await Room.open();
    room.acceptNoSubprotocol();
    await using tab = await stage.browser.openTab(`${stage.pages.pageOf(room.url)}&query`);
    await room.has(1);
    await post(tab, 'one');
    await expectToBeThere(room, tab, ['one']);
  });
}

export function testOffline(
  stage: Stage<TestBrowser & { setOffline(isOffline: boolean): Promise<void> }>,
): void {
  it('goes on when the browser was offline', async () => {
    await using room = await Room.open();
    await using tab = await stage.browser.openTab(stage.pages.pageOf(room.url));
    await room.has(1);
    await stage.browser.setOffline(true);
    room.cut();
    await post(tab, 'meanwhile');
    await stage.browser.setOffline(false);
    await answered(tab, 'meanwhile');
    await expectToBeThere(room, tab, ['meanwhile']);
    expect(room.posts).toEqual(['meanwhile', 'last']);
  });
}

/** For a browser that keeps a page with an open WebSocket, to show it again when someone goes back. */
export function testKeptPage(stage: Stage<TestBrowser>): void {
  it('is back at once on a page that was kept', async () => {
    await using room = await Room.open();
    await using tab = await stage.browser.openTab(stage.pages.pageOf(room.url));
    await waitLong(tab);
    await room.has(1);
    room.isAnswering = false;
    await post(tab, 'leaving');
    await vi.waitFor(() => expect(room.posts).toEqual(['leaving']), PATIENCE);
    await tab.goTo(stage.pages.elsewhere);
    // Until the server hears of it, it goes on to send events to a page that does not run.
    await room.has(0);
    room.isAnswering = true;
    room.publish('meanwhile');
    await tab.goBack();
    expect(await tab.evaluate('arrivals')).toEqual([false, true]);
    await answered(tab, 'leaving');
    await expectToBeThere(room, tab, ['leaving']);
    expect(room.posts).toEqual(['leaving', 'leaving (again)', 'last']);
    expect(room.connections).toBe(2);
  });
}

/** For the same browsers. */
export function testKeptPageWithHistory(stage: Stage<TestBrowser>): void {
  it('misses nothing on a page that was kept', async () => {
    await using room = await Room.open();
    room.keepHistory();
    await using tab = await stage.browser.openTab(stage.pages.pageOf(room.url));
    await room.has(1);
    await tab.goTo(stage.pages.elsewhere);
    await room.has(0);
    room.publish('meanwhile');
    await tab.goBack();
    expect(await tab.evaluate('arrivals')).toEqual([false, true]);
    await until(tab, ({ events }) => events.length > 0);
    await expectToHaveHeard(room, tab, 'meanwhile');
  });
}

export function testStorage(stage: Stage<CopyingBrowser>): void {
  it('goes on where it was when the page is loaded again', async () => {
    await using room = await Room.open();
    room.keepHistory();
    const page = `${stage.pages.pageOf(room.url)}&storage`;
    await using tab = await stage.browser.openTab(page);
    await room.has(1);
    room.publish('before');
    await until(tab, ({ events }) => events.includes('before'));
    await tab.goTo(stage.pages.elsewhere);
    await room.has(0);
    room.publish('meanwhile');
    await tab.goTo(page);
    await until(tab, ({ events }) => events.length > 0);
    await expectToHaveHeard(room, tab, 'meanwhile');
  });

  it('goes on in a duplicate of a tab, and each of them by itself from then on', async () => {
    await using room = await Room.open();
    room.keepHistory();
    await using first = await stage.browser.openTab(`${stage.pages.pageOf(room.url)}&storage`);
    await room.has(1);
    room.publish('before');
    await until(first, ({ events }) => events.includes('before'));
    {
      await using second = await first.duplicate();
      await room.has(2);
      room.publish('to both');
      await until(second, ({ events }) => events.length > 0);
      expect((await read(second)).events).toEqual(['to both']);
    }
    await expectToHaveHeard(room, first, 'before', 'to both');
  });

  it('works as without where the browser forbids storage', async () => {
    await using room = await Room.open();
    room.keepHistory();
    const page = `${stage.pages.pageOf(room.url)}&storage&sandbox`;
    await using tab = await stage.browser.openTab(page);
    await expect(tab.evaluate('sessionStorage')).rejects.toThrow('SecurityError');
    await room.has(1);
    room.publish('before');
    await until(tab, ({ events }) => events.includes('before'));
    room.cut();
    room.publish('meanwhile');
    await until(tab, ({ events }) => events.includes('meanwhile'));
    await expectToHaveHeard(room, tab, 'before', 'meanwhile');
  });
}

/** For a browser that loads a page again that had an open WebSocket. */
export function testReloadedPage(stage: Stage<TestBrowser>): void {
  it('begins anew on a page that was not kept', async () => {
    await using room = await Room.open();
    await using tab = await stage.browser.openTab(stage.pages.pageOf(room.url));
    await room.has(1);
    await tab.goTo(stage.pages.elsewhere);
    await room.has(0);
    room.publish('meanwhile');
    await tab.goBack();
    expect(await tab.evaluate('arrivals')).toEqual([false]);
    await room.has(1);
    await expectToBeThere(room, tab, []);
  });
}

export function testTwoTabs(stage: Stage<TestBrowser>): void {
  it('has a client in each of two tabs', async () => {
    await using room = await Room.open();
    const page = stage.pages.pageOf(room.url);
    await using ann = await stage.browser.openTab(page);
    {
      await using bob = await stage.browser.openTab(page);
      await room.has(2);
      await post(ann, 'hello');
      await until(bob, ({ events }) => events.includes('hello'));
      expect((await read(bob)).answers).toEqual([]);
    }
    await room.has(1);
    await expectToBeThere(room, ann, ['hello']);
  });

  it('has one client for two tabs that share a worker', async () => {
    await using room = await Room.open();
    room.cutsAt = 'hello';
    const page = stage.pages.pageOf(room.url, 'shared-worker');
    await using ann = await stage.browser.openTab(page);
    {
      await using bob = await stage.browser.openTab(page);
      await room.has(1);
      await post(bob, 'hello');
      await answered(bob, 'hello');
    }
    await expectToBeThere(room, ann, ['hello']);
    expect(room.posts).toEqual(['hello', 'hello (again)', 'last']);
    expect(room.connections).toBe(2);
  });
}

export const read = (page: OpenPage): Promise<Journal> => page.evaluate('visitor.journal()');

export const post = (page: OpenPage, text: string): Promise<void> =>
  page.evaluate(`void visitor.post('${text}')`);

/** Makes the pause before an attempt to connect minutes long, instead of half a second at most. */
const waitLong = (page: OpenPage): Promise<void> => page.evaluate('void (Math.random = () => 400)');

export async function until(page: OpenPage, isSo: (journal: Journal) => boolean): Promise<void> {
  await vi.waitFor(async () => expect(await read(page)).toSatisfy(isSo), PATIENCE);
}

export const answered = (page: OpenPage, text: string): Promise<void> =>
  until(page, ({ answers }) => answers.includes(text));

/** What a page noted down. Its last post has been answered then, and so whatever came before has arrived. */
async function lastOf(page: OpenPage): Promise<Journal> {
  await post(page, 'last');
  await answered(page, 'last');
  return read(page);
}

/** Expects one subscription, an event of now to arrive once, and nothing of what was posted twice. */
export function expectToBeThere(
  room: Room,
  page: OpenPage,
  posted: readonly string[],
): Promise<void> {
  return expectNow(room, page, { heard: [], posted });
}

/** The same of a page that has posted nothing, and has heard these events. */
function expectToHaveHeard(room: Room, page: OpenPage, ...heard: readonly string[]): Promise<void> {
  return expectNow(room, page, { heard, posted: [] });
}

async function expectNow(
  room: Room,
  page: OpenPage,
  { heard, posted }: { readonly heard: readonly string[]; readonly posted: readonly string[] },
): Promise<void> {
  await room.has(1);
  room.publish('afterwards');
  const { states, events, answers } = await lastOf(page);
  expect({ events, answers, badSteps: badSteps(states) }).toEqual({
    events: [...heard, ...posted, 'afterwards', 'last'],
    answers: [...posted, 'last'],
    badSteps: [],
  });
}
