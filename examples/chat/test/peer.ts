import { vi } from 'vitest';
import { WebSocket } from 'ws';

export interface Frame {
  /** `empty` for a frame without any text. */
  readonly type: string;
  readonly id?: string;
}

/** A raw WebSocket that a test writes frames to. */
export interface Peer extends AsyncDisposable {
  write(frame: string): void;
  /** Receives the next frame with this type. */
  next(type: string): Promise<Frame>;
  /** The frames that were received and not asked for. */
  readonly unread: readonly Frame[];
}

/** Opens a connection. @throws Error if the handshake is refused: `Unexpected server response: 401` */
export async function openPeer(
  url: string,
  subprotocols: string[] = ['gatecast.v1'],
): Promise<Peer> {
  const connection = new WebSocket(url, subprotocols);
  const unread: Frame[] = [];
  connection.on('message', (data: Buffer) => {
    const text = data.toString('utf8');
    unread.push(text === '' ? { type: 'empty' } : JSON.parse(text));
  });
  await new Promise((resolve, reject) => {
    connection.once('open', resolve);
    connection.once('error', reject);
  });
  return {
    write: (frame) => connection.send(frame),
    next: (type) =>
      vi.waitFor(
        () => {
          const index = unread.findIndex((frame) => frame.type === type);
          const [found] = index < 0 ? [] : unread.splice(index, 1);
          if (!found) throw new Error(`No frame of type "${type}" in ${JSON.stringify(unread)}.`);
          return found;
        },
        { timeout: 15_000 },
      ),
    unread,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => connection.once('close', resolve));
      connection.close();
      await closed;
    },
  };
}
