import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ServerFrame } from '@gatecast/protocol';
import { vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { type Client, type ClientOptions, createClient } from '../src/index.js';

/** A busy machine may take long. */
const POLL = { interval: 5, timeout: 20_000 };

/** A frame as the server got it. */
export interface ReceivedFrame {
  readonly action: string;
  readonly id: string;
  readonly channel?: string;
  readonly channels?: readonly (string | { readonly channel: string })[];
  readonly data?: unknown;
  readonly attempt?: number;
}

/** The server's end of one connection. */
export class ServerConnection {
  readonly received: ReceivedFrame[] = [];
  readonly webSocket: WebSocket;
  closeCode: number | undefined;

  constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    webSocket.on('close', (code) => {
      this.closeCode = code;
    });
  }

  /** Sends a frame, or any text. */
  send(frame: ServerFrame | string): void {
    this.webSocket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  reply(id: string, data?: unknown): void {
    this.send({ type: 'reply', id, data });
  }

  refuse(id: string, code: string): void {
    this.send({ type: 'error', id, error: { code, message: `Refused: ${code}.` } });
  }

  /** The frames of an action, once there are so many of them. */
  async frames(action: string, count = 1): Promise<[ReceivedFrame, ...ReceivedFrame[]]> {
    return vi.waitFor(() => {
      const found = this.received.filter((frame) => frame.action === action);
      if (found.length < count) throw new Error(`${found.length} frames of "${action}" came.`);
      return found as [ReceivedFrame, ...ReceivedFrame[]];
    }, POLL);
  }
}

type Script = (frame: ReceivedFrame, connection: ServerConnection) => void;

/** A WebSocket server that answers as scripted. */
export class TestingServer implements AsyncDisposable {
  readonly connections: ServerConnection[] = [];
  /** The sub-protocols of each handshake, refused ones included. */
  readonly handshakes: string[][] = [];
  /** The path and query of each handshake. */
  readonly paths: string[] = [];
  /** Status to refuse handshakes with. */
  refuseWith: number | undefined;
  /** Answers a frame. Subscriptions are accepted, unless it is replaced. */
  script: Script = acceptSubscriptions;
  readonly #http: Server = createServer();
  /** Whether it accepts a sub-protocol that is offered. */
  acceptsSubprotocols = true;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    handleProtocols: ([first]) => this.acceptsSubprotocols && (first ?? false),
  });

  static async start(): Promise<TestingServer> {
    const server = new TestingServer();
    server.#http.on('upgrade', (request, stream, head) => {
      server.paths.push(request.url ?? '');
      // A client that gives up in the middle of a handshake resets it.
      stream.on('error', () => {});
      server.handshakes.push(String(request.headers['sec-websocket-protocol']).split(/, ?/));
      if (server.refuseWith !== undefined) {
        stream.end(`HTTP/1.1 ${server.refuseWith} No\r\nConnection: close\r\n\r\n`);
        return;
      }
      server.#webSockets.handleUpgrade(request, stream, head, (webSocket) => {
        const connection = new ServerConnection(webSocket);
        webSocket.on('message', (data) => {
          const frame = JSON.parse((data as Buffer).toString()) as ReceivedFrame;
          connection.received.push(frame);
          server.script(frame, connection);
        });
        server.connections.push(connection);
      });
    });
    server.#http.listen(0, '127.0.0.1');
    await once(server.#http, 'listening');
    return server;
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}/dev`;
  }

  /** The connection with that number, from 0, once there is one. */
  async connection(index: number): Promise<ServerConnection> {
    return vi.waitFor(() => {
      const connection = this.connections[index];
      if (!connection) throw new Error(`There are ${this.connections.length} connections.`);
      return connection;
    }, POLL);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const webSocket of this.#webSockets.clients) webSocket.terminate();
    this.#http.close();
    this.#http.closeAllConnections();
    await once(this.#http, 'close');
  }
}

/** Accepts every subscription; knows no messages. */
export function acceptSubscriptions(frame: ReceivedFrame, connection: ServerConnection): void {
  if (frame.action !== 'subscribe' && frame.action !== 'unsubscribe') return;
  const channels = channelsOf(frame).map((channel) =>
    frame.action === 'subscribe' ? { channel, result: 'live' } : { channel },
  );
  connection.reply(frame.id, { channels });
}

/** The names of the channels in a `subscribe` or `unsubscribe` frame. */
export function channelsOf({ channels = [] }: ReceivedFrame): string[] {
  return channels.map((entry) => (typeof entry === 'string' ? entry : entry.channel));
}

/** A client of the server, closed at the end of the scope. */
export function connect(
  server: TestingServer,
  options: Partial<ClientOptions> = {},
): Client & Disposable {
  const client = createClient({ url: server.url, WebSocket, ...options });
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

/** Waits for a state, however short. */
export async function untilState(client: Client, state: Client['state']): Promise<void> {
  if (client.state === state) return;
  await new Promise<void>((resolve) => {
    const off = client.onState((entered) => {
      if (entered !== state) return;
      off();
      resolve();
    });
  });
}
