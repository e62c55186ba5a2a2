import type { Browser, BrowserContext, Page } from 'playwright-core';
import { expect, vi } from 'vitest';
import { openChromium } from '../../../../test/chromium.js';
import type { OpenPage, Tab, TestBrowser } from './browser-tests.js';
import { PATIENCE } from './room.js';

/** A page that can be stopped, as the browser stops those that nobody has looked at for long. */
interface FreezablePage extends OpenPage {
  setFrozen(isFrozen: boolean): Promise<void>;
}

interface TestChromium extends TestBrowser {
  /** Takes the network away, and brings it back. */
  setOffline(isOffline: boolean): Promise<void>;
  openFreezableTab(url: string): Promise<FreezablePage>;
}

export async function openTestChromium(): Promise<TestChromium> {
  // Playwright turns the page cache off.
  const browser = await openChromium({ ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  const context = await browser.newContext();
  return {
    openTab: (url) => openTab(context, url),
    setOffline: (isOffline) => context.setOffline(isOffline),
    openFreezableTab: (url) => openFreezableTab(browser, url),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

async function openTab(context: BrowserContext, url: string): Promise<Tab> {
  const page = await context.newPage();
  await page.goto(url);
  return {
    evaluate: (expression) => page.evaluate(expression),
    goTo: async (next) => void (await page.goto(next)),
    goBack: () => goBack(page),
    [Symbol.asyncDispose]: () => page.close(),
  };
}

// Playwright's own waits for a load, which there is not when the page was kept.
async function goBack(page: Page): Promise<void> {
  const from = page.url();
  await page.evaluate('void history.back()');
  await vi.waitFor(() => expect(page.url()).not.toBe(from), PATIENCE);
}

interface Answer {
  readonly id: number;
  readonly error?: { readonly message: string };
  readonly result?: unknown;
}

// Behind Playwright's back: it makes its own pages believe that they have the focus, and those do not freeze.
async function openFreezableTab(browser: Browser, url: string): Promise<FreezablePage> {
  const cdp = await browser.newBrowserCDPSession();
  const { browserContextId } = await cdp.send('Target.createBrowserContext');
  const { targetId } = await cdp.send('Target.createTarget', { url, browserContextId });
  const { sessionId } = await cdp.send('Target.attachToTarget', { targetId });
  const waiting = new Map<number, (answer: Answer) => void>();
  cdp.on('Target.receivedMessageFromTarget', ({ message }) => {
    const answer = JSON.parse(message) as Answer;
    waiting.get(answer.id)?.(answer);
  });
  let sent = 0;
  const send = async (method: string, params: object): Promise<unknown> => {
    sent += 1;
    const id = sent;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    const message = JSON.stringify({ id, method, params });
    await cdp.send('Target.sendMessageToTarget', { sessionId, message });
    const { error, result } = await answered;
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  };
  return {
    async evaluate<T>(expression: string): Promise<T> {
      const answer = await send('Runtime.evaluate', { expression, returnByValue: true });
      const { result, exceptionDetails } = answer as {
        readonly result: { readonly value: T };
        readonly exceptionDetails?: unknown;
      };
      if (exceptionDetails) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
      return result.value;
    },
    async setFrozen(isFrozen: boolean): Promise<void> {
      await send('Page.setWebLifecycleState', { state: isFrozen ? 'frozen' : 'active' });
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await cdp.send('Target.disposeBrowserContext', { browserContextId });
      await cdp.detach();
    },
  };
}
