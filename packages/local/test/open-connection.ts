import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A connection as a browser would hold it, without any protocol of ours. */
export interface Connection extends AsyncDisposable {
  send(text: string): void;
  /** The next frame that has not been taken yet. */
  receive(): Promise<string>;
  /** Code of the close frame. */
  readonly closed: Promise<number>;
}

/** Connects; rejects with the status when the gateway refuses. */
export async function openConnection(url: string): Promise<Connection> {
  const webSocket = new WebSocket(url);
  const frames: string[] = [];
  const waiting: ((frame: string) => void)[] = [];
  webSocket.on('message', (data: Buffer) => {
    const proceed = waiting.shift();
    if (proceed === undefined) {
      frames.push(data.toString());
      return;
    }
    proceed(data.toString());
  });
  const closed = new Promise<number>((resolve) => {
    webSocket.once('close', resolve);
  });
  await once(webSocket, 'open');
  return {
    send: (text) => webSocket.send(text),
    receive: () => {
      const frame = frames.shift();
      return frame === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(frame);
    },
    closed,
    async [Symbol.asyncDispose]() {
      webSocket.terminate();
      await closed;
    },
  };
}
