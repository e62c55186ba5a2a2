import { once } from 'node:events';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import type { Certificate } from './certificate.js';

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface PortOptions {
  /** @default `localhost`: both loopback addresses, because that may be either of them */
  readonly host?: string | undefined;
  readonly port: number;
  readonly certificate: Certificate;
  /** Whether a name in a TLS handshake gets a certificate of its own. */
  readonly isOwnName: (name: string) => boolean;
}

/** One TCP port for both HTTP and HTTPS. */
export interface Port {
  readonly number: number;
  serve(listeners: { readonly request: RequestListener; readonly upgrade: UpgradeListener }): void;
  /** Frees the port and destroys every connection to it. */
  close(): Promise<void>;
}

// The first byte of a TLS handshake. No HTTP request begins with it.
const TLS_HANDSHAKE = 0x16;

/**
 * The largest head of a request, in bytes. Large enough for the gateway itself to refuse handshakes that
 * exceed a quota (rows 7.14, 7.21).
 */
const MAX_HEAD_BYTES = 65_536;

/** How long a client may be connected and send nothing, as Node's servers allow for a request's head. */
const SILENT_MS = 60_000;

/** @throws Error if the port is not available. */
export async function openPort(options: PortOptions): Promise<Port> {
  const { host, port, certificate, isOwnName } = options;
  const plain = createHttpServer({ maxHeaderSize: MAX_HEAD_BYTES });
  const secure = createHttpsServer({
    maxHeaderSize: MAX_HEAD_BYTES,
    key: certificate.key,
    cert: certificate.certificate,
    // As on AWS (row 3.21), regardless of NODE_OPTIONS.
    minVersion: 'TLSv1.2',
    SNICallback(name, done) {
      if (!isOwnName(name)) return done(null);
      certificate
        .of(name)
        .then(({ key, certificate: cert }) => done(null, createSecureContext({ key, cert })), done);
    },
  });
  secure.on('secureConnection', (socket) => {
    socket.allowHalfOpen = true;
  });
  const sockets = new Set<Socket>();
  const onSocket = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A peer may vanish at any time. 'close' follows, and is the event that the other code uses.
    socket.on('error', () => {});
    const giveUp = () => socket.destroy();
    socket.setTimeout(SILENT_MS, giveUp);
    socket.once('readable', () => {
      socket.setTimeout(0).off('timeout', giveUp);
      const start: Buffer | null = socket.read();
      if (!start) {
        socket.destroy();
        return;
      }
      socket.unshift(start);
      const isSecure = start[0] === TLS_HANDSHAKE;
      // Not half-open during the TLS handshake: a client that ends then gets no answer, and the socket
      // would stay for two minutes.
      if (isSecure) socket.allowHalfOpen = false;
      (isSecure ? secure : plain).emit('connection', socket);
    });
  };
  const servers = await listen({ host, port }, onSocket);
  return {
    number: portOf(servers),
    serve({ request, upgrade }) {
      const protocols = [
        [plain, 'connection'],
        [secure, 'secureConnection'],
      ] as const;
      for (const [each, event] of protocols) {
        each.on('request', request).on('upgrade', (message, socket, head) => {
          if (message.headers.upgrade?.toLowerCase() === 'websocket') {
            upgrade(message, socket, head);
            return;
          }
          // Node passes on every upgrade, but a server ignores those that it does not know (RFC 9110,
          // 7.8). So the request is read again, without the offer.
          socket.unshift(Buffer.concat([withoutUpgrade(message), head]));
          each.emit(event, socket);
        });
      }
    },
    async close() {
      const closed = servers.map((server) => once(server.close(), 'close'));
      for (const socket of sockets) socket.destroy();
      await Promise.all(closed);
    },
  };
}

const LOOPBACK = ['127.0.0.1', '::1'] as const;

/** Listens on the host, or for `localhost` on both loopback addresses with the same port. */
async function listen(
  { host, port }: Pick<PortOptions, 'host' | 'port'>,
  onSocket: (socket: Socket) => void,
): Promise<readonly Server[]> {
  const [first, second] = host === undefined || host === 'localhost' ? LOOPBACK : [host];
  const server = await listenOn(first, port, onSocket);
  if (second === undefined) return [server];
  try {
    return [server, await listenOn(second, portOf([server]), onSocket)];
  } catch (error) {
    const { code } = (error as Error).cause as NodeJS.ErrnoException;
    // The machine has no IPv6.
    if (code !== 'EADDRINUSE') return [server];
    await once(server.close(), 'close');
    if (port !== 0) throw error;
    return listen({ host, port }, onSocket);
  }
}

async function listenOn(
  host: string,
  port: number,
  onSocket: (socket: Socket) => void,
): Promise<Server> {
  // Half-open like Node's HTTP server, so that a client may end its side and still read the answer.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onSocket);
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw new Error(
      `The gateway could not listen on port "${port}" of "${host}". ${adviceFor(code)}`,
      { cause },
    );
  }
  return server;
}

function adviceFor(code: string): string {
  if (code === 'EADDRINUSE') return 'Choose another port, or 0 for any free one.';
  if (code === 'EACCES') return 'This user may not use that port. Choose another one, or 0.';
  return `This machine has no such address (${code}). Choose "localhost", "0.0.0.0" or one that it has.`;
}

function portOf([server]: readonly Server[]): number {
  const address = server?.address() as AddressInfo;
  return address.port;
}

/** The head of a request as it was sent, but for the header `Upgrade`. */
function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  const lines = names.flatMap((name, index) =>
    name.toLowerCase() === 'upgrade' ? [] : [`${name}: ${rawHeaders[2 * index + 1]}`],
  );
  const head = [`${method} ${url} HTTP/${httpVersion}`, ...lines];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1');
}
