import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import {
  type AddressInfo,
  connect as connectTcp,
  createServer,
  Server,
  type Socket,
} from 'node:net';
import { networkInterfaces } from 'node:os';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { localCertificate } from '../src/gateway/http/certificate.js';
import { openPort, type Port, type PortOptions } from '../src/gateway/http/port.js';
import { handshakeText, RawPeer } from './raw-peer.js';
import { sendRequest } from './signed-request.js';

const OWN_NAME = 'own.example';
/** An address that no machine has (RFC 3849). */
const NO_ADDRESS = '2001:db8::1';
const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);
/** Long enough for a busy machine. */
const PATIENCE = { timeout: 10_000 };
const protocols = ['plain', 'secure'] as const;

/** The server's sides of all TCP connections to this process. */
let accepted: Socket[] = [];
let uncaught: unknown[] = [];
const onAccepted = (message: unknown) => {
  accepted.push((message as { socket: Socket }).socket);
};
const onUncaught = (error: unknown) => {
  uncaught.push(error);
};

beforeEach(() => {
  accepted = [];
  uncaught = [];
  subscribe('net.server.socket', onAccepted);
  process.on('uncaughtException', onUncaught);
});

afterEach(() => {
  unsubscribe('net.server.socket', onAccepted);
  process.off('uncaughtException', onUncaught);
  vi.restoreAllMocks();
});

interface Served extends AsyncDisposable {
  readonly port: Port;
  readonly authority: string;
  /** The requests and upgrades, in order. */
  readonly seen: readonly (readonly ['request' | 'upgrade', IncomingMessage])[];
  /** Opens a peer. @default plain */
  peer(protocol?: (typeof protocols)[number]): Promise<RawPeer>;
}

/** A port that answers a request with its body and, once the client has ended, an upgrade with `late`. */
async function serve(options: Partial<PortOptions> = {}): Promise<Served> {
  const certificate = await localCertificate();
  const isOwnName = (name: string) => name === OWN_NAME;
  const port = await openPort({ port: 0, certificate, isOwnName, ...options });
  const seen: ['request' | 'upgrade', IncomingMessage][] = [];
  port.serve({
    request(request, response) {
      seen.push(['request', request]);
      response.setHeader('Content-Length', Number(request.headers['content-length'] ?? 0));
      request.pipe(response);
    },
    upgrade(request, socket, head) {
      seen.push(['upgrade', request]);
      socket.write(`begins with ${head.toString()};`);
      // Later than Node would end a socket that is not half-open.
      socket.on('end', () => setImmediate(() => socket.end('late;'))).resume();
    },
  });
  return {
    port,
    authority: certificate.authority,
    seen,
    peer: (protocol = 'plain') =>
      RawPeer.open(port.number, protocol === 'secure' ? certificate.authority : undefined),
    [Symbol.asyncDispose]: () => port.close(),
  };
}

/** The server's side of the newest connection. */
async function newest(count = 1): Promise<Socket> {
  return vi.waitFor(() => {
    expect(accepted).toHaveLength(count);
    return accepted[count - 1] as Socket;
  }, PATIENCE);
}

/** Occupies a port at an address. */
async function occupy(host: string, port = 0): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      await once(server.close(), 'close');
    },
  };
}

/** Whether a client can connect. */
async function isOpen(port: number, host: string): Promise<boolean> {
  const socket = connectTcp(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Lets the server listen at another place instead. Returns all servers that listen. */
function redirect(place: (host: string, attempt: number) => readonly [number, string] | undefined) {
  const servers: Server[] = [];
  // oxlint-disable-next-line typescript/unbound-method -- It is called with a server.
  const { listen } = Server.prototype;
  vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...given) {
    const [port, host] = given as unknown as [number, string];
    servers.push(this);
    const [otherPort, otherHost] = place(host, servers.length) ?? [port, host];
    return Reflect.apply(listen, this, [otherPort, otherHost]);
  });
  return servers;
}

describe('the address of a port', () => {
  it.runIf(hasIpv6)('is both loopback addresses, because localhost may be either', async () => {
    await using served = await serve();
    const { number } = served.port;
    expect(number).toBeGreaterThan(0);
    expect([await isOpen(number, '127.0.0.1'), await isOpen(number, '::1')]).toEqual([true, true]);
  });

  it.runIf(hasIpv6)('is only the host that is given', async () => {
    for (const [host, other] of [
      ['127.0.0.1', '::1'],
      ['::1', '127.0.0.1'],
    ] as const) {
      await using served = await serve({ host });
      const { number } = served.port;
      expect([await isOpen(number, host), await isOpen(number, other)]).toEqual([true, false]);
    }
  });

  it('is 127.0.0.1 if the machine has no IPv6', async () => {
    redirect((host) => (host === '::1' ? [0, NO_ADDRESS] : undefined));
    await using served = await serve();
    expect(await isOpen(served.port.number, '127.0.0.1')).toBe(true);
  });

  it.each(['127.0.0.1', ...(hasIpv6 ? ['::1'] : [])])(
    'is refused, and nothing stays open, if the port is taken at %s',
    async (host) => {
      await using taken = await occupy(host);
      const { port } = taken;
      const servers = redirect(() => undefined);
      await expect(serve({ port })).rejects.toMatchObject({
        message: `The gateway could not listen on port "${port}" of "${host}". Choose another port, or 0 for any free one.`,
        cause: { code: 'EADDRINUSE' },
      });
      expect(servers.map(({ listening }) => listening)).not.toContain(true);
    },
  );

  it.runIf(hasIpv6)('has another number if the free one is taken at ::1', async () => {
    await using taken = await occupy('::1');
    const servers = redirect((host, attempt) =>
      host === '::1' && attempt === 2 ? [taken.port, host] : undefined,
    );
    await using served = await serve();
    expect(servers.map(({ listening }) => listening)).toEqual([false, false, true, true]);
    expect(await isOpen(served.port.number, '::1')).toBe(true);
  });

  it('is refused with an advice if the machine does not have it', async () => {
    await expect(serve({ host: NO_ADDRESS })).rejects.toMatchObject({
      message: expect.stringMatching(
        /^The gateway could not listen on port "0" of "2001:db8::1"\. This machine has no such address \(E\w+\)\. Choose "localhost", "0\.0\.0\.0" or one that it has\.$/,
      ),
    });
  });

  it('is refused with an advice if the user may not use it', async () => {
    vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server) {
      const error = Object.assign(new Error('listen EACCES'), { code: 'EACCES' });
      queueMicrotask(() => this.emit('error', error));
      return this;
    });
    await expect(serve({ host: '127.0.0.1', port: 80 })).rejects.toMatchObject({
      message:
        'The gateway could not listen on port "80" of "127.0.0.1". This user may not use that port. Choose another one, or 0.',
      cause: { code: 'EACCES' },
    });
  });
});

describe('a TLS client', () => {
  it.each([
    [OWN_NAME, 'API Gateway'],
    ['localhost', 'localhost'],
  ])('that asks for %s gets the certificate of %s', async (servername, commonName) => {
    await using served = await serve();
    const at = { port: served.port.number, host: '127.0.0.1', ca: served.authority };
    const socket = connectTls({ ...at, servername });
    await once(socket, 'secureConnect');
    expect(socket.getPeerCertificate().subject.CN).toBe(commonName);
    socket.destroy();
  });

  it('that ends during the handshake is disconnected at once', async () => {
    await using served = await serve();
    await using peer = await served.peer();
    peer.write(Buffer.from([0x16, 0x03, 0x01]));
    peer.leave('end');
    await peer.closed;
    expect(peer.received).toHaveLength(0);
  });
});

describe.each(protocols)('a %s client', (protocol) => {
  it('may ask again on the same connection', async () => {
    await using served = await serve();
    await using peer = await served.peer(protocol);
    const post = 'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n';
    for (const body of ['one', 'two']) {
      peer.write(`${post}${body}`);
      await peer.until(new RegExp(`^HTTP/1.1 200 [^]*\r\n\r\n${body}`));
    }
    expect(served.seen.map(([event]) => event)).toEqual(['request', 'request']);
  });

  it('may have a head of 60 KB', async () => {
    await using served = await serve();
    await using peer = await served.peer(protocol);
    peer.write(`GET /a HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(60_000)}\r\n\r\n`);
    expect(await peer.until(/^HTTP\/1\.1 \d+/)).toBe('HTTP/1.1 200');
  });

  it('may end its side after a handshake and still read the answer', async () => {
    await using served = await serve();
    await using peer = await served.peer(protocol);
    peer.write(`${handshakeText({ Upgrade: 'WebSocket' })}head`);
    peer.leave('end');
    await peer.closed;
    expect(peer.received.toString()).toBe('begins with head;late;');
    expect(served.seen.map(([event]) => event)).toEqual(['upgrade']);
  });

  it('gets an answer as if it had not offered another protocol', async () => {
    await using served = await serve();
    await using peer = await served.peer(protocol);
    const lines = [
      'Host: x',
      'X-One: \u00e9',
      'Connection: upgrade',
      'x-two: 2',
      'Content-Length: 4',
    ];
    const head = ['PUT /a?b=c HTTP/1.1', 'UPGRADE: h2c', ...lines].join('\r\n');
    peer.write(Buffer.from(`${head}\r\n\r\nbody`, 'latin1'));
    await peer.until(/^HTTP\/1.1 200 [^]*\r\n\r\nbody/);
    const [[event, request] = [], ...more] = served.seen;
    expect([event, more]).toEqual(['request', []]);
    expect(request).toMatchObject({ method: 'PUT', url: '/a?b=c', httpVersion: '1.1' });
    expect(request?.rawHeaders).toEqual(lines.flatMap((line) => line.split(': ')));
  });

  it('has one minute for its first byte, and then any time', async () => {
    await using served = await serve();
    await using silent = await served.peer();
    const first = await newest();
    expect(first.timeout).toBe(60_000);
    first.setTimeout(1);
    await silent.closed;

    await using peer = await served.peer(protocol);
    const second = await newest(2);
    peer.write(handshakeText());
    await peer.until(/^begins with ;/);
    expect(second.timeout ?? 0).toBe(0);
  });

  it('is disconnected when the port closes, which waits for that', async () => {
    const served = await serve();
    await using peer = await served.peer(protocol);
    const socket = await newest();
    peer.write(handshakeText());
    await peer.until(/^begins with ;/);
    await served.port.close();
    expect(socket.closed).toBe(true);
    await peer.closed;
    expect(await isOpen(served.port.number, '127.0.0.1')).toBe(false);
  });
});

describe('a client that sends nothing', () => {
  it('is disconnected if it ends', async () => {
    await using served = await serve();
    await using peer = await served.peer();
    peer.leave('end');
    await peer.closed;
    expect(uncaught).toEqual([]);
  });

  it('does no harm if it vanishes', async () => {
    await using served = await serve();
    await using peer = await served.peer();
    const socket = await newest();
    peer.leave('reset');
    await vi.waitFor(() => expect(socket.closed).toBe(true), PATIENCE);
    expect(uncaught).toEqual([]);
    expect((await sendRequest({ port: served.port.number, path: '/' })).status).toBe(200);
  });
});
