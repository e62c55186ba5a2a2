import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A plain WebSocket like in a browser, without Gatecast's protocol. */
export interface Connection extends AsyncDisposable {
  send(text: string): void;
  /** The next frame that has not been received yet. */
  receive(): Promise<string>;
  /** Code of the close frame. */
  readonly closed: Promise<number>;
}

/** Connects. Rejects with the status if the gateway refuses. */
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
