import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, vi } from 'vitest';
import { startCommand } from '../../../../test/running-command.js';
import { assemble } from './assemble.js';
import type { TestBrowser } from './browser-tests.js';
import { PATIENCE } from './room.js';
import { EXECUTE, NEW_SESSION, type Send, tabOpener } from './web-driver.js';

const FIREFOX = '/usr/bin/firefox-esr';

const isMissing = !existsSync(FIREFOX);
if (isMissing) {
  // oxlint-disable-next-line no-console -- a part that is not tested is skipped loudly.
  console.warn(`"${FIREFOX}" is missing, so it is NOT tested: apt-get install firefox-esr`);
}

// oxlint-disable-next-line vitest/valid-describe-callback, vitest/valid-title -- this does not call describe.
export const describeInFirefox = describe.skipIf(isMissing);

const PREFERENCES = {
  'marionette.port': 0,
  // Being offline is to count for this machine's own servers too.
  'network.disable-localhost-when-offline': true,
  // It asks nobody but the test.
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'app.update.disabledForTesting': true,
  'datareporting.policy.dataSubmissionEnabled': false,
};

interface TestFirefox extends TestBrowser {
  /** Takes the network away, and brings it back. */
  setOffline(isOffline: boolean): Promise<void>;
}

/** Starts Firefox with a profile of its own, driven by Marionette. */
export function openTestFirefox(): Promise<TestFirefox> {
  return assemble(async (use) => {
    const profile = await makeProfile();
    use({ [Symbol.asyncDispose]: () => rm(profile, { recursive: true }) });
    const args = ['--headless', '--marionette', '--remote-allow-system-access', '--no-remote'];
    use(startCommand(FIREFOX, [...args, '--profile', profile]));
    const port = await vi.waitFor(
      () => readFile(join(profile, 'MarionetteActivePort'), 'utf8'),
      PATIENCE,
    );
    const socket = connect(Number(port), '127.0.0.1');
    use({ [Symbol.asyncDispose]: async () => void socket.destroy() });
    const send = marionette(socket);
    await send(NEW_SESSION, { capabilities: {} });
    return {
      openTab: await tabOpener(send),
      async setOffline(isOffline) {
        await setContext(send, 'chrome');
        const script = 'Services.io.offline = arguments[0]';
        await send(EXECUTE, { script, args: [isOffline] });
        await setContext(send, 'content');
      },
    };
  });
}

async function makeProfile(): Promise<string> {
  const profile = await mkdtemp(join(tmpdir(), 'gatecast-firefox-'));
  const lines = Object.entries(PREFERENCES).map(
    ([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`,
  );
  await writeFile(join(profile, 'user.js'), lines.join('\n'));
  return profile;
}

/** `chrome` is Firefox itself, `content` the page. */
function setContext(send: Send, value: 'chrome' | 'content'): Promise<unknown> {
  return send({ name: 'Marionette:SetContext', method: 'POST', path: '' }, { value });
}

type Answer = [
  type: number,
  id: number,
  error: { readonly error: string; readonly message: string } | null,
  result: Record<string, unknown>,
];

/** Messages are JSON with its length in bytes and a colon before it. */
function marionette(socket: Socket): Send {
  const waiting = new Map<number, (answer: Answer) => void>();
  let sent = 0;
  let rest = Buffer.alloc(0);
  socket.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    for (;;) {
      const start = rest.indexOf(':') + 1;
      const end = start + Number(rest.subarray(0, start - 1).toString());
      if (start === 0 || rest.length < end) return;
      const message: unknown = JSON.parse(rest.subarray(start, end).toString());
      rest = rest.subarray(end);
      // The first one is a greeting.
      if (Array.isArray(message)) waiting.get(message[1] as number)?.(message as Answer);
    }
  });
  return async ({ name }, params = {}) => {
    sent += 1;
    const id = sent;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    const message = JSON.stringify([0, id, name, params]);
    socket.write(`${Buffer.byteLength(message)}:${message}`);
    const [, , error, result] = await answered;
    if (error) throw new Error(`${name}: ${error.error}: ${error.message}`);
    return 'value' in result ? result.value : result;
  };
}
