import type { WebSocketConstructor } from '@gatecast/client';
import type { ApiGateway, Connection, Peer } from '../app/api-gateway.js';
import type { Environment } from '../world/environment.js';
import type { World } from '../world/world.js';

type Listener = (event: { readonly data: unknown }) => void;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;
const NO_NETWORK_MS = 20;

/** Where the WebSockets of a client are. */
export interface Place {
  readonly name: string;
  readonly world: World;
  readonly gateway: ApiGateway;
  /** The process of the client: what it hears, it hears there. */
  readonly environment: Environment;
  /** Whether there is a network. */
  isOnline(): boolean;
  /** The client writes a frame. */
  written(frame: string): void;
  /** A frame arrives. */
  arrives(frame: string): void;
}

/** A WebSocket of the simulated client, at the other end of which is the simulated API Gateway. */
export class WorldWebSocket implements Peer {
  readonly name: string;
  readyState: number = CONNECTING;
  readonly #place: Place;
  readonly #listeners: (readonly [type: string, listener: Listener])[] = [];
  #connection: Connection | undefined;

  constructor(place: Place) {
    this.#place = place;
    this.name = place.name;
    if (place.isOnline()) place.gateway.connect(this);
    else place.world.after(NO_NETWORK_MS, () => this.#end('error'), place.environment);
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push([type, listener]);
  }

  send(frame: string): void {
    if (this.readyState !== OPEN || !this.#connection) throw new Error('It is not open.');
    this.#place.written(frame);
    this.#place.gateway.send(this.#connection, frame);
  }

  close(): void {
    if (this.readyState >= CLOSING) return;
    this.readyState = CLOSING;
    if (this.#connection) this.#place.gateway.close(this.#connection);
    else this.#place.world.after(0, () => this.#end(), this.#place.environment);
  }

  /** The network fails. */
  cut(): void {
    if (this.#connection) this.#place.gateway.close(this.#connection);
  }

  opened(connection: Connection): void {
    this.#connection = connection;
    if (this.readyState !== CONNECTING) {
      this.#place.gateway.close(connection);
      return;
    }
    this.#later(() => {
      if (this.readyState !== CONNECTING || !connection.isOpen) return;
      this.readyState = OPEN;
      this.#emit('open');
    });
  }

  closed(): void {
    this.#later(() => this.#end(...(this.#connection ? [] : ['error' as const])));
  }

  receive(frame: string): void {
    this.#later(() => {
      if (this.readyState !== OPEN) return;
      this.#place.arrives(frame);
      this.#emit('message', frame);
    });
  }

  #later(work: () => void): void {
    this.#place.world.after(0, work, this.#place.environment);
  }

  #end(error?: 'error'): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    if (error) this.#emit('error');
    this.#emit('close');
  }

  #emit(type: string, data?: unknown): void {
    for (const [of, listener] of this.#listeners) if (of === type) listener({ data });
  }
}

/** The class for a client in a place. */
export function webSocketClass(
  place: Place,
  onMade: (webSocket: WorldWebSocket) => void,
): WebSocketConstructor {
  return class extends WorldWebSocket {
    constructor() {
      super(place);
      onMade(this);
    }
  };
}
