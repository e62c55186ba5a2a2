import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { overflow, violations } from '../../../test/chromium.js';

const screenshots = fileURLToPath(new URL('./screenshots/', import.meta.url));

/** How long to wait for what must come: a busy machine is not a failure. */
export const PATIENCE = { timeout: 30_000, interval: 50 };

export interface PageOptions {
  readonly url: string;
  readonly width: number;
}

/** A page of another user, with separate storage. */
export async function openPage(browser: Browser, { url, width }: PageOptions): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 800 } });
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

export async function joinAs(name: string, page: Page): Promise<Page> {
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join room' }).click();
  await page.getByText('Welcome to').waitFor();
  return page;
}

export function messageField(page: Page): Locator {
  return page.getByLabel('Message', { exact: true });
}

/** Writes a message, which may stay unsent. */
export async function write(page: Page, text: string): Promise<void> {
  await messageField(page).fill(text);
  await page.keyboard.press('Enter');
}

/** The texts of the messages of the history that a page shows, in order. */
export function textsOn(page: Page): Promise<string[]> {
  return page.locator('li:not(.pending, .line) .text').allTextContents();
}

/** The texts of the messages that are not in the history yet. */
export function pendingOn(page: Page): Promise<string[]> {
  return page.locator('li.pending .text').allTextContents();
}

/** Waits until a page shows these messages last, and nothing that is pending. */
export async function shows(page: Page, ...texts: readonly string[]): Promise<void> {
  await vi.waitFor(async () => {
    expect((await textsOn(page)).slice(-texts.length)).toEqual(texts);
    expect(await pendingOn(page)).toEqual([]);
  }, PATIENCE);
}

/** Scrolls up until all messages are loaded. */
export async function scrollToBeginning(page: Page): Promise<void> {
  const beginning = page.getByText('There are no earlier messages.');
  await vi.waitFor(async () => {
    await page.locator('#log').evaluate((log) => log.scrollTo(0, -log.scrollHeight));
    expect(await beginning.isVisible()).toBe(true);
  }, PATIENCE);
}

/** Keeps a picture of a page, light and dark, and expects it to be accessible and not too wide. */
export async function expectWellMade(page: Page, name: string): Promise<void> {
  await mkdir(screenshots, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${screenshots}${name}-${colorScheme}.png` });
    expect(await violations(page)).toEqual([]);
  }
  expect(await overflow(page)).toBe(0);
}
