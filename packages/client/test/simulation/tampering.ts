import type { ClientOptions, WebSocketConstructor } from '../../src/index.js';
import type { CreateClient, SimulatedChannel, SimulatedClient } from './client-under-test.js';

type Change<T> = (original: T) => Partial<T>;

/** A client of which something is replaced. */
export function withClient(create: CreateClient, change: Change<SimulatedClient>): CreateClient {
  return (options) => {
    const client = create(options);
    const rest: SimulatedClient = {
      get state() {
        return client.state;
      },
      onState: (listener) => client.onState(listener),
      onRefused: (listener) => client.onRefused(listener),
      channel: (name) => client.channel(name),
      close: () => client.close(),
    };
    return Object.defineProperties(rest, Object.getOwnPropertyDescriptors(change(client)));
  };
}

/** A client with channels of which something is replaced. */
export function withChannel(create: CreateClient, change: Change<SimulatedChannel>): CreateClient {
  return withClient(create, (client) => ({
    channel(name) {
      const channel = client.channel(name);
      return {
        subscribe: () => channel.subscribe(),
        unsubscribe: () => channel.unsubscribe(),
        send: (message, data, options) => channel.send(message, data, options),
        on: (event, handler) => channel.on(event, handler),
        ...(channel.onEnd && { onEnd: (listener) => channel.onEnd?.(listener) ?? (() => {}) }),
        ...change(channel),
      };
    },
  }));
}

/** What is between a client and its WebSocket. */
export interface Wire {
  /** Whether something can be written. */
  readonly isOpen: () => boolean;
  /** Writes a frame, as the WebSocket does. */
  readonly write: (text: string) => void;
  /** Hands a frame to the client. */
  readonly hand: (text: string) => void;
  /** Closes the WebSocket. */
  readonly end: () => void;
}

/** What happens on the way; what is left out goes its way. */
export interface WireChange {
  /** The client writes. */
  send?(text: string, wire: Wire): void;
  /** Something arrives. */
  receive?(text: string, wire: Wire): void;
  /** The client closes. */
  close?(wire: Wire): void;
  /** A type of events that never reach the client. */
  readonly deafTo?: string;
}

/** A client whose WebSockets are tampered with; `begin` is called for each client. */
export function withWire<O extends ClientOptions, C>(
  create: (options: O) => C,
  begin: () => WireChange,
): (options: O) => C {
  return (options) => {
    const original = options.WebSocket as WebSocketConstructor;
    return create({ ...options, WebSocket: tamperedClass(original, begin()) });
  };
}

function tamperedClass(original: WebSocketConstructor, change: WireChange): WebSocketConstructor {
  return class extends original {
    #hand: (event: { readonly data: unknown }) => void = () => {};
    readonly #wire: Wire = {
      isOpen: () => this.readyState === 1,
      write: (text) => super.send(text),
      hand: (text) => this.#hand({ data: text }),
      end: () => super.close(1000),
    };

    override send(text: string): void {
      if (change.send) change.send(text, this.#wire);
      else super.send(text);
    }

    override close(code?: number): void {
      if (change.close) change.close(this.#wire);
      else super.close(code);
    }

    override addEventListener(
      type: string,
      listener: (event: { readonly data: unknown }) => void,
    ): void {
      if (type === change.deafTo) return;
      if (type === 'message') this.#hand = listener;
      super.addEventListener(type as 'message', (event) => {
        const { data } = event;
        if (type !== 'message' || typeof data !== 'string' || !change.receive) listener(event);
        else change.receive(data, this.#wire);
      });
    }
  };
}

/** Whether a frame asks for subscriptions, or ends them. */
export function isRequest(text: string, action: 'subscribe' | 'unsubscribe'): boolean {
  return text.startsWith(`{"action":"${action}"`);
}

/** Whether a frame is a message that wants an answer. */
export function isMessage(text: string): boolean {
  return /^.{1,20}\.post"/.test(text);
}

/** Answers a request in place of the server. */
export function accept(text: string): string {
  const { id, channels } = JSON.parse(text) as {
    readonly id: string;
    readonly channels: readonly (string | { readonly channel: string })[];
  };
  const outcomes = channels.map((entry) =>
    typeof entry === 'string' ? { channel: entry } : { ...entry, result: 'live' },
  );
  return JSON.stringify({ type: 'reply', id, data: { channels: outcomes } });
}
