import type { World } from './world.js';

/** The server's end of a connection. */
export interface ServerEnd {
  readonly number: number;
  /** Whether it is open in name only. */
  readonly isSilent: boolean;
  receive(text: string): void;
  lose(): void;
}

type HandshakeFault = 'handshakeThrows' | 'handshakeSilent' | 'handshakeRefused' | 'handshakeLate';

/** What the WebSockets of one run share. */
export interface Network {
  readonly world: Pick<World, 'time' | 'random' | 'note'> & {
    draw(fault: HandshakeFault): boolean;
    fails(kind: 'a frame at a bad time', text: string): void;
  };
  readonly server: {
    refuses(what: 'handshakes'): boolean;
    connect(webSocket: SimulatedWebSocket): ServerEnd;
  };
  readonly checks: {
    handshake(webSocket: SimulatedWebSocket): void;
    opened(connection: ServerEnd): void;
    written(connection: ServerEnd, text: string): void;
    closing(connection: ServerEnd): void;
  };
  /** An exception came out of a listener. */
  readonly onThrown: (error: unknown) => void;
}

type Listener = (event: { readonly data: unknown }) => void;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** A WebSocket as a browser has it, at the client's end of the simulated network. */
export class SimulatedWebSocket {
  readyState: number = CONNECTING;
  /** The server's end, once there is one. */
  connection: ServerEnd | undefined;
  readonly #network: Network;
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(network: Network) {
    this.#network = network;
    const { world, checks } = network;
    checks.handshake(this);
    if (world.draw('handshakeThrows')) {
      this.readyState = CLOSED;
      world.note('handshake throws');
      throw new Error('Refused by the policy of the page.');
    }
    this.#connect();
  }

  addEventListener(
    type: string,
    listener: Listener,
    { signal, once }: { readonly signal?: AbortSignal; readonly once?: boolean } = {},
  ): void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    const remove = (): boolean => listeners.delete(called);
    const called: Listener = (event) => {
      if (once) remove();
      listener(event);
    };
    listeners.add(once ? called : listener);
    signal?.addEventListener('abort', () => listeners.delete(once ? called : listener));
  }

  removeEventListener(type: string, listener: Listener): void {
    this.#listeners.get(type)?.delete(listener);
  }

  send(text: string): void {
    const { world, checks } = this.#network;
    if (this.readyState === CONNECTING) throw new Error('InvalidStateError: still CONNECTING.');
    if (this.readyState !== OPEN || !this.connection) {
      world.fails('a frame at a bad time', `The WebSocket is not open: ${text}`);
      return;
    }
    world.note('client →', `#${this.connection.number}`, text);
    checks.written(this.connection, text);
    this.connection.receive(text);
  }

  close(code?: number): void {
    if (this.readyState >= CLOSING) return;
    const { world, checks } = this.#network;
    world.note('client closes', this.#name, code);
    const wasOpen = this.readyState === OPEN;
    if (wasOpen && this.connection) checks.closing(this.connection);
    this.readyState = CLOSING;
    // A server that does not answer leaves it closing; a handshake is given up at once.
    if (!wasOpen) world.time.after(1, () => this.#end(1006, true));
    else if (!this.connection?.isSilent) {
      world.time.after(world.random.between(1, 80), () => {
        this.connection?.lose();
        world.time.after(world.random.between(1, 80), () => this.#end(code ?? 1005, false));
      });
    }
  }

  /** The server has ended the connection. */
  ended(code: number): void {
    this.#end(code, code === 1006);
  }

  /** Its page is gone: nobody hears of its end. */
  vanish(): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.connection?.lose();
  }

  arrived(data: unknown): void {
    if (this.readyState === OPEN || this.readyState === CLOSING) this.#emit('message', { data });
  }

  /** Ends it without asking the other end; only some classes have a public one. */
  protected drop(): void {
    this.#network.world.note('client terminates', this.#name);
    if (this.readyState !== CLOSED) this.readyState = CLOSING;
    this.connection?.lose();
    this.#network.world.time.after(0, () => this.#end(1006, false));
  }

  get #name(): string {
    return this.connection ? `#${this.connection.number}` : 'a handshake';
  }

  #connect(): void {
    const { world, server } = this.#network;
    const { time, random } = world;
    if (world.draw('handshakeSilent')) {
      world.note('handshake without an answer');
      return;
    }
    if (world.draw('handshakeRefused') || server.refuses('handshakes')) {
      time.after(random.between(5, 300), () => {
        world.note('handshake refused');
        this.#end(1006, true);
      });
      return;
    }
    const late = world.draw('handshakeLate') ? random.between(5_000, 45_000) : 0;
    time.after(random.between(5, 300) + late, () => {
      if (this.readyState !== CONNECTING) return;
      this.readyState = OPEN;
      this.connection = server.connect(this);
      world.note('open', this.#name);
      this.#network.checks.opened(this.connection);
      this.#emit('open', {});
    });
  }

  #end(code: number, withError: boolean): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.#network.world.note('closed', this.#name, code);
    if (withError) this.#emit('error', { message: 'The connection failed.' });
    this.#emit('close', { code, reason: '', wasClean: code !== 1006 });
  }

  #emit(type: string, event: object): void {
    for (const listener of Array.from(this.#listeners.get(type) ?? [])) {
      try {
        listener(event as { readonly data: unknown });
      } catch (error) {
        this.#network.onThrown(error);
      }
    }
  }
}

/** The class that the client gets: as a browser has it, or with a `terminate` as `ws` has it. */
export function webSocketClass(
  network: Network,
  hasTerminate: boolean,
): new () => SimulatedWebSocket {
  if (!hasTerminate) {
    return class extends SimulatedWebSocket {
      constructor() {
        super(network);
      }
    };
  }
  return class extends SimulatedWebSocket {
    constructor() {
      super(network);
    }

    terminate(): void {
      this.drop();
    }
  };
}
