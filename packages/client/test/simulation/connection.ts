import type { Server } from './server.js';
import type { SimulatedWebSocket } from './web-socket.js';

/** A frame of the client, read. */
export interface Frame {
  readonly action: string;
  readonly id: string;
  readonly channel?: string;
  readonly channels?: readonly (string | { readonly channel: string })[];
  readonly data?: { readonly n: number };
  readonly attempt?: number;
}

/** A frame that the server has to handle. */
export interface Request {
  readonly connection: Connection;
  readonly frame: Frame;
  readonly channels: readonly string[];
  readonly writtenMs: number;
  /** The order of writing. */
  readonly sequence: number;
}

/** The server's end of one connection, and the wires between. */
export class Connection {
  readonly number: number;
  readonly webSocket: SimulatedWebSocket;
  /** The channels that it is subscribed to: the truth. */
  readonly members = new Set<string>();
  /** Channels of which the client cannot know: a request overtaken by a later one has no answer. */
  readonly unknowable = new Set<string>();
  /** Requests that were asked twice: their answers look like one that comes twice. */
  readonly repeated = new Set<string>();
  /** Channels that the server has refused to let it leave. */
  readonly kept = new Set<string>();
  /** Channels that the server has said to ask for much later. */
  readonly postponed = new Set<string>();
  /** Whether the server knows of no end of it. */
  isLive = true;
  /** Since when it has been open in name only, without the machine's sleep. */
  silentSinceMs: number | undefined;
  isUnknown: boolean;
  readonly #server: Server;
  /** The latest request about each channel that was handled. */
  readonly #handled = new Map<string, number>();
  readonly #ids = new Set<string>();
  #lastArrivalMs = 0;
  #sequence = 0;

  constructor(server: Server, webSocket: SimulatedWebSocket) {
    this.#server = server;
    this.webSocket = webSocket;
    this.number = server.connections.length + 1;
    this.isUnknown = server.world.draw('unknownConnection');
  }

  /** Whether it is open in name only. */
  get isSilent(): boolean {
    return this.silentSinceMs !== undefined;
  }

  /** Takes a frame that the client has written. */
  receive(text: string): void {
    const { time } = this.#server.world;
    if (this.isSilent || !this.isLive) return;
    const frame = JSON.parse(text) as Frame;
    if (frame.action === 'ping') {
      this.push('{"type":"pong"}');
      return;
    }
    this.#sequence += 1;
    if (this.#ids.has(frame.id)) this.repeated.add(frame.id);
    this.#ids.add(frame.id);
    const channels = (frame.channels ?? []).map((entry) =>
      typeof entry === 'string' ? entry : entry.channel,
    );
    const written = { writtenMs: time.nowMs, sequence: this.#sequence };
    this.#server.take({ connection: this, frame, channels, ...written });
  }

  /** Puts a frame on the wire. Frames arrive in order, but for those that are `reordered`. */
  push(data: unknown, onArrival?: () => unknown, reordered = false): void {
    const { world } = this.#server;
    let arrivesMs = world.time.nowMs + world.random.between(1, 60);
    if (reordered) arrivesMs += world.random.between(10, 3_000);
    else arrivesMs = this.#lastArrivalMs = Math.max(arrivesMs, this.#lastArrivalMs);
    world.time.after(arrivesMs - world.time.nowMs, () => {
      if (this.isSilent || this.webSocket.readyState === 3) return;
      world.note('→ client', `#${this.number}`, data);
      this.#server.checks.arrives(data);
      onArrival?.();
      this.webSocket.arrived(data);
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

  /** Notes that a request is handled; returns the channels of which a later one was handled before. */
  overtaken({ channels, sequence }: Request): string[] {
    return channels.filter((channel) => {
      const latest = this.#handled.get(channel) ?? 0;
      this.#handled.set(channel, Math.max(latest, sequence));
      return latest > sequence;
    });
  }
}
