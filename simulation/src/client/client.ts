import {
  type ClientChannel,
  createClient,
  type Client as GatecastClient,
  type UntypedChannel,
} from '@gatecast/client';
import {
  type ChannelEventBody,
  type Position,
  parsePosition,
  type SubscribeOutcome,
  type SubscribeReply,
} from '@gatecast/protocol';
import type { ApiGateway } from '../app/api-gateway.js';
import { CHANNEL, type Scene } from '../run/scene.js';
import type { Environment } from '../world/environment.js';
import { type Place, type WorldWebSocket, webSocketClass } from './web-socket.js';

/** The outcome of a subscription that was made. */
export type Subscribed = Exclude<SubscribeOutcome, { readonly error: unknown }>;

/** A message, which the application wants to be sent until it is answered. */
export interface OutgoingMessage {
  readonly id: string;
  readonly channel: string;
  readonly data: unknown;
  /** When it was sent for the first time. */
  readonly since: number;
}

/** What the checks want to know of a client. */
export interface ClientWatch {
  /** The next event has to be the one after this position. */
  begin(client: string, position: Position): void;
  delivered(client: string, position: Position, event: ChannelEventBody): void;
  reset(client: string, reason: string, position: Position): void;
  /** The server has ended the subscription, and the application was told. */
  ended(client: string): void;
  sending(id: string, isAgain: boolean): void;
}

export interface ClientOptions {
  readonly scene: Scene;
  readonly gateway: ApiGateway;
  readonly name: string;
  readonly rewind: number;
  readonly watch: ClientWatch;
}

/** A page sends what has no answer again after it was loaded anew, within the time in which its id is known. */
const RESEND_WITHIN_MS = 300_000;
/** When it subscribes again after it was refused. */
const AGAIN_MS = 2_000;
const MOST_SKEW_MS = 2_000;
const URL = 'wss://simulated.test/dev';

type Channel = ClientChannel<UntypedChannel>;

/** A page with the client of Gatecast: it subscribes to a channel, and posts messages. */
export class Client {
  readonly name: string;
  readonly #options: ClientOptions;
  readonly #environment: Environment;
  readonly #place: Place;
  readonly #stored = new Map<string, string>();
  readonly #messages = new Set<OutgoingMessage>();
  #client: GatecastClient | undefined;
  #channel: Channel | undefined;
  #webSockets: WorldWebSocket[] = [];
  /** Where the page was when it was closed. */
  #left: string | undefined;
  #isOnline = true;
  /** The latest outcome of a subscribe frame. */
  #outcome: Subscribed | undefined;

  constructor(options: ClientOptions) {
    const { scene, gateway, name } = options;
    const { world } = scene;
    this.name = name;
    this.#options = options;
    const skewMs = scene.random.fork(name).between(-MOST_SKEW_MS, MOST_SKEW_MS);
    this.#environment = world.environment(name, skewMs);
    this.#place = {
      name,
      world,
      gateway,
      environment: this.#environment,
      isOnline: () => this.#isOnline,
      written: (frame) => this.#written(frame),
      arrives: (frame) => this.#arrives(frame),
    };
  }

  get position(): Position | undefined {
    return parsePosition(this.#channel?.position ?? this.#left);
  }

  /** Opens the page, unless it is open, and stays connected until {@link stop}. */
  start(): void {
    this.#do(() => {
      this.#isOnline = true;
      if (!this.#client) this.#open();
    });
  }

  /** Closes the page. It keeps what its storage has. */
  stop(): void {
    this.#do(() => {
      const client = this.#client;
      this.#client = undefined;
      this.#left = this.#channel?.position;
      this.#channel = undefined;
      client?.close();
    });
  }

  /** The network is gone until {@link start}. */
  loseNetwork(): void {
    this.#do(() => {
      this.#isOnline = false;
      for (const webSocket of this.#webSockets) webSocket.cut();
    });
  }

  post(message: OutgoingMessage): void {
    this.#do(() => {
      for (const { id } of this.#messages) if (id === message.id) return;
      this.#messages.add(message);
      this.#send(message);
    });
  }

  /** A message reaches the server once more although it may have been answered. */
  repeat({ id, channel, data }: OutgoingMessage): void {
    this.#do(() => {
      const frame = JSON.stringify({ action: 'rooms.post', id: frameId(id), channel, data });
      this.#webSockets.find(({ readyState }) => readyState === 1)?.send(frame);
    });
  }

  /** Reads the latest events. */
  read(limit: number): void {
    this.#do(() => {
      const reading = this.#channel?.history({ limit });
      reading?.then(
        ({ events }) => {
          for (const event of events) this.#options.scene.truth.committed(knownAs(event));
        },
        () => {},
      );
    });
  }

  #do(work: () => void): void {
    this.#options.scene.world.after(0, work, this.#environment);
  }

  #open(): void {
    const { name, watch } = this.#options;
    this.#webSockets = [];
    const client = createClient({
      url: URL,
      WebSocket: webSocketClass(this.#place, (made) => this.#webSockets.push(made)),
      storage: () => ({
        getItem: (key: string) => this.#stored.get(key) ?? null,
        setItem: (key: string, value: string) => this.#stored.set(key, value),
        removeItem: (key: string) => this.#stored.delete(key),
      }),
    });
    client.onRefused(() => {});
    const channel = client.channel(CHANNEL);
    channel.on('message', (data, { event, id, at, position = '' }) => {
      const parsed = parsePosition(position);
      if (!parsed) return;
      watch.delivered(name, parsed, { event, data, id, at: at.getTime() });
    });
    channel.onReset(({ reason }) => this.#reset(reason));
    channel.onEnd(() => {
      watch.ended(name);
      this.#subscribeAgain(client);
    });
    this.#client = client;
    this.#channel = channel;
    this.#subscribe(client);
    for (const message of this.#messages) this.#send(message);
  }

  #subscribe(client: GatecastClient): void {
    const { rewind } = this.#options;
    this.#channel?.subscribe({ rewind }).catch(() => this.#subscribeAgain(client));
  }

  #subscribeAgain(client: GatecastClient): void {
    const again = (): void => {
      if (this.#client === client) this.#subscribe(client);
    };
    this.#options.scene.world.after(AGAIN_MS, again, this.#environment);
  }

  #send(message: OutgoingMessage): void {
    const { scene } = this.#options;
    const client = this.#client;
    if (!client) return;
    if (scene.world.now > message.since + RESEND_WITHIN_MS) {
      this.#messages.delete(message);
      return;
    }
    const sending = this.#channel?.send('post', message.data, { id: frameId(message.id) });
    sending?.then(
      () => this.#messages.delete(message),
      () => {
        // With its page closed, it waits for the next one.
        if (this.#client === client) this.#messages.delete(message);
      },
    );
  }

  #reset(reason: string): void {
    const { name, watch } = this.#options;
    const outcome = this.#outcome;
    const end = parsePosition(outcome?.position);
    if (!outcome || !end) return;
    watch.reset(name, reason, end);
    this.#begin(outcome);
  }

  #begin({ position, events = [] }: Subscribed): void {
    const end = parsePosition(position);
    if (!end) return;
    const offset = end.offset - events.length;
    this.#options.watch.begin(this.name, { ...end, offset });
  }

  #written(text: string): void {
    const { id, action, attempt } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (action !== 'rooms.post') return;
    this.#options.watch.sending(String(id).replace(/_+$/, ''), attempt !== undefined);
  }

  #arrives(text: string): void {
    const { data } = JSON.parse(text) as { readonly data?: Partial<SubscribeReply> };
    const [outcome] = Array.isArray(data?.channels) ? data.channels : [];
    if (!outcome || !('result' in outcome) || !('data' in outcome || 'position' in outcome)) return;
    this.#outcome = outcome as Subscribed;
    if (outcome.result === 'live') this.#begin(this.#outcome);
  }
}

/** The id of a message's frame: a name of a run is shorter than an id may be. */
function frameId(id: string): string {
  return id.padEnd(16, '_');
}

function knownAs({
  event,
  data,
  id,
  at,
  position,
}: {
  readonly event: string;
  readonly data: unknown;
  readonly id: string;
  readonly at: Date;
  readonly position?: string;
}): Parameters<Scene['truth']['committed']>[0] {
  const place = parsePosition(position) as Position;
  const payload = JSON.stringify({ event, data, id });
  const content = data as { readonly id: string };
  return { ...place, at: at.getTime(), payload, id: content.id };
}
