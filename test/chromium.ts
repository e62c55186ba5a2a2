import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { type Browser, chromium, type LaunchOptions, type Page } from 'playwright-core';
import { describe } from 'vitest';

const CHROMIUM = '/usr/bin/chromium';

const isMissing = !existsSync(CHROMIUM) && !process.env.CI;
if (isMissing) {
  // oxlint-disable-next-line no-console -- a skipped part needs a warning.
  console.warn(`"${CHROMIUM}" is missing, so pages are NOT tested: apt-get install chromium`);
}

/**
 * `describe`, skipped if Chromium is missing. In CI it is not skipped, and Playwright reports the missing
 * browser.
 */
// oxlint-disable-next-line vitest/valid-describe-callback, vitest/valid-title -- this does not call describe.
export const describeInChromium = describe.skipIf(isMissing);

/** Starts a browser without a window. */
export function openChromium(
  options: Pick<LaunchOptions, 'ignoreDefaultArgs'> = {},
): Promise<Browser> {
  return chromium.launch({
    ...options,
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-default-apps',
      '--disable-sync',
    ],
  });
}

/** Serious and critical findings of axe on a page. */
export async function violations(page: Page): Promise<string[]> {
  // Not with a script element, because a page's security policy would block it.
  const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  await page.evaluate(await readFile(axe, 'utf8'));
  const results = await page.evaluate<AxeResults>('axe.run()');
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** By how many pixels a page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
}
