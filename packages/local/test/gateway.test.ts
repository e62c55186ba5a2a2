import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { openGateway } from '../src/dev/open-gateway.js';
import { openLocalApi } from './local-api.js';
import { Peer, refusalOf } from './peer.js';
import { clientFrame, handshakeText, RawPeer } from './raw-peer.js';
import { sendRequest } from './signed-request.js';

describe('the port of a gateway', () => {
  it('3.21 accepts TLS and plain text, for WebSockets and for requests', async () => {
    await using api = await openLocalApi({ routes: [{ routeKey: '$default', twoWay: true }] });
    const { port, certificate, url } = api.gateway;
    for (const host of ['localhost', '127.0.0.1']) {
      const secure = await Peer.connect(`wss://${host}:${port}/dev`, { ca: certificate });
      secure.send('one');
      expect(await secure.next()).toBe('');
    }
    expect((await Peer.connect(url)).webSocket.readyState).toBe(1);

    const agent = new Agent({ ca: certificate });
    const secureRequest = request({ host: 'localhost', port, path: '/dev', agent }).end();
    const [response] = (await once(secureRequest, 'response')) as [{ statusCode: number }];
    expect(response.statusCode).toBe(426);
    agent.destroy();
  });

  it('uses a certificate of its own authority', async () => {
    await using gateway = await openGateway();
    const authority = new X509Certificate(gateway.certificate);
    expect(authority.ca).toBe(true);
    const unknown = Peer.connect(gateway.url.replace('ws:', 'wss:'));
    await expect(unknown).rejects.toThrow(/self.signed certificate|unable to verify/);
  });

  it('recognises TLS by the first byte, even if that arrives alone', async () => {
    await using api = await openLocalApi();
    await using peer = await RawPeer.open(api.gateway.port);
    for (const character of handshakeText()) {
      await new Promise((resolve) => {
        peer.socket.write(character, resolve);
      });
    }
    expect(await peer.until(/^HTTP\/1\.1 \d+/)).toBe('HTTP/1.1 101');
  });

  it('is the requested one, or an error with its number', async () => {
    await using first = await openGateway();
    await expect(openGateway({ port: first.port })).rejects.toThrow(
      `The gateway could not listen on port "${first.port}" of "127.0.0.1".`,
    );
    await expect(openGateway({ host: 'nowhere.invalid' })).rejects.toThrow(
      /of "nowhere\.invalid"\. This machine has no such address \(\w+\)\./,
    );
    const { port } = first;
    await first.close();
    await using second = await openGateway({ port });
    expect(second.url).toBe(`ws://localhost:${port}/dev`);
    expect(second.endpoint).toBe(`http://localhost:${port}/dev`);
  });
});

describe('a gateway survives', () => {
  /** The status of a plain GET: 426 if the gateway works. */
  const statusOf = async (port: number) => (await sendRequest({ port, path: '/dev' })).status;

  it.each([
    ['nothing at all', ''],
    ['garbage', '\u0000\u0001\u0002\r\n\r\n'],
    ['half a request', 'GET /dev HTTP/1.1\r\nHost: x'],
    ['an invalid request', 'GET\r\n\r\n'],
    ['another protocol', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['headers without end', `GET /dev HTTP/1.1\r\n${'X-A: b\r\n'.repeat(5_000)}`],
    ['half of a TLS handshake', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])],
    ['garbage that begins as TLS does', Buffer.alloc(500, 0x16)],
    [
      'a body that breaks off',
      'POST /dev/@connections/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab',
    ],
    ['an id that cannot be decoded', 'GET /dev/@connections/%E0%A4%A HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a proxy request', 'CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('%s, with and without an end', async (_what, bytes) => {
    await using api = await openLocalApi();
    const { port } = api.gateway;
    for (const how of ['end', 'destroy', 'reset'] as const) {
      const peer = await RawPeer.open(port);
      await new Promise((resolve) => {
        peer.socket.write(bytes, resolve);
      });
      expect(await statusOf(port)).toBe(426);
      peer.leave(how);
      expect(await statusOf(port)).toBe(426);
      peer.socket.destroy();
    }
  });

  it('a client that ends during the TLS handshake, whose connection it closes at once', async () => {
    await using api = await openLocalApi();
    for (const length of [1, 6]) {
      await using peer = await RawPeer.open(api.gateway.port);
      peer.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).subarray(0, length));
      peer.leave('end');
      await peer.closed;
    }
    expect(await statusOf(api.gateway.port)).toBe(426);
  });

  it('clients that vanish at any step of a connection', async () => {
    await using api = await openLocalApi({
      routes: ['$connect', { routeKey: '$default', twoWay: true }],
    });
    const { port, certificate } = api.gateway;
    const bytes = Buffer.concat([
      Buffer.from(handshakeText()),
      clientFrame({ payload: 'x'.repeat(200) }),
      clientFrame({ payload: 'half', isLast: false }),
    ]);
    for (const authority of [undefined, certificate]) {
      for (let length = 1; length <= bytes.length; length += 13) {
        const peer = await RawPeer.open(port, authority);
        peer.write(bytes.subarray(0, length));
        peer.leave(length % 2 ? 'reset' : 'end');
      }
    }
    expect(await statusOf(port)).toBe(426);
  });

  it('a reset in the middle of an answer', async () => {
    const body = 'x'.repeat(120_000);
    await using api = await openLocalApi({
      routes: [{ routeKey: '$default', twoWay: true }],
      respond: () => ({ statusCode: 200, body }),
    });
    const peer = await RawPeer.connect(api.gateway.port);
    peer.socket.pause();
    for (let count = 0; count < 50; count++) peer.write(clientFrame({ payload: 'one' }));
    await vi.waitFor(() => expect(api.handler.events).toHaveLength(50));
    peer.leave('reset');
    expect(await statusOf(api.gateway.port)).toBe(426);
  });

  it('a refused client that keeps sending', async () => {
    await using api = await openLocalApi({ respond: () => ({ statusCode: 403 }) });
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText());
    peer.write(clientFrame({ payload: 'x'.repeat(100_000) }));
    expect(await peer.until(/^HTTP\/1\.1 \d+/)).toBe('HTTP/1.1 403');
    peer.write(clientFrame({ payload: 'more' }));
    expect(await statusOf(api.gateway.port)).toBe(426);
  });
});

describe('closing a gateway', () => {
  it('ends every connection with 1001, tells the function, and frees the port', async () => {
    const api = await openLocalApi();
    const { gateway } = api;
    const peers = [
      await Peer.connect(api.url),
      await Peer.connect(api.url.replace('ws:', 'wss:'), { ca: gateway.certificate }),
    ];
    await gateway.close();
    for (const { closed } of peers)
      expect(await closed).toEqual({ code: 1001, reason: 'Going away' });
    expect(api.handler.of('$disconnect')).toHaveLength(2);
    await expect(sendRequest({ port: gateway.port, path: '/dev' })).rejects.toThrow('ECONNREFUSED');
  });

  it('waits neither for functions nor for clients that do not answer', async () => {
    const api = await openLocalApi({
      respond: ({ requestContext }) =>
        requestContext.routeKey === '$connect' ? { statusCode: 200 } : new Promise(() => {}),
    });
    const { port } = api.gateway;
    const silent = await RawPeer.open(port);
    const paused = await RawPeer.connect(port);
    paused.socket.pause();
    const peer = await Peer.connect(api.url);
    peer.send('one');
    await vi.waitFor(() => expect(api.handler.of('$default')).toHaveLength(1));
    await api.gateway.close();
    await silent.closed;
    paused.socket.destroy();
    await expect(once(connectTcp(port, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
  });

  it('ends a pending handshake', async () => {
    let accept = () => {};
    const api = await openLocalApi({
      respond: () =>
        new Promise((resolve) => {
          accept = () => resolve({ statusCode: 200 });
        }),
    });
    await using peer = await RawPeer.open(api.gateway.port);
    peer.write(handshakeText());
    await vi.waitFor(() => expect(api.handler.events).toHaveLength(1));
    await api.gateway.close();
    await peer.closed;
    accept();
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
  });

  it('may be called twice', async () => {
    const gateway = await openGateway();
    await Promise.all([gateway.close(), gateway.close()]);
    await gateway[Symbol.asyncDispose]();
    await expect(sendRequest({ port: gateway.port, path: '/dev' })).rejects.toThrow('ECONNREFUSED');
  });
});

describe('the report of events', () => {
  it('has one entry for each event, with its time and duration', async () => {
    let now = 1_000;
    await using api = await openLocalApi({
      now: () => now,
      respond: () => {
        now += 5;
        return { statusCode: 200 };
      },
    });
    const peer = await Peer.connect(api.url);
    peer.send('one');
    await vi.waitFor(() => expect(api.log).toHaveLength(2));
    peer.webSocket.close();
    await vi.waitFor(() => expect(api.log).toHaveLength(3));
    const connectionId = api.handler.events[0]?.requestContext.connectionId;
    const rest = { connectionId, result: 'ok', detail: '200', durationMs: 5 };
    expect(api.log).toEqual([
      { time: 1_000, route: '$connect', ...rest },
      { time: 1_005, route: '$default', ...rest },
      { time: 1_010, route: '$disconnect', ...rest },
    ]);
  });
});

describe('an error that nobody expects', () => {
  it('I4 in onEvent is printed, and the messages are answered', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const onEvent = () => {
      throw new Error('not today');
    };
    await using api = await openLocalApi({
      onEvent,
      routes: ['$connect', '$disconnect', { routeKey: '$default', twoWay: true }],
    });
    await using peer = await Peer.connect(api.url);
    for (const message of ['one', 'two']) {
      peer.send(message);
      expect(await peer.next()).toBe('');
    }
    await api.gateway.close();
    expect(stderr.mock.calls.join('')).toContain('onEvent threw an error: Error: not today');
    stderr.mockRestore();
  });

  it.each(['$connect', 'authorizer'])('I4 of %s refuses the handshake', async (where) => {
    await using api = await openLocalApi();
    const broken = { invoke: async () => undefined as never };
    const routes = [{ routeKey: '$connect', function: where === '$connect' ? broken : undefined }];
    const authorizer = where === 'authorizer' ? { function: broken } : undefined;
    api.gateway.use({ handler: api.handler, routes, authorizer });
    const { status } = await refusalOf(api.url);
    expect(status).toBe(where === '$connect' ? 502 : 500);
    expect(api.log).toMatchObject([
      { result: 'failed', detail: expect.stringContaining('failed') },
    ]);
  });

  it('I4 of $disconnect keeps nothing waiting', async () => {
    await using api = await openLocalApi();
    const broken = { invoke: async () => undefined as never };
    api.gateway.use({ handler: broken, routes: [{ routeKey: '$disconnect' }] });
    await using peer = await Peer.connect(api.url);
    await api.gateway.closeAllConnections();
    expect(await peer.closed).toMatchObject({ code: 1001 });
    expect(api.log).toMatchObject([{ route: '$disconnect', result: 'failed' }]);
  });
});

describe('the address of a gateway', () => {
  const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );

  it.runIf(hasIpv6).each([[{}], [{ host: 'localhost' }]])(
    'I17 is each address of localhost: %j',
    async (options) => {
      await using api = await openLocalApi(options);
      for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
        await using peer = await Peer.connect(`ws://${host}:${api.gateway.port}/dev`);
        expect(peer.webSocket.readyState).toBe(1);
      }
      const identity = { sourceIp: '127.0.0.1' };
      expect(api.handler.of('$connect')).toMatchObject(
        Array.from({ length: 3 }, () => ({ requestContext: { identity } })),
      );
    },
  );

  it.runIf(hasIpv6)('I17 is not shared with another program on ::1', async () => {
    const other = createServer().listen(0, '::1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(openGateway({ port })).rejects.toThrow(`port "${port}" of "::1"`);
    other.close();
    await using gateway = await openGateway({ port });
    expect(gateway.port).toBe(port);
  });

  it.runIf(hasIpv6)('I17 is in the URL', async () => {
    await using gateway = await openGateway({ host: '::1' });
    expect(gateway.url).toBe(`ws://[::1]:${gateway.port}/dev`);
    expect(gateway.endpoint).toBe(`http://[::1]:${gateway.port}/dev`);
    await using all = await openGateway({ host: '0.0.0.0' });
    expect(all.url).toBe(`ws://localhost:${all.port}/dev`);
  });

  it('I17 0.9 is in events as the client wrote it', async () => {
    await using api = await openLocalApi();
    const { port } = api.gateway;
    const hosts = [`127.0.0.1:${port}`, 'chat.example.com'];
    for (const host of hosts) {
      await using peer = await Peer.connect(api.url, { headers: { host } });
      peer.send('a message');
      await vi.waitFor(() => expect(api.handler.events.length % 3).toBe(2));
      await peer[Symbol.asyncDispose]();
      await vi.waitFor(() => expect(api.handler.events.length % 3).toBe(0));
    }
    const names = api.handler.events.map(({ requestContext }) => requestContext['domainName']);
    expect(names).toEqual(hosts.flatMap((host) => [host, host, host]));
  });
});

describe('a gateway that is closed', () => {
  it('J6 lets nobody in, and waits for $disconnect', async () => {
    const ended: string[] = [];
    await using api = await openLocalApi({
      async respond({ requestContext: { routeKey } }) {
        // Longer than clients need to come back.
        if (routeKey === '$disconnect') await setTimeout(2_500);
        ended.push(routeKey);
        return { statusCode: 200 };
      },
    });
    await using peer = await Peer.connect(api.url);
    const closed = api.gateway.close();
    await peer.closed;
    expect((await refusalOf(api.url)).status).toBe(503);
    await closed;
    expect(ended).toEqual(['$connect', '$disconnect']);
    expect(api.log.map(({ result }) => result)).toEqual(['ok', 'ok']);
  });

  it('J6 closes a connection whose handshake was not yet over', async () => {
    let accept = () => {};
    await using api = await openLocalApi({
      respond: ({ requestContext: { routeKey } }) =>
        new Promise((resolve) => {
          if (routeKey === '$connect') accept = () => resolve({ statusCode: 200 });
          else resolve({ statusCode: 200 });
        }),
    });
    const connecting = Peer.connect(api.url);
    await vi.waitFor(() => expect(api.handler.events).toHaveLength(1));
    const closed = api.gateway.close();
    accept();
    await using peer = await connecting;
    expect(await peer.closed).toMatchObject({ code: 1001 });
    await closed;
    expect(api.log).toMatchObject([{ route: '$connect' }, { route: '$disconnect', result: 'ok' }]);
  });
});
