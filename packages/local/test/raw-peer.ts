import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { vi } from 'vitest';

/** A frame of the WebSocket protocol. */
export interface Frame {
  readonly isLast: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A client that writes plain bytes, for input that no library would send. */
export class RawPeer implements AsyncDisposable {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', resolve);
    });
  }

  static async open(port: number, authority?: string): Promise<RawPeer> {
    const at = { port, host: '127.0.0.1', noDelay: true };
    const socket = authority === undefined ? connectTcp(at) : connectTls({ ...at, ca: authority });
    const peer = new RawPeer(socket);
    await once(socket, authority === undefined ? 'connect' : 'secureConnect');
    return peer;
  }

  /** A peer whose handshake has been accepted. */
  static async connect(port: number, authority?: string): Promise<RawPeer> {
    const peer = await RawPeer.open(port, authority);
    peer.write(handshakeText());
    await peer.until(/^HTTP\/1\.1 101 [^]*\r\n\r\n/);
    return peer;
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Waits for the text at the beginning of the received bytes, and removes it. */
  async until(pattern: RegExp): Promise<string> {
    const text = await vi.waitFor(() => {
      const match = pattern.exec(this.received.toString('latin1'));
      if (!match) throw new Error(`Received ${JSON.stringify(this.received.toString('latin1'))}.`);
      return match[0];
    });
    this.received = this.received.subarray(text.length);
    return text;
  }

  /** Receives the next frame. */
  async nextFrame(): Promise<Frame> {
    const { frame, length } = await vi.waitFor(() => parseFrame(this.received));
    this.received = this.received.subarray(length);
    return frame;
  }

  /** Over TLS a reset becomes a FIN, because Node cannot reset TLS connections. */
  leave(how: 'end' | 'destroy' | 'reset'): void {
    if (how === 'end') this.socket.end();
    else if (how === 'reset' && !('encrypted' in this.socket)) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}

/** The request of a handshake. A header that is `undefined` is left out. */
export function handshakeText(
  headers: Readonly<Record<string, string | undefined>> = {},
  requestLine = 'GET /dev HTTP/1.1',
): string {
  const all = {
    Host: 'localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return `${[requestLine, ...lines].join('\r\n')}\r\n\r\n`;
}

export interface ClientFrame {
  /** @default 1, text */
  readonly opcode?: number;
  /** @default true */
  readonly isLast?: boolean;
  readonly payload?: string | Buffer;
}

/** A masked frame, as a client sends it. */
export function clientFrame({ opcode = 1, isLast = true, payload = '' }: ClientFrame): Buffer {
  const bytes = Buffer.from(payload);
  const mask = Buffer.from([1, 2, 3, 4]);
  const masked = Buffer.from(bytes.map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
  return Buffer.concat([frameHeader({ opcode, isLast, length: bytes.length }), mask, masked]);
}

/** The header of a frame up to its mask, with any claimed length. */
export function frameHeader(frame: {
  readonly opcode: number;
  readonly isLast: boolean;
  readonly length: number;
}): Buffer {
  const first = (frame.isLast ? 0x80 : 0) | frame.opcode;
  if (frame.length < 126) return Buffer.from([first, 0x80 | frame.length]);
  if (frame.length < 65_536) {
    return Buffer.from([first, 0x80 | 126, frame.length >> 8, frame.length & 0xff]);
  }
  const header = Buffer.alloc(10);
  header[0] = first;
  header[1] = 0x80 | 127;
  header.writeBigUInt64BE(BigInt(frame.length), 2);
  return header;
}

/** The first frame and its length in bytes. Throws if the frame is incomplete. */
export function parseFrame(bytes: Buffer): { readonly frame: Frame; readonly length: number } {
  const [first = 0, second = 0] = bytes;
  const short = second & 0x7f;
  if (short === 127) throw new Error('The frame is larger than 64 KB.');
  const start = short === 126 ? 4 : 2;
  if (bytes.length < start) throw new Error('The header of a frame is missing.');
  const length = start + (short === 126 ? bytes.readUInt16BE(2) : short);
  if (bytes.length < length) throw new Error('The payload of a frame is missing.');
  const payload = bytes.subarray(start, length);
  return { frame: { isLast: (first & 0x80) !== 0, opcode: first & 0x0f, payload }, length };
}
