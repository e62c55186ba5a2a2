import { expect, it } from 'vitest';
import { type AppSettings, createApp, defineChannel, memoryStore } from '../src/index.js';

const nothing = {
  version: 1,
  authorizer: false,
  singleEnvironment: true,
  store: 'memory',
  hasConnect: false,
  hasDisconnect: false,
  hasConnectHook: false,
  hasDisconnectHook: false,
  autoSubscribes: false,
};

const elsewhere = { name: 'elsewhere', connections: memoryStore().connections };

it('the manifest of an app without any of the parts says so', () => {
  const { manifest } = createApp({ channels: [defineChannel('news')], store: memoryStore() });
  expect(manifest).toMatchObject(nothing);
  expect(manifest).not.toHaveProperty('origins');
});

it.each([
  [{ onConnect: () => {} }, {}, { hasConnect: true }],
  [{ onDisconnect: () => {} }, {}, { hasDisconnect: true }],
  [{ autoSubscribe: true }, {}, { autoSubscribes: true }],
  [{ autoSubscribe: false }, {}, {}],
  [{}, { plugins: [{ name: 'a', onConnect: () => {} }] }, { hasConnectHook: true }],
  [{}, { plugins: [{ name: 'a', onDisconnect: () => {} }] }, { hasDisconnectHook: true }],
  [{}, { authorizer: () => undefined }, { authorizer: true }],
  [{}, { origins: ['https://Chat.example:443'] }, { origins: ['https://chat.example'] }],
  [{}, { store: elsewhere }, { store: 'elsewhere', singleEnvironment: false }],
] as const)('the manifest of an app with %j and %j', (channel, settings, expected) => {
  const { manifest } = createApp({
    channels: [defineChannel('news', channel)],
    store: memoryStore(),
    ...(settings as Partial<AppSettings>),
  });
  expect(manifest).toMatchObject({ ...nothing, ...expected });
});
