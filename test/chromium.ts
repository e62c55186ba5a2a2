import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import {
  type Browser,
  type BrowserContext,
  chromium,
  type LaunchOptions,
  type Page,
} from 'playwright-core';
import { describe, vi } from 'vitest';
import { startCommand } from './running-command.js';

const CHROMIUM = '/usr/bin/chromium';
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-sync',
];

/** Whether pages are tested. In CI they are, and Playwright reports a missing browser. */
export const hasChromium: boolean = existsSync(CHROMIUM) || Boolean(process.env.CI);
if (!hasChromium) {
  // oxlint-disable-next-line no-console -- a skipped part needs a warning.
  console.warn(`"${CHROMIUM}" is missing, so pages are NOT tested: apt-get install chromium`);
}

/** `describe`, skipped without {@link hasChromium}. */
// oxlint-disable-next-line vitest/valid-describe-callback, vitest/valid-title -- this does not call describe.
export const describeInChromium = describe.skipIf(!hasChromium);

/** Starts a browser without a window. */
export function openChromium(
  options: Pick<LaunchOptions, 'ignoreDefaultArgs'> = {},
): Promise<Browser> {
  return chromium.launch({ ...options, executablePath: CHROMIUM, args: ARGUMENTS });
}

/** A browser that Playwright did not start. */
export interface PlainChromium extends AsyncDisposable {
  readonly browser: Browser;
  /** Its pages are frozen and kept as those of a user: Playwright does not pretend that they have the focus. */
  readonly context: BrowserContext;
}

/** Starts a browser with a profile of its own. */
export async function openPlainChromium(): Promise<PlainChromium> {
  const profile = await mkdtemp(join(tmpdir(), 'gatecast-chromium-'));
  const own = ['--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`];
  const running = startCommand(CHROMIUM, [...ARGUMENTS, ...own, 'about:blank']);
  const end = async (): Promise<void> => {
    await running[Symbol.asyncDispose]();
    await rm(profile, { recursive: true, maxRetries: 5 });
  };
  try {
    const port = await vi.waitFor(
      async () => {
        const [line] = (await readFile(join(profile, 'DevToolsActivePort'), 'utf8')).split('\n');
        if (!line) throw new Error('The port is not written yet.');
        return line;
      },
      { timeout: 30_000 },
    );
    const url = `http://127.0.0.1:${port}`;
    const browser = await chromium.connectOverCDP(url, { noDefaults: true });
    const [context] = browser.contexts();
    if (!context) throw new Error('The browser has no profile.');
    const close = async (): Promise<void> => {
      await browser.close();
      await end();
    };
    return { browser, context, [Symbol.asyncDispose]: close };
  } catch (error) {
    await end();
    throw error;
  }
}

/**
 * Stops a page of the first context of {@link openPlainChromium}, as the browser stops those that nobody has
 * looked at for long. Returns a function with which somebody looks at it again.
 */
export async function freeze(page: Page): Promise<() => Promise<void>> {
  const other = await page.context().newPage();
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  return async () => {
    await session.send('Page.setWebLifecycleState', { state: 'active' });
    await page.bringToFront();
    await other.close();
  };
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
