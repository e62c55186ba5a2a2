import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, vi } from 'vitest';
import { startCommand } from '../../../../test/running-command.js';
import { assemble } from './assemble.js';
import type { TestBrowser } from './browser-tests.js';
import { PATIENCE } from './room.js';
import { NEW_SESSION, type Send, tabOpener } from './web-driver.js';

const isMissing = ['WebKitWebDriver', 'Xvfb'].some(
  (program) => spawnSync('which', [program]).status !== 0,
);
if (isMissing) {
  // oxlint-disable-next-line no-console -- a part that is not tested is skipped loudly.
  console.warn('WebKit is missing, so it is NOT tested: apt-get install webkit2gtk-driver xvfb');
}

// oxlint-disable-next-line vitest/valid-describe-callback, vitest/valid-title -- this does not call describe.
export const describeInWebKit = describe.skipIf(isMissing);

/** Starts WebKitGTK's small browser on a screen of its own, driven by WebDriver. */
export function openTestWebKit(): Promise<TestBrowser> {
  return assemble(async (use) => {
    const screen = use(startCommand('Xvfb', ['-displayfd', '1', '-nolisten', 'tcp']));
    const display = await screen.prints(/^(\d+)\n/);
    const port = await freePort();
    const env = { ...process.env, DISPLAY: `:${display}` };
    use(startCommand('WebKitWebDriver', [`--port=${port}`], { env }));
    const sessions = `http://127.0.0.1:${port}/session`;
    const { sessionId } = (await vi.waitFor(
      () => http(sessions)(NEW_SESSION, { capabilities: {} }),
      PATIENCE,
    )) as { readonly sessionId: string };
    const session = `${sessions}/${sessionId}`;
    use({ [Symbol.asyncDispose]: async () => void (await fetch(session, { method: 'DELETE' })) });
    return { openTab: await tabOpener(http(session)) };
  });
}

function http(url: string): Send {
  return async ({ name, method, path }, params = {}) => {
    const body = method === 'POST' ? JSON.stringify(params) : null;
    const response = await fetch(url + path, { method, body });
    const { value } = (await response.json()) as { readonly value: unknown };
    if (!response.ok) throw new Error(`${name}: ${JSON.stringify(value)}`);
    return value;
  };
}

/** The driver takes 0 too, but does not say which port it got. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
