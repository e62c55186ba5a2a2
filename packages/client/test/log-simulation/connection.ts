import type { ServerEnd, SimulatedWebSocket } from '../simulation/web-socket.js';
import type { LogServer } from './server.js';

/** A frame of the client, read. */
export interface Frame {
  readonly action: string;
  readonly id: string;
  readonly channel?: string;
  readonly channels?: readonly (string | AskedChannel)[];
  readonly positions?: Readonly<Record<string, string>>;
  readonly after?: string;
  readonly before?: string;
  readonly limit?: number;
  readonly data?: { readonly n: number };
  readonly writtenMs: number;
}

/** A channel of a subscribe frame. */
export interface AskedChannel {
  readonly channel: string;
  readonly position?: string;
  readonly rewind?: number;
}

/** How a frame travels. */
interface Travel {
  /** Called when it arrives at a WebSocket that is open. */
  readonly onArrival?: () => void;
  /** How long it is under way besides, in any order with others. */
  readonly lateMs?: number | undefined;
}

/** The server's end of one connection, and the wire back. */
export class Connection implements ServerEnd {
  readonly number: number;
  readonly webSocket: SimulatedWebSocket;
  /** The channels that it is subscribed to: the truth. */
  readonly members = new Set<string>();
  /** Connections that were open, as far as the client knew, when this one was opened. */
  readonly others: readonly Connection[];
  isUnknown: boolean;
  /** Whether the server knows of no end of it. */
  isLive = true;
  isSilent = false;
  readonly #server: LogServer;
  #lastArrivalMs = 0;

  constructor(server: LogServer, webSocket: SimulatedWebSocket) {
    this.#server = server;
    this.webSocket = webSocket;
    this.number = server.connections.length + 1;
    this.others = server.connections.filter(({ webSocket: other }) => other.readyState === 1);
    this.isUnknown = server.world.draw('unknownConnection');
  }

  /** Whether it is open at both ends, in truth. */
  get isOpen(): boolean {
    return this.isLive && !this.isSilent && this.webSocket.readyState === 1;
  }

  receive(text: string): void {
    if (this.isSilent || !this.isLive) return;
    const writtenMs = this.#server.world.time.nowMs;
    const frame: Frame = { ...JSON.parse(text), writtenMs };
    if (frame.action === 'ping') this.push({ type: 'pong' });
    else this.#server.take(this, frame);
  }

  /** Puts a frame on the wire. Frames arrive in order, but for those that are late. */
  push(frame: object, { onArrival, lateMs }: Travel = {}): void {
    const { world } = this.#server;
    const { time, random } = world;
    let arrivesMs = time.nowMs + random.between(1, 60);
    if (lateMs !== undefined) arrivesMs += lateMs;
    else arrivesMs = this.#lastArrivalMs = Math.max(arrivesMs, this.#lastArrivalMs);
    const text = JSON.stringify(frame);
    time.after(arrivesMs - time.nowMs, () => {
      if (this.isSilent || this.webSocket.readyState !== 1) return;
      world.note('→ client', `#${this.number}`, text);
      onArrival?.();
      this.webSocket.arrived(text);
    });
  }

  /** The server ends it. */
  cut(code: number): void {
    if (!this.isLive) return;
    const { time } = this.#server.world;
    this.lose();
    if (this.isSilent) return;
    const arrivesMs = Math.max(time.nowMs + 1, this.#lastArrivalMs);
    time.after(arrivesMs - time.nowMs, () => this.webSocket.ended(code));
  }

  /** It has ended. */
  lose(): void {
    this.isLive = false;
    this.members.clear();
  }
}
