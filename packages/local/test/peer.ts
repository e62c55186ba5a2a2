import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientOptions, WebSocket } from 'ws';

export interface PeerOptions extends ClientOptions {
  readonly protocols?: string[];
}

/** A connected WebSocket client. */
export class Peer implements AsyncDisposable {
  readonly webSocket: WebSocket;
  /** The response to the handshake. */
  response: IncomingMessage | undefined;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #received: string[] = [];
  readonly #waiting: ((text: string) => void)[] = [];

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    webSocket.once('upgrade', (response) => {
      this.response = response;
    });
    webSocket.on('message', (data: Buffer) => {
      const proceed = this.#waiting.shift();
      if (proceed) proceed(data.toString());
      else this.#received.push(data.toString());
    });
    this.closed = new Promise((resolve) => {
      webSocket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  static async connect(url: string, options: PeerOptions = {}): Promise<Peer> {
    const webSocket = new WebSocket(url, options.protocols ?? [], options);
    const peer = new Peer(webSocket);
    await once(webSocket, 'open');
    webSocket.on('error', () => {});
    return peer;
  }

  send(message: string | object): void {
    this.webSocket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The next text that has not been received yet. */
  next(): Promise<string> {
    const text = this.#received.shift();
    return text === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.webSocket.terminate();
    await this.closed;
  }
}

export interface Refusal {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** The answer to a handshake that is expected to be refused. */
export async function refusalOf(url: string, options: PeerOptions = {}): Promise<Refusal> {
  const webSocket = new WebSocket(url, options.protocols ?? [], options);
  webSocket.on('error', () => {});
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    webSocket.once('unexpected-response', (_request, found: IncomingMessage) => resolve(found));
    webSocket.once('open', () => reject(new Error('The handshake was accepted.')));
  });
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}
