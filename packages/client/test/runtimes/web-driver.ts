import type { Tab, TestBrowser } from './browser-tests.js';

/** A command of W3C WebDriver: its name in Firefox's Marionette, and its place in HTTP. */
export interface Command {
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
}

/** Gives a command to a browser. */
export type Send = (command: Command, params?: object) => Promise<unknown>;

const command = (name: string, path: string, method: Command['method'] = 'POST'): Command => ({
  name: `WebDriver:${name}`,
  method,
  path,
});

export const NEW_SESSION: Command = command('NewSession', '');
export const EXECUTE: Command = command('ExecuteScript', '/execute/sync');
const NAVIGATE = command('Navigate', '/url');
const BACK = command('Back', '/back');
const WINDOW_HANDLE = command('GetWindowHandle', '/window', 'GET');
const NEW_WINDOW = command('NewWindow', '/window/new');
const SWITCH_TO_WINDOW = command('SwitchToWindow', '/window');
const CLOSE_WINDOW = command('CloseWindow', '/window', 'DELETE');

/** Opens tabs in a browser that has a session. */
export async function tabOpener(send: Send): Promise<TestBrowser['openTab']> {
  const first = await send(WINDOW_HANDLE);
  return async (url) => {
    const { handle } = (await send(NEW_WINDOW, { type: 'tab' })) as { readonly handle: string };
    const inTab: Send = async (...args) => {
      await send(SWITCH_TO_WINDOW, { handle });
      return send(...args);
    };
    const tab: Tab = {
      async evaluate<T>(expression: string): Promise<T> {
        // By `eval`, because Firefox runs scripts beside the page, and as JSON out of there.
        const script = 'return JSON.stringify(window.eval(arguments[0]))';
        const json = await inTab(EXECUTE, { script, args: [expression] });
        return (json === null ? undefined : JSON.parse(json as string)) as T;
      },
      goTo: async (next) => void (await inTab(NAVIGATE, { url: next })),
      goBack: async () => void (await inTab(BACK)),
      async [Symbol.asyncDispose]() {
        await inTab(CLOSE_WINDOW);
        // A browser takes no command in a window that is closed.
        await send(SWITCH_TO_WINDOW, { handle: first });
      },
    };
    await tab.goTo(url);
    return tab;
  };
}
