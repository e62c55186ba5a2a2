import { createApp, defineChannel, memoryStore } from '@gatecast/framework';
import { createTestApp, makeConnectEvent } from '@gatecast/framework/testing';
import { describe, expect, it } from 'vitest';
import { originMatches } from '../src/wire/origins.js';
import { listen } from './heard.js';

const page = 'https://chat.example.com';
const pub = defineChannel('pub');

/** Whether an app with these origins accepts a handshake with these headers. */
async function attempt(origins: readonly string[], headers: Record<string, string>) {
  const app = createTestApp({ channels: [pub], origins, plugins: [{ name: 'q', onError() {} }] });
  return app.connect({ headers }).then(
    () => 'open',
    ({ status }: { status: number }) => status,
  );
}

const start = (origins: unknown) => () =>
  createApp({ channels: [pub], store: memoryStore(), origins: origins as string[] });

describe('A8 the option origins', () => {
  it.each([page, `${page}/`, `${page}:443`, 'HTTPS://Chat.Example.com'])(
    'A8 accepts %s as browsers send it',
    async (entry) => {
      expect(await attempt([entry], { Origin: page })).toBe('open');
      expect(await attempt([entry], { Origin: 'https://chat.example.com.evil.com' })).toBe(403);
    },
  );

  it.each([
    ['http://localhost:3000', 'http://localhost:3000'],
    ['capacitor://localhost', 'capacitor://localhost'],
    ['chrome-extension://abcdefgh', 'chrome-extension://abcdefgh'],
    ['https://m\u00fcnchen.example', 'https://xn--mnchen-3ya.example'],
  ])('A8 accepts %s, which browsers send as %s', async (entry, origin) => {
    expect(await attempt([page, entry], { Origin: origin })).toBe('open');
    expect(await attempt([page], { Origin: origin })).toBe(403);
  });

  it.each([
    '*',
    'https://*.example.com',
    'chat.example.com',
    'localhost:3000',
    'https://',
    'wss://chat.example.com',
    'https://chat.example.com/rooms',
    'https://chat.example.com?x=1',
    'https://user@chat.example.com',
    'null',
    '',
    7,
    null,
  ])('A8 refuses the entry %j, which can never equal an Origin', (entry) => {
    expect(start([page, entry])).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_VALUE',
        message: expect.stringContaining('"origins[1]"'),
        hint: 'It takes an origin as browsers send it, without wildcard, user or path: https://chat.example.com.',
      }),
    );
  });

  it.each<[unknown, string]>([
    [`${page},https://admin.example.com`, `"${page},https://admin.example.com"`],
    [[], 'an empty list'],
    [{ 0: page }, 'an object'],
  ])('A8 refuses %j, which is not a list of origins', (origins, given) => {
    expect(start(origins)).toThrow(
      expect.objectContaining({
        code: 'ERR_OPTION_VALUE',
        message: `createApp() was given ${given} as "origins".`,
      }),
    );
  });

  it.each(['null', 'https://', 'chat.example.com', '', page.slice(0, -1), `${page}/ `])(
    'A8 refuses a page whose Origin is %j',
    async (origin) => {
      const isPage = origin.trim().startsWith(`${page}/`);
      expect(await attempt([page], { Origin: origin })).toBe(isPage ? 'open' : 403);
    },
  );
});

it('A8 without the option accepts every page, and with it the refusal has a code', async () => {
  const event = makeConnectEvent({ headers: { Origin: page } });
  expect(await createTestApp({ channels: [pub] }).app.handler(event)).toEqual({ statusCode: 200 });
  const ear = listen();
  const { app } = createTestApp({
    channels: [pub],
    origins: ['https://other.example.com'],
    plugins: [ear.plugin],
  });
  expect(await app.handler(event)).toEqual({ statusCode: 403 });
  expect(ear.codes()).toEqual(['ERR_ORIGIN']);
});

describe("A9 an Origin derived from the WebSocket's URL", () => {
  it.each([
    ['https://ws.example.com', 'ws.example.com'],
    ['https://ws.example.com', 'WS.example.com:443'],
    ['http://localhost:3000', 'localhost:3000'],
  ])('A9 passes: %s at %s', async (origin, host) => {
    expect(await attempt([page], { Origin: origin, Host: host })).toBe('open');
  });

  it.each([
    ['https://evil.example.com', 'ws.example.com'],
    ['https://ws.example.com.evil.com', 'ws.example.com'],
    ['https://ws.example.com:8443', 'ws.example.com'],
    ['null', 'null'],
    ['app://ws.example.com', 'ws.example.com'],
  ])('A9 is refused if it is another one: %s at %s', async (origin, host) => {
    expect(await attempt([page], { Origin: origin, Host: host })).toBe(403);
  });

  it('A9 is refused if the handshake has no Host or the Origin is not that of a page', () => {
    for (const [origin, host] of [
      ['https://ws.example.com', undefined],
      ['https://undefined', undefined],
      ['file:///index.html', ''],
      ['undefined//ws.example.com', 'ws.example.com'],
    ] as const) {
      expect(originMatches(origin, host, [page])).toBe(false);
    }
  });
});
