import type { Browser, Page } from 'playwright-core';

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
