import type { BrowserContext, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { openChromium } from '../../../../test/chromium.js';
import type { CopyableTab, CopyingBrowser } from './browser-tests.js';
import { PATIENCE } from './room.js';

interface TestChromium extends CopyingBrowser {
  /** Takes the network away, and brings it back. */
  setOffline(isOffline: boolean): Promise<void>;
}

export async function openTestChromium(): Promise<TestChromium> {
  // Playwright turns the page cache off.
  const browser = await openChromium({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  const context = await browser.newContext();
  return {
    openTab: (url) => openTab(context, url),
    setOffline: (isOffline) => context.setOffline(isOffline),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

async function openTab(context: BrowserContext, url: string): Promise<CopyableTab> {
  const page = await context.newPage();
  await page.goto(url);
  return tabOf(page);
}

/** A page as a tab of the tests. */
export function tabOf(page: Page): CopyableTab {
  return {
    evaluate: (expression) => page.evaluate(expression),
    goTo: async (next) => void (await page.goto(next)),
    goBack: () => goBack(page),
    async duplicate() {
      const opened = page.waitForEvent('popup');
      await page.evaluate('void open(location.href)');
      return tabOf(await opened);
    },
    [Symbol.asyncDispose]: () => page.close(),
  };
}

// Playwright's own waits for a load, which there is not when the page was kept.
async function goBack(page: Page): Promise<void> {
  const from = page.url();
  await page.evaluate('void history.back()');
  await vi.waitFor(() => expect(page.url()).not.toBe(from), PATIENCE);
}
