import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createClient, type Refusal, type StateReason } from '../src/index.js';
import { connect, TestingServer, untilState } from './testing-server.js';

beforeEach(() => {
  // Reconnect at once.
  vi.spyOn(Math, 'random').mockReturnValue(0);
  vi.spyOn(console, 'warn').mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe('the handshake', () => {
  it('offers the version of the protocol, and nothing where there is no token', async () => {
    await using server = await TestingServer.start();
    using client = connect(server, { token: () => '' });
    await untilState(client, 'connected');
    expect(server.handshakes).toEqual([['gatecast.v1']]);
  });

  it('hands the token over as a sub-protocol, asked again on every attempt', async () => {
    await using server = await TestingServer.start();
    const tokens = ['first', 'zweites ü?>'];
    using client = connect(server, { token: async () => tokens.shift() });
    await untilState(client, 'connected');
    server.connections[0]?.webSocket.terminate();
    await server.connection(1);
    const sent = server.handshakes.map(([version, token = '']) => {
      expect(version).toBe('gatecast.v1');
      expect(token).toMatch(/^gatecast\.token\.[A-Za-z0-9_-]+$/);
      return Buffer.from(token.slice('gatecast.token.'.length), 'base64url').toString();
    });
    expect(sent).toEqual(['first', 'zweites ü?>']);
    expect(server.paths).toEqual(['/dev', '/dev']);
  });

  it('puts the version and the token into the URL where it is asked to, and offers no sub-protocol', async () => {
    await using server = await TestingServer.start();
    const tokens = ['first', 'zweites ü?>&=+# %', ''];
    using client = connect(server, { handshake: 'query', token: async () => tokens.shift() });
    await untilState(client, 'connected');
    server.connections[0]?.webSocket.terminate();
    await server.connection(1);
    server.connections[1]?.webSocket.terminate();
    await server.connection(2);
    expect(server.handshakes).toEqual([['undefined'], ['undefined'], ['undefined']]);
    const queries = server.paths.map((path) => [...new URL(path, server.url).searchParams]);
    expect(queries).toEqual([
      [
        ['protocol', '1'],
        ['token', 'first'],
      ],
      [
        ['protocol', '1'],
        ['token', 'zweites ü?>&=+# %'],
      ],
      [['protocol', '1']],
    ]);
    expect(server.paths.map((path) => path.split('?')[0])).toEqual(['/dev', '/dev', '/dev']);
  });

  it('keeps the query that the URL has', async () => {
    await using server = await TestingServer.start();
    const url = new URL(`${server.url}?room=a%20b&debug`);
    using client = connect(server, { url, handshake: 'query', token: () => 'ann' });
    await untilState(client, 'connected');
    expect(server.paths).toEqual(['/dev?room=a%20b&debug&protocol=1&token=ann']);
  });

  it('tells of a token in the URL that was refused as of any other', async () => {
    await using server = await TestingServer.start();
    server.refuseWith = 401;
    using client = connect(server, { handshake: 'query', token: () => 'secret' });
    const refusal = await new Promise<Refusal>((resolve) => client.onRefused(resolve));
    expect(refusal.error.code).toBe('ERR_HANDSHAKE');
    expect(String(refusal.error.cause)).toContain('401');
    expect(String(refusal.error.cause)).not.toContain('secret');
    expect(server.paths).toHaveLength(3);
  });

  it('tells the app from the third refusal in a row on, and goes on trying', async () => {
    await using server = await TestingServer.start();
    server.refuseWith = 401;
    using client = connect(server);
    const refusals: Refusal[] = [];
    client.onRefused((refusal) => {
      refusals.push(refusal);
      if (refusals.length === 2 || refusals.length === 3) server.refuseWith = undefined;
    });
    // Only a connection that was of use makes them few again.
    await client.channel('a').subscribe();
    expect(server.handshakes).toHaveLength(5);
    server.refuseWith = 401;
    server.connections[0]?.webSocket.terminate();
    await server.connection(1);
    expect(server.handshakes).toHaveLength(9);
    expect(refusals.map(({ error, channel }) => [error.code, channel])).toEqual([
      ['ERR_HANDSHAKE', undefined],
      ['ERR_HANDSHAKE', undefined],
      ['ERR_HANDSHAKE', undefined],
    ]);
  });

  it('tells the app when the token function throws, and asks it again', async () => {
    await using server = await TestingServer.start();
    const cause = new Error('signed out');
    let calls = 0;
    using client = connect(server, {
      token: () => {
        calls += 1;
        if (calls === 1) throw cause;
        return 'jwt';
      },
    });
    const refusals: Refusal[] = [];
    client.onRefused((refusal) => refusals.push(refusal));
    await untilState(client, 'connected');
    expect(refusals).toMatchObject([{ error: { code: 'ERR_TOKEN', cause } }]);
    expect(server.handshakes).toHaveLength(1);
  });

  it('counts a WebSocket that cannot be made as a refusal', async () => {
    const cause = new Error('Blocked by the content security policy.');
    class Blocked extends WebSocket {
      constructor() {
        super(
          (() => {
            throw cause;
          })(),
        );
      }
    }
    const client = createClient({ url: 'ws://127.0.0.1/', WebSocket: Blocked });
    const refusal = new Promise<Refusal>((resolve) => client.onRefused(resolve));
    expect((await refusal).error).toMatchObject({ code: 'ERR_HANDSHAKE', cause });
    client.close();
  });
});

describe('createClient', () => {
  it('says what is wrong with a URL', () => {
    expect(() => createClient({ url: 'https://example.com/?key=secret', WebSocket })).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message:
          'The option "url" of createClient is wrong: https://example.com/. Write "wss://example.com/".',
        hint: 'Write "wss://example.com/".',
      }) as Error,
    );
    expect(() => createClient({ url: 'prod', WebSocket })).toThrow(TypeError);
  });

  it('says what to do where the runtime has no WebSocket, and takes it where it has one', async () => {
    await using server = await TestingServer.start();
    vi.stubGlobal('WebSocket', undefined);
    expect(() => createClient({ url: server.url })).toThrow(
      'This runtime has no WebSocket. Give createClient the option `WebSocket`, such as the class of the package "ws".',
    );
    vi.stubGlobal('WebSocket', WebSocket);
    const client = createClient({ url: new URL(server.url) });
    await untilState(client, 'connected');
    client.close();
  });
});

describe('reconnection', () => {
  it('follows the end of a connection, also with code 1000', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const states: unknown[] = [];
    client.onState((state, reason) => states.push([state, reason?.code]));
    expect(client.state).toBe('connecting');
    await untilState(client, 'connected');
    server.connections[0]?.webSocket.close(1000);
    await server.connection(1);
    await untilState(client, 'connected');
    expect(states).toEqual([
      ['connected', undefined],
      ['waiting', 'ERR_CONNECTION_LOST'],
      ['connecting', undefined],
      ['connected', undefined],
    ]);
  });

  it('no longer tells a listener that was taken off', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const seen: string[] = [];
    const off = client.onState((state) => seen.push(state));
    const offRefused = client.onRefused(() => seen.push('refused'));
    await untilState(client, 'connected');
    off();
    offRefused();
    server.refuseWith = 403;
    server.connections[0]?.webSocket.terminate();
    await vi.waitFor(() => expect(server.handshakes.length).toBeGreaterThan(5));
    expect(seen).toEqual(['connected']);
  });

  it('comes after the time that a farewell asks for', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await untilState(client, 'connected');
    const waiting = new Promise((resolve) =>
      client.onState((state, reason) => {
        if (state === 'waiting') resolve(reason);
      }),
    );
    const first = await server.connection(0);
    first.send({
      type: 'bye',
      code: 'DEPLOYED',
      reason: 'New code.',
      reconnect: true,
      afterMs: 30,
    });
    first.webSocket.close(1000);
    const { code, retryInMs } = (await waiting) as StateReason;
    expect(code).toBe('DEPLOYED');
    expect(retryInMs).toBeLessThanOrEqual(30);
    await server.connection(1);
  });

  it('does not follow a farewell that forbids it', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    const states: unknown[] = [];
    client.onState((state, reason) => states.push([state, reason]));
    server.script = () => {};
    const sent = client.channel('a').send('post', 1);
    const subscribed = client.channel('a').subscribe();
    const first = await server.connection(0);
    first.send({ type: 'bye', code: 'BANNED', reason: 'Spam.', reconnect: false });
    await expect(sent).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    await expect(subscribed).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    expect(client.state).toBe('closed');
    expect(states.at(-1)).toEqual(['closed', { code: 'BANNED' }]);
    await vi.waitFor(() => expect(first.closeCode).toBe(1000));
    expect(server.handshakes).toHaveLength(1);
  });
});

describe('close', () => {
  it('rejects what is pending and what comes later, and closes the connection', async () => {
    await using server = await TestingServer.start();
    using client = connect(server);
    await client.channel('a').subscribe();
    server.script = () => {};
    const pending = [
      client.channel('a').send('post', 1),
      client.channel('a').send('post', 2),
      client.channel('b').subscribe(),
    ];
    const left = client.channel('a').unsubscribe();
    const states: unknown[] = [];
    client.onState((...args) => states.push(args));
    client.close();
    client.close();
    expect(states).toEqual([['closed', { code: 'ERR_CLOSED' }]]);
    for (const promise of pending) {
      await expect(promise).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    }
    await left;
    await expect(client.channel('a').send('post')).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    await expect(client.channel('a').subscribe()).rejects.toMatchObject({ code: 'ERR_CLOSED' });
    await expect(client.channel('a').unsubscribe()).resolves.toBeUndefined();
    expect(client.state).toBe('closed');
    await vi.waitFor(() => expect(server.connections[0]?.closeCode).toBe(1000));
  });

  it('ends an attempt before it begins, while it asks for a token, and during the handshake', async () => {
    await using server = await TestingServer.start();
    connect(server).close();

    let give: (token: string) => void = () => {};
    const asking = connect(server, { token: () => new Promise((resolve) => (give = resolve)) });
    await Promise.resolve();
    asking.close();
    give('late');

    let fail: (error: Error) => void = () => {};
    const failing = connect(server, { token: () => new Promise((_, reject) => (fail = reject)) });
    const refused = vi.fn<(refusal: Refusal) => void>();
    failing.onRefused(refused);
    await Promise.resolve();
    failing.close();
    fail(new Error('late'));

    const shaking = connect(server);
    await vi.waitFor(() => expect(server.handshakes).toHaveLength(1));
    shaking.close();

    using last = connect(server);
    await untilState(last, 'connected');
    expect(server.handshakes).toHaveLength(2);
    expect(refused).not.toHaveBeenCalled();
    expect([asking.state, failing.state, shaking.state]).toEqual(['closed', 'closed', 'closed']);
  });
});
