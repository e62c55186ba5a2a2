import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { reactNativeGlobals, startApp } from './react-native.js';
import { PATIENCE, Room } from './room.js';
import { VISIT } from './visit.js';
import type { Journal, Visitor } from './visitor.js';

const TOKEN = 'zweites ü?> 😀';

/** What newer versions have of the web, or apps add by a package. */
const ADDITIONS: Readonly<Record<string, unknown>> = {
  crypto: { getRandomValues: (array: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(array) },
  TextEncoder,
  TextDecoder,
  Event,
  EventTarget,
  btoa,
  atob,
  structuredClone,
  reportError: () => {},
};

it('F5 works in React Native with nothing added but random values', async () => {
  expect(await visit({ crypto: ADDITIONS.crypto })).toBe('works');
});

// Either is right. What nobody can catch is not, nor a promise that is never settled.
it.each([...Object.keys(ADDITIONS), 'URL', 'WebSocket', 'navigator'])(
  'F5 works in React Native without %s, or says at once that it is missing',
  async (name) => {
    const said = new RegExp(`^works$|^TypeError: .*${name}.* Hint: .+`);
    expect(await visit({ ...ADDITIONS, [name]: undefined })).toMatch(said);
  },
);

it('closes a WebSocket that Android opens although it was closed before', async () => {
  const webSockets = new WebSocketServer({ noServer: true });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { openVisitor } = await startApp(reactNativeGlobals(ADDITIONS));
  const { port } = server.address() as AddressInfo;
  const visitor = openVisitor({ url: `ws://127.0.0.1:${port}` });
  const [request, stream, head] = await once(server, 'upgrade');
  visitor.leave();
  webSockets.handleUpgrade(request, stream, head, () => {});
  await vi.waitFor(() => expect(webSockets.clients.size).toBe(0), PATIENCE);
  server.close();
});

/** Posts in a room, with the connection cut once. Gives `works`, or what `createClient` throws. */
async function visit(additions: Readonly<Record<string, unknown>>): Promise<string> {
  await using room = await Room.open();
  room.cutsAt = 'two';
  const { openVisitor, escaped } = await startApp(reactNativeGlobals(additions));
  let visitor: Visitor;
  try {
    visitor = openVisitor({ url: room.url, token: () => TOKEN });
  } catch (error) {
    const { name, message, hint } = error as Error & { readonly hint?: string };
    return `${name}: ${message} Hint: ${hint ?? ''}`;
  }
  visitor.enter().catch((error: unknown) => escaped.push(error));
  for (const text of VISIT) void visitor.post(text);
  await vi.waitFor(() => {
    // Out of another realm, where arrays are of another class.
    const { events, answers } = JSON.parse(JSON.stringify(visitor.journal)) as Journal;
    expect({ events, answers, escaped }).toEqual({ events: VISIT, answers: VISIT, escaped: [] });
  }, PATIENCE);
  visitor.leave();
  await room.has(0);
  expect(room.posts).toEqual(['one', 'two', 'two (again)', 'three']);
  expect(room.tokens).toEqual([TOKEN, TOKEN]);
  return 'works';
}
