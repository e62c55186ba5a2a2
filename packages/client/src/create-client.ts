import { eventId, type MessageFrame, type NameOf, type ResetReason } from '@gatecast/protocol';
import type { ClientChannel, HistoryPage, HistoryRange } from './channel.js';
import { ChannelEvents } from './channel-events.js';
import type { AppClient, Client, ClientOptions, OpenOptions, Refusal } from './client.js';
import { deferred } from './deferred.js';
import { type ClientRequestError, clientError } from './errors.js';
import { frameId } from './frame-id.js';
import {
  type Fields,
  fields,
  list,
  readError,
  readEvent,
  readFrame,
  readGatewayError,
} from './incoming.js';
import { CallQueue, Listeners, type Off } from './listeners.js';
import { encodeMessage } from './message-frame.js';
import type { SendOptions, UntypedChannel } from './messages.js';
import { checkOptions, optionError } from './options.js';
import { Outbox } from './outbox.js';
import { Positions } from './positions.js';
import { RequestTable } from './request-table.js';
import type { Delivery } from './subscription-host.js';
import { Subscriptions } from './subscriptions.js';
import { type ConnectionState, type StateReason, Supervisor } from './supervisor.js';
import { ANSWERED_WITHIN_MS } from './timers.js';
import type { Transport } from './transport.js';
import { checkUrl, publicPart, webSocketClass, webSockets } from './web-socket.js';

/**
 * Opens one connection to an app and keeps it open until it is closed. API Gateway ends each
 * WebSocket after 2 hours at most (Amazon API Gateway quotas): the client opens another one and
 * subscribes again.
 *
 * @example
 * ```ts
 * const client = createClient({ url: 'wss://…/prod', token: () => fetchToken() });
 * const room = client.channel<RoomChannel>('rooms/42');
 * room.on('message', (message) => show(message.text));
 * await room.subscribe();
 * await room.send('post', { text: 'hello' });
 * ```
 *
 * With the app's type, `createClient<typeof app>(…)`, each channel's class follows from its name.
 *
 * @throws TypeError - with a `hint`: for an option that is unknown or wrong, and where the runtime has
 * no WebSocket or no `crypto.getRandomValues`.
 * @group Start here
 */
export function createClient(options: ClientOptions): Client;
export function createClient<A>(options: ClientOptions): AppClient<A>;
export function createClient(options: ClientOptions): Omit<Client, 'channel'> {
  return new ConnectedClient(options);
}

const CLIENT_OPTIONS = {
  url: 'string',
  token: 'function',
  handshake: ['subprotocol', 'query'],
  WebSocket: 'function',
  keepAliveMs: 'duration',
  storage: 'function',
} as const;
const OPEN_OPTIONS = { as: 'string' } as const;
const SUBSCRIBE_OPTIONS = { rewind: 'count' } as const;
const HISTORY_OPTIONS = { after: 'string', before: 'string', limit: 'count' } as const;
const SEND_OPTIONS = { timeoutMs: 'duration', reply: 'boolean', id: 'id' } as const;
/** With every 4th ping the client asks whether it has missed the last events of its channels. */
export const PINGS_PER_SYNC = 4;
/** The channels that are no longer used are let go whenever there are so many more. */
const SWEEP_EVERY = 64;
/** How many warnings are remembered, so that each is written once. */
const MAX_WARNED = 256;

interface OpenChannel {
  readonly channel: ClientChannel<UntypedChannel>;
  /** The channel class's name on the wire. */
  readonly as: string;
}

class ConnectedClient implements Client {
  readonly #address: string;
  readonly #supervisor: Supervisor;
  readonly #requests: RequestTable;
  readonly #subscriptions: Subscriptions;
  readonly #outbox: Outbox;
  readonly #calls = new CallQueue();
  readonly #onState = new Listeners<[state: ConnectionState, reason?: StateReason]>(this.#calls);
  readonly #onRefused = new Listeners<[refusal: Refusal]>(this.#calls);
  /** The channels that are used, and some that were. */
  readonly #channels = new Map<string, OpenChannel>();
  /** The channels that somebody listens to. */
  readonly #listening = new Map<string, ChannelEvents>();
  readonly #warned = new Set<string>();
  #pings = 0;

  constructor(options: ClientOptions) {
    if (Object(options) !== options) {
      throw optionError('createClient takes an object.', "Write createClient({ url: 'wss://…' }).");
    }
    const url = String(options.url);
    checkOptions('createClient', { ...options, url }, CLIENT_OPTIONS);
    checkUrl(url);
    this.#address = publicPart(url);
    this.#supervisor = new Supervisor({
      ...options,
      open: webSockets(url, webSocketClass(options.WebSocket), options.handshake),
      isAnswerDue: () => this.#requests.isAnswerDue,
      ping: () => this.#ping(),
      onFrame: (data, from) => this.#receive(readFrame(data), from),
      onMoving: () => this.#subscriptions.move(),
      hasMoved: (previous) =>
        this.#subscriptions.areSettled && !this.#requests.hasUnanswered(previous),
      onRetired: (previous) => {
        this.#requests.lose(previous);
        this.#subscriptions.retired();
      },
      onRefused: (error, retryInMs) => this.#refuse(this.#address, { error, retryInMs }),
      onState: (state, reason) => this.#enter(state, reason),
    });
    this.#requests = new RequestTable(this.#supervisor, () => this.#outbox.flush());
    this.#subscriptions = new Subscriptions(this.#supervisor, this.#requests, {
      positions: new Positions(this.#address, options.storage),
      changed: () => this.#outbox.flush(),
      ended: (channel, error) => this.#end(channel, error),
      refused: (channel, error, retryInMs) => this.#refuse(channel, { channel, error, retryInMs }),
      missed: (channel, reason) => this.#listening.get(channel)?.onReset.emit({ reason }),
      deliver: (channel, delivery) => this.#deliver(channel, delivery),
    });
    this.#outbox = new Outbox(this.#supervisor, this.#requests, this.#subscriptions);
  }

  get state(): ConnectionState {
    return this.#supervisor.state;
  }

  onState(listener: (state: ConnectionState, reason?: StateReason) => unknown): Off {
    return this.#onState.add(listener);
  }

  onRefused(listener: (refusal: Refusal) => unknown): Off {
    return this.#onRefused.add(listener);
  }

  close(): void {
    this.#supervisor.close('ERR_CLOSED');
  }

  channel<C = UntypedChannel>(name: NameOf<C>, options: OpenOptions = {}): ClientChannel<C> {
    if (typeof name !== 'string' || name === '') {
      throw optionError('The name of a channel is not a string.', 'Give one like "rooms/42".');
    }
    checkOptions('channel', options, OPEN_OPTIONS);
    const known = this.#channels.get(name);
    const as = options.as ?? known?.as ?? name.replace(/\/.*/s, '');
    if (known && known.as !== as) {
      throw optionError(
        `The channel "${name}" was opened as "${known.as}".`,
        'Give the same `as` wherever it is opened.',
      );
    }
    const { channel } = known ?? this.#open(name, as);
    return channel as unknown as ClientChannel<C>;
  }

  #open(name: string, as: string): OpenChannel {
    // Kept while nobody listens, because it remembers which events were delivered.
    const own = new ChannelEvents(this.#calls);
    const listen = (add: (events: ChannelEvents) => Off): Off => {
      const events = this.#listening.get(name) ?? own;
      this.#listening.set(name, events);
      const off = add(events);
      return () => {
        off();
        if (events.isUnused && this.#listening.get(name) === events) this.#listening.delete(name);
      };
    };
    const subscriptions = this.#subscriptions;
    const channel: ClientChannel<UntypedChannel> = {
      name,
      get position() {
        return subscriptions.position(name);
      },
      subscribe: (options = {}) => {
        try {
          checkOptions('subscribe', options, SUBSCRIBE_OPTIONS);
        } catch (error) {
          return Promise.reject(error);
        }
        return subscriptions.subscribe(name, options.rewind ?? 0);
      },
      unsubscribe: () => subscriptions.unsubscribe(name),
      history: (range = {}) => this.#history(name, range),
      send: (message, ...[data, options]) => {
        // Another value is refused where the options are checked.
        const id = typeof options?.id === 'string' ? options.id : frameId();
        const sent = this.#send({ action: `${as}.${message}`, id, channel: name, data }, options);
        return Object.assign(sent as Promise<never>, { id: eventId(name, id, 0) });
      },
      on: (event, handler) => listen((events) => events.on(event, handler)),
      onEnd: (listener) => listen((events) => events.onEnd.add(listener)),
      onReset: (listener) => listen((events) => events.onReset.add(listener)),
    };
    if (this.#channels.size % SWEEP_EVERY === SWEEP_EVERY - 1) {
      for (const other of this.#channels.keys()) {
        const isUsed = this.#listening.has(other) || this.#subscriptions.has(other);
        if (!isUsed) this.#channels.delete(other);
      }
    }
    const open = { channel, as };
    this.#channels.set(name, open);
    return open;
  }

  #send(request: MessageFrame, options: SendOptions = {}): Promise<unknown> {
    let frame: string;
    try {
      checkOptions('send', options, SEND_OPTIONS);
      frame = encodeMessage(request);
    } catch (error) {
      return Promise.reject(error);
    }
    if (options.reply !== false) {
      const { id, channel: line } = request;
      return this.#outbox.add({ id, line, frame, timeoutMs: options.timeoutMs });
    }
    if (this.#requests.writeOneWay(frame)) return Promise.resolve();
    const { promise, rejectQuietly } = deferred();
    // Few wait for a message that has no answer.
    rejectQuietly(clientError(this.state === 'closed' ? 'ERR_CLOSED' : 'ERR_NOT_CONNECTED'));
    return promise;
  }

  #history(channel: string, range: HistoryRange): Promise<HistoryPage> {
    const page = this.#read(channel, range);
    // A read changes nothing: if nobody waits for it, its failure is not worth an uncaught exception.
    page.catch(() => {});
    return page;
  }

  async #read(channel: string, range: HistoryRange): Promise<HistoryPage> {
    checkOptions('history', range, HISTORY_OPTIONS);
    const id = frameId();
    const frame = encodeMessage({ action: 'history', id, channel, ...range });
    const answer = await this.#outbox.add({
      id,
      line: id,
      frame,
      timeoutMs: ANSWERED_WITHIN_MS,
      isRead: true,
    });
    const { events, more, position, reason } = fields(answer);
    return {
      events: list(events).flatMap((event) => readEvent(event) ?? []),
      more: more === true,
      position: position as string,
      ...(reason !== undefined && { reset: reason as ResetReason }),
    };
  }

  #ping(): void {
    this.#requests.ping();
    this.#pings += 1;
    if (this.#pings % PINGS_PER_SYNC === 0) this.#subscriptions.syncAll();
  }

  #receive(frame: Fields, from: Transport): void {
    // Values of another type are in no map, so such a frame does nothing.
    const { id, channel } = frame as { readonly id?: string; readonly channel: string };
    switch (frame['type']) {
      case 'event':
        this.#dispatch(channel, [frame]);
        break;
      case 'events':
        this.#dispatch(channel, frame['events']);
        if (frame['more']) this.#subscriptions.synced(channel, 'behind');
        break;
      case 'reply': {
        const server = fields(frame['server']);
        this.#supervisor.answered(server);
        this.#outbox.setResendWithin(server['resendWithinMs']);
        this.#requests.answered(id as string, undefined, frame['data']);
        break;
      }
      case 'error': {
        const error = readError(frame['error']);
        // Whatever was asked is asked again on the next connection.
        if (error.code === 'ERR_CONNECTION_UNKNOWN') this.#supervisor.unknown(error, from);
        else if (id === undefined) this.#requests.unnamedError(error, from);
        else this.#requests.answered(id, error);
        break;
      }
      case 'unsubscribed':
        if (typeof channel === 'string') this.#subscriptions.end(channel, readError(frame));
        break;
      case 'bye': {
        const error = readError(frame);
        if (frame['reconnect'] === false) {
          if (this.#supervisor.dismiss(error, from)) this.#refuse(this.#address, { error });
        } else this.#supervisor.farewell(error, frame['afterMs'], from);
        break;
      }
      case 'pong':
        this.#requests.ponged();
        this.#outbox.flush();
        break;
      // Only API Gateway's own errors have no type. A type that is not known here is for newer clients.
      case undefined: {
        const error = readGatewayError(frame);
        if (error) this.#requests.unnamedError(error, from);
      }
    }
  }

  #dispatch(channel: string, events: unknown): void {
    for (const event of list(events)) {
      // A listener may close the client between two.
      if (this.state === 'closed') return;
      this.#subscriptions.receive(channel, event);
    }
  }

  #deliver(channel: string, { event: value, isInOrder = false, returned }: Delivery): void {
    const event = value && readEvent(value);
    this.#calls.run(() => {
      if (event) this.#listening.get(channel)?.tell(event, isInOrder);
      returned?.();
    });
  }

  #enter(state: ConnectionState, reason?: StateReason): void {
    if (state === 'connected') this.#subscriptions.flush();
    if (state === 'waiting' || state === 'closed') {
      this.#requests.loseAll();
      this.#subscriptions.lose();
    }
    if (state === 'closed') {
      this.#requests.close();
      this.#subscriptions.close();
    }
    this.#onState.emit(state, reason);
  }

  #end(channel: string, error: ClientRequestError): void {
    const onEnd = this.#listening.get(channel)?.onEnd;
    const isHeard = (onEnd?.size ?? 0) > 0;
    onEnd?.emit({ code: error.code, reason: error.message });
    // The console is for what no listener of the app was told.
    if (!isHeard || this.#onRefused.size) this.#refuse(channel, { channel, error });
  }

  #refuse(what: string, refusal: Refusal): void {
    if (this.#onRefused.size) {
      this.#onRefused.emit(refusal);
      return;
    }
    const { message, code, cause } = refusal.error;
    const key = `${what} ${code}`;
    if (this.#warned.has(key)) return;
    if (this.#warned.size >= MAX_WARNED) this.#warned.clear();
    this.#warned.add(key);
    // oxlint-disable-next-line no-console -- the developer has no other way to learn of it.
    console.warn(`Gatecast: ${what}: ${message} (${code})`, ...(cause ? [cause] : []));
  }
}
