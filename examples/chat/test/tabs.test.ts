// What a page shows in several tabs, on the way back, and without storage.
import type { Browser, Page } from 'playwright-core';
import { beforeAll, expect, it, vi } from 'vitest';
import { describeInChromium, openChromium } from '../../../test/chromium.js';
import {
  joinAs,
  messageField,
  openPage,
  PATIENCE,
  pendingOn,
  shows,
  textsOn,
  write,
} from './chat-page.js';
import { openStage, type Stage } from './stage.js';
import { serve } from './web-server.js';

/** A tab that the browser has opened from another one, with a copy of its session storage. */
async function duplicate(page: Page): Promise<Page> {
  const opened = page.waitForEvent('popup');
  await page.evaluate('void open(location.href)');
  return opened;
}

describeInChromium('the page', () => {
  let stage: Stage;
  let browser: Browser;

  beforeAll(async () => {
    stage = await openStage();
    return () => stage[Symbol.asyncDispose]();
  });

  beforeAll(async () => {
    browser = await openChromium();
    return () => browser.close();
  });

  it('shows the same in two tabs, each with what was typed there', async () => {
    const first = await openPage(browser, { url: `${stage.page}#two-tabs`, width: 1280 });
    await joinAs('Ann', first);
    const second = await first.context().newPage();
    await second.goto(`${stage.page}#two-tabs`);
    await joinAs('Ann', second);
    await messageField(first).fill('Half a sent');
    await write(second, 'Hello');
    await shows(second, 'Hello');
    await shows(first, 'Hello');
    expect(await first.locator('li.own .text').allTextContents()).toEqual(['Hello']);
    for (const page of [first, second]) await page.reload();
    await shows(first, 'Hello');
    expect(await messageField(first).inputValue()).toBe('Half a sent');
    expect(await messageField(second).inputValue()).toBe('');
  });

  it('publishes an unsent message once, though a duplicate of the tab sends it, too', async () => {
    const first = await openPage(browser, {
      url: `${stage.pageOverNetwork}#duplicate`,
      width: 1280,
    });
    await joinAs('Ann', first);
    stage.network.lose();
    await write(first, 'Hello');
    const second = await duplicate(first);
    await vi.waitFor(async () => expect(await pendingOn(second)).toEqual(['Hello']), PATIENCE);
    stage.network.restore();
    for (const page of [first, second]) await shows(page, 'Hello');
    await write(second, 'Hello again');
    for (const page of [first, second]) await shows(page, 'Hello', 'Hello again');
    // What the server knows: a page that begins anew.
    const bob = await openPage(browser, { url: `${stage.page}#duplicate`, width: 390 });
    await joinAs('Bob', bob);
    await shows(bob, 'Hello', 'Hello again');
    expect(await textsOn(bob)).toHaveLength(2);
  });

  it('catches up when it comes out of the back/forward cache', async () => {
    // The gateway forbids caches to keep its files, and Playwright turns this one off.
    await using web = await serve(stage.folder);
    const ignoreDefaultArgs = ['--disable-back-forward-cache'];
    await using keeping = await openChromium({ ignoreDefaultArgs });
    const ann = await openPage(keeping, { url: `${web.url}/network/index.html#back`, width: 1280 });
    await ann.evaluate(() => {
      addEventListener('pageshow', ({ persisted }) => Object.assign(window, { persisted }));
    });
    await joinAs('Ann', ann);
    const bob = await openPage(browser, { url: `${stage.page}#back`, width: 390 });
    await joinAs('Bob', bob);
    await write(ann, 'one');
    await shows(ann, 'one');
    await messageField(ann).fill('Half a sent');
    await ann.goto(`${web.url}/direct/style.css`);
    await write(bob, 'two');
    await shows(bob, 'one', 'two');
    await ann.evaluate('void history.back()');
    await vi.waitFor(async () => expect(await ann.evaluate('persisted')).toBe(true), PATIENCE);
    await shows(ann, 'one', 'two');
    expect(await textsOn(ann)).toHaveLength(2);
    expect(await messageField(ann).inputValue()).toBe('Half a sent');
  });

  it('works where the browser forbids storage', async () => {
    // A page in a sandbox has no origin, and so no storage.
    await using web = await serve(stage.folder, {
      'Content-Security-Policy': 'sandbox allow-scripts allow-forms',
      'Access-Control-Allow-Origin': '*',
    });
    const page = await openPage(browser, {
      url: `${web.url}/network/index.html#private`,
      width: 390,
    });
    const errors: Error[] = [];
    page.on('pageerror', (error) => errors.push(error));
    await expect(page.evaluate('sessionStorage')).rejects.toThrow('SecurityError');
    await joinAs('Ann', page);
    await write(page, 'one');
    await shows(page, 'one');
    stage.network.lose();
    await write(page, 'two');
    stage.network.restore();
    await shows(page, 'one', 'two');
    expect(errors).toEqual([]);
  });
});
