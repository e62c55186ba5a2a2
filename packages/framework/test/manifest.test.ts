import { expect, it } from 'vitest';
import { type AppSettings, createApp, defineChannel, memoryStore } from '../src/index.js';
import { logger } from '../src/plugins/logger.js';

const nothing = {
  version: 1,
  authorizer: false,
  singleEnvironment: true,
  store: 'memory',
  hasConnect: false,
  hasDisconnect: false,
  hasUnsubscribe: false,
  hasConnectHook: false,
  hasDisconnectHook: false,
  hasUnsubscribeHook: false,
  hasHistory: false,
  autoSubscribes: false,
};

const elsewhere = { name: 'elsewhere', connections: memoryStore().connections };

it('the manifest of an app without any of the parts says so', () => {
  const { manifest } = createApp({ channels: [defineChannel('news')], store: memoryStore() });
  const { routes: _routes, ...facts } = manifest;
  expect(facts).toEqual(nothing);
});

it.each([
  [{ onConnect: () => {} }, {}, { hasConnect: true }],
  [{ onDisconnect: () => {} }, {}, { hasDisconnect: true }],
  [{ onUnsubscribe: () => {} }, {}, { hasUnsubscribe: true }],
  [{ autoSubscribe: true }, {}, { autoSubscribes: true }],
  [{ autoSubscribe: false }, {}, {}],
  [{ history: { retentionSeconds: 600 } }, {}, { hasHistory: true }],
  [{}, { plugins: [{ name: 'a', onConnect: () => {} }] }, { hasConnectHook: true }],
  [{}, { plugins: [{ name: 'a', onDisconnect: () => {} }] }, { hasDisconnectHook: true }],
  [{}, { plugins: [{ name: 'a', onUnsubscribe: () => {} }] }, { hasUnsubscribeHook: true }],
  [{}, { plugins: [{ name: 'a', observesOnly: true, onConnect: () => {} }] }, {}],
  [{}, { plugins: [{ name: 'a', observesOnly: true, onDisconnect: () => {} }] }, {}],
  [{}, { plugins: [{ name: 'a', observesOnly: true, onUnsubscribe: () => {} }] }, {}],
  [
    {},
    { plugins: [{ name: 'a', observesOnly: false, onConnect: () => {} }] },
    { hasConnectHook: true },
  ],
  [{}, { plugins: [logger()] }, {}],
  [{}, { authorizer: () => undefined }, { authorizer: true }],
  [{}, { origins: ['https://Chat.example:443'] }, { origins: ['https://chat.example'] }],
  [{}, { store: elsewhere }, { store: 'elsewhere', singleEnvironment: false }],
] as const)('the manifest of an app with %j and %j', (channel, settings, expected) => {
  const { manifest } = createApp({
    channels: [defineChannel('news', channel)],
    store: memoryStore(),
    ...(settings as Partial<AppSettings>),
  });
  const { routes: _routes, ...facts } = manifest;
  expect(facts).toEqual({ ...nothing, ...expected });
});
