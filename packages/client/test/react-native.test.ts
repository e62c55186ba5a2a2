import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { channelName, createClient } from '../src/index.js';
import { connect, TestingServer, untilState } from './testing-server.js';

// What an engine of React Native lacks, or has in name only.
class PartialUrl {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get protocol(): string {
    throw new Error('URL.protocol is not implemented');
  }

  toString(): string {
    return this.#text;
  }
}

const lacking: Readonly<Record<string, unknown>> = {
  URL: PartialUrl,
  TextEncoder: undefined,
  TextDecoder: undefined,
  btoa: undefined,
  atob: undefined,
  document: undefined,
  addEventListener: undefined,
  reportError: undefined,
  structuredClone: undefined,
  // What react-native-get-random-values brings.
  crypto: {
    getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => globalCrypto.getRandomValues(bytes),
  },
};
const globalCrypto = globalThis.crypto;

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  vi.spyOn(console, 'warn').mockReturnValue();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function become(globals: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
}

describe('in React Native', () => {
  it('F5 subscribes, sends, hears and comes back', async () => {
    await using server = await TestingServer.start();
    const { url } = server;
    become(lacking);
    using client = connect(server, {
      url: new PartialUrl(url) as unknown as URL,
      token: () => 'schlüssel 🔑',
    });
    server.script = (frame, connection) => {
      if (frame.action !== 'subscribe') connection.reply(frame.id, frame.data);
      else connection.reply(frame.id, { channels: [{ channel: 'räume', result: 'live' }] });
    };
    const room = client.channel('räume');
    const seen: unknown[] = [];
    room.on('message', (data) => seen.push(data));
    await room.subscribe();
    const sent = room.send('post', { text: 'é🔑' });
    expect(sent.id).toMatch(/^[\w-]{22}$/);
    expect(await sent).toEqual({ text: 'é🔑' });
    const token = server.handshakes[0]?.[1]?.slice('gatecast.token.'.length) ?? '';
    expect(Buffer.from(token, 'base64url').toString()).toBe('schlüssel 🔑');
    const event = { event: 'message', data: 1, id: 'e1', at: 0 };
    server.connections[0]?.send({ type: 'event', channel: 'räume', ...event });
    await vi.waitFor(() => expect(seen).toEqual([1]));
    server.connections[0]?.webSocket.terminate();
    await (await server.connection(1)).frames('subscribe');
    expect(channelName('rooms/:id', { id: 'a b' })).toBe('rooms/a%20b');
    await expect(room.send('post', 'é'.repeat(20_000))).rejects.toMatchObject({
      code: 'ERR_MESSAGE_INVALID',
    });
  });

  it.each([
    ['no crypto', undefined],
    ['no crypto.getRandomValues', {}],
  ])('F5 is told by createClient what is missing: %s', (_, crypto) => {
    vi.stubGlobal('crypto', crypto);
    expect(() => createClient({ url: 'ws://127.0.0.1/dev', WebSocket })).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message:
          'This runtime has no crypto.getRandomValues. In React Native, import "react-native-get-random-values" first.',
        hint: 'In React Native, import "react-native-get-random-values" first.',
      }) as Error,
    );
  });
});

describe('in a worker', () => {
  it('F5 hears of the network, and needs no document', async () => {
    await using server = await TestingServer.start();
    const worker = new EventTarget();
    vi.stubGlobal('document', undefined);
    vi.stubGlobal('addEventListener', worker.addEventListener.bind(worker));
    using client = connect(server);
    await untilState(client, 'connected');
    worker.dispatchEvent(new Event('online'));
    const [ping] = await (await server.connection(0)).frames('ping');
    expect(ping).toEqual({ action: 'ping' });
  });
});

describe('in an app whose document cannot be listened to', () => {
  it('F5 does without', async () => {
    await using server = await TestingServer.start();
    vi.stubGlobal('document', {});
    using client = connect(server);
    await untilState(client, 'connected');
    expect(client.state).toBe('connected');
  });
});
