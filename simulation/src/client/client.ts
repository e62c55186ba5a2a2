import type { ChannelEventBody, Position } from '@gatecast/protocol';
import type { ApiGateway, Connection, Peer } from '../app/api-gateway.js';
import { CHANNEL, type Scene } from '../run/scene.js';
import type { Random } from '../world/random.js';
import { Outbox, type OutgoingMessage } from './outbox.js';
import { Reader } from './reader.js';

const ANSWER_WITHIN_MS = 15_000;
const KEEP_ALIVE_MS = 240_000;

/** What the checks want to know of a client. */
export interface ClientWatch {
  begin(client: string, position: Position): void;
  delivered(client: string, position: Position, event: ChannelEventBody): void;
  reset(client: string, reason: string, position: Position): void;
  sending(message: OutgoingMessage, isAgain: boolean): void;
}

export interface ClientOptions {
  readonly scene: Scene;
  readonly gateway: ApiGateway;
  readonly name: string;
  readonly rewind: number;
  readonly watch: ClientWatch;
}

/** A client: one connection at a time, a subscription, and messages. */
export class Client implements Peer {
  readonly name: string;
  readonly #options: ClientOptions;
  readonly #random: Random;
  readonly #reader: Reader;
  readonly #outbox: Outbox;
  readonly #answers = new Map<string, (data: unknown, code: string | undefined) => void>();
  #connection: Connection | undefined;
  #isWanted = false;
  #isConnecting = false;
  #requests = 0;

  constructor(options: ClientOptions) {
    const { scene, name, watch, rewind } = options;
    this.name = name;
    this.#options = options;
    this.#random = scene.random.fork(name);
    const after = (delayMs: number, work: () => void): { isCancelled: boolean } =>
      scene.world.after(delayMs, work);
    const below = (end: number): number => this.#random.below(end);
    this.#reader = new Reader({
      channel: CHANNEL,
      rewind,
      request: (frame, answer) => this.#request({ ...frame, id: this.#newId() }, answer),
      after,
      below,
      deliver: (position, event) => watch.delivered(name, position, event),
      reset: (reason, position) => watch.reset(name, reason, position),
      begin: (position) => watch.begin(name, position),
    });
    this.#outbox = new Outbox({
      now: () => scene.world.now,
      after,
      below,
      request: (frame, answer) => this.#request(frame, answer),
      sending: (message, isAgain) => watch.sending(message, isAgain),
    });
  }

  get position(): Position | undefined {
    return this.#reader.position;
  }

  /** Connects, and stays connected until {@link stop}. */
  start(): void {
    this.#isWanted = true;
    this.#connect();
  }

  stop(): void {
    this.#isWanted = false;
    if (this.#connection) this.#options.gateway.close(this.#connection);
  }

  post(message: OutgoingMessage): void {
    this.#outbox.add(message);
  }

  /** Sends a message again although it may have been answered. */
  repeat(message: OutgoingMessage): void {
    this.#outbox.repeat(message);
  }

  /** Asks whether something was missed. */
  sync(): void {
    this.#reader.sync();
  }

  /** The network fails. */
  cut(): void {
    if (this.#connection) this.#options.gateway.close(this.#connection);
  }

  opened(connection: Connection): void {
    this.#isConnecting = false;
    this.#connection = connection;
    if (!this.#isWanted) return this.#options.gateway.close(connection);
    this.#options.scene.story?.tell(`${this.name} is connected as ${connection.id}`);
    this.#reader.connected();
    this.#outbox.connected();
    this.#keepAlive(connection);
    return undefined;
  }

  closed(): void {
    this.#isConnecting = false;
    this.#connection = undefined;
    this.#answers.clear();
    this.#reader.disconnected();
    this.#outbox.disconnected();
    if (!this.#isWanted) return;
    this.#options.scene.world.after(this.#random.between(100, 5_000), () => this.#connect());
  }

  receive(text: string): void {
    const frame = JSON.parse(text) as IncomingFrame;
    if (frame.type === 'event') this.#reader.receive([frame as unknown as ChannelEventBody]);
    if (frame.type === 'events') this.#reader.receive(frame.events ?? []);
    if (frame.type !== 'reply' && frame.type !== 'error') return;
    const answer = this.#answers.get(frame.id ?? '');
    this.#answers.delete(frame.id ?? '');
    answer?.(frame.data, frame.error?.code);
  }

  #connect(): void {
    if (!this.#isWanted || this.#connection || this.#isConnecting) return;
    this.#isConnecting = true;
    this.#options.gateway.connect(this);
  }

  #request(
    frame: Readonly<Record<string, unknown>> & { readonly id: string },
    answer: (data: unknown, code: string | undefined) => void,
  ): void {
    const connection = this.#connection;
    if (!connection) return;
    this.#answers.set(frame.id, answer);
    this.#options.gateway.send(connection, JSON.stringify(frame));
    // A connection on which no answer comes is given up.
    this.#options.scene.world.after(ANSWER_WITHIN_MS, () => {
      if (this.#answers.get(frame.id) === answer) this.#options.gateway.close(connection);
    });
  }

  #newId(): string {
    this.#requests += 1;
    return `${this.name}-${this.#requests}-${this.#random.bytes(9).toString('base64url')}`;
  }

  #keepAlive(connection: Connection): void {
    this.#options.scene.world.after(KEEP_ALIVE_MS, () => {
      if (!connection.isOpen || !this.#isWanted) return;
      this.#reader.sync();
      this.#keepAlive(connection);
    });
  }
}

interface IncomingFrame {
  readonly type: string;
  readonly id?: string;
  readonly data?: unknown;
  readonly error?: { readonly code: string };
  readonly events?: readonly ChannelEventBody[];
}
