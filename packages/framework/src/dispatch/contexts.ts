import { createHash } from 'node:crypto';
import type {
  ConnectContext,
  DisconnectContext,
  MessageContext,
  SubscribeContext,
  UnsubscribeContext,
} from '../channel/context.js';
import type { AppActions, ServerChannel } from '../channel/publishing.js';
import type { PublishScope } from '../publish/publish.js';
import type { Connection } from '../wire/connection.js';
import type { RawFrame } from '../wire/frame.js';
import type { LambdaContext, WebSocketEvent } from '../wire/lambda-events.js';
import type { AppInvocation, EventInvocation } from './app-invocation.js';
import type { ChannelMatch } from './authorize-channel.js';

/** A channel with the parameters in its name. */
export interface NamedChannel {
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
}

// Classes with getters, not objects, so that a message only pays for the values that its handler reads.
class Context<E extends WebSocketEvent | undefined> {
  readonly connection: Connection;
  readonly event: E;
  readonly route: string;
  readonly #invocation: AppInvocation;
  #app: AppActions | undefined;

  constructor(invocation: AppInvocation, connection: Connection, event: E) {
    this.#invocation = invocation;
    this.connection = connection;
    this.event = event;
    this.route = invocation.route;
  }

  get app(): AppActions {
    const invocation = this.#invocation;
    this.#app ??= invocation.core.handle(invocation, this.scope());
    return this.#app;
  }

  get signal(): AbortSignal {
    return this.#invocation.signal;
  }

  get lambdaContext(): LambdaContext | undefined {
    return this.#invocation.lambdaContext;
  }

  protected scope(): PublishScope {
    return { sender: this.connection.id };
  }
}

class InChannel<E extends WebSocketEvent | undefined> extends Context<E> {
  readonly params: Readonly<Record<string, string>>;
  readonly #name: string;

  // oxlint-disable-next-line max-params -- those of Context, and the channel.
  constructor(
    invocation: AppInvocation,
    connection: Connection,
    event: E,
    { name, params }: NamedChannel,
  ) {
    super(invocation, connection, event);
    this.#name = name;
    this.params = params;
  }

  get channel(): ServerChannel {
    return this.app.channel(this.#name);
  }
}

/** A message, and the channel that it is for. */
export interface MessageDetails {
  readonly id: string;
  readonly frame: RawFrame;
  readonly match: ChannelMatch;
}

// It extends nothing, although half of it is in the classes above: calling super() twice would be a tenth
// of what the dispatch of a message costs.
class ForMessage implements MessageContext {
  readonly #invocation: EventInvocation;
  readonly #details: MessageDetails;
  #app: AppActions | undefined;

  constructor(invocation: EventInvocation, details: MessageDetails) {
    this.#invocation = invocation;
    this.#details = details;
  }

  get connection(): Connection {
    return this.#invocation.connection;
  }

  get event(): WebSocketEvent {
    return this.#invocation.event;
  }

  get route(): string {
    return this.#invocation.route;
  }

  get signal(): AbortSignal {
    return this.#invocation.signal;
  }

  get lambdaContext(): LambdaContext | undefined {
    return this.#invocation.lambdaContext;
  }

  get app(): AppActions {
    const invocation = this.#invocation;
    this.#app ??= invocation.core.handle(invocation, {
      sender: this.connection.id,
      source: {
        frameId: this.messageId,
        userId: this.connection.userId,
        ordinals: new Map(),
      },
    });
    return this.#app;
  }

  get params(): NamedChannel['params'] {
    return this.#details.match.params;
  }

  get channel(): ServerChannel {
    return this.app.channel(this.#details.frame['channel'] as string);
  }

  get messageId(): string {
    return this.#details.id;
  }

  get attempt(): number {
    const { attempt } = this.#details.frame;
    return Number.isSafeInteger(attempt) && (attempt as number) > 0 ? (attempt as number) : 1;
  }

  // A guest has no id that outlives its connection. Two attempts of a message only have the frame's id in
  // common, which nobody else knows.
  get idempotencyKey(): string {
    const { userId } = this.connection;
    const sender = userId === undefined ? ['guest'] : ['user', userId];
    return createHash('sha256')
      .update(JSON.stringify([sender, this.channel.name, this.messageId]))
      .digest('base64url');
  }
}

/** Context of a message. */
export function messageContext(
  invocation: EventInvocation,
  message: MessageDetails,
): MessageContext {
  return new ForMessage(invocation, message);
}

class ForSubscribe extends InChannel<WebSocketEvent> implements SubscribeContext {
  isRepeated = false;
  isResume = false;
}

/**
 * Context of one channel of a subscribe frame. `isRepeated` is set later, when the membership is written.
 */
export function subscribeContext(
  invocation: EventInvocation,
  channel: NamedChannel,
): SubscribeContext & { isRepeated: boolean; isResume: boolean } {
  return new ForSubscribe(invocation, invocation.connection, invocation.event, channel);
}

/** A channel that a connection has left. */
export interface LeftChannel extends NamedChannel {
  readonly connection: Connection;
  readonly cause: UnsubscribeContext['cause'];
  /** The event that ended the subscription; undefined if code outside of any event ended it. */
  readonly event: WebSocketEvent | undefined;
}

/** Context of a channel that was left. */
export function unsubscribeContext(
  invocation: AppInvocation,
  { connection, event, cause, ...channel }: LeftChannel,
): UnsubscribeContext {
  return Object.assign(new InChannel(invocation, connection, event, channel), { cause });
}

/** The handshake as connect handlers see it, and the channels that are not open yet. */
export interface HandshakeDetails extends Pick<ConnectContext, 'headers' | 'query'> {
  readonly unopened: readonly string[];
}

class ForConnect extends Context<WebSocketEvent> implements ConnectContext {
  readonly headers: ConnectContext['headers'];
  readonly query: ConnectContext['query'];
  readonly #unopened: readonly string[];

  constructor(invocation: EventInvocation, { headers, query, unopened }: HandshakeDetails) {
    super(invocation, invocation.connection, invocation.event);
    this.headers = headers;
    this.query = query;
    this.#unopened = unopened;
  }

  protected override scope(): PublishScope {
    return { ...super.scope(), unopened: this.#unopened };
  }
}

/** Context of a connection that is being opened. */
export function connectContext(
  invocation: EventInvocation,
  handshake: HandshakeDetails,
): ConnectContext {
  return new ForConnect(invocation, handshake);
}

/** Context of a connection that has ended. */
export function disconnectContext(
  invocation: EventInvocation,
  channels: readonly string[],
): DisconnectContext {
  const { connection, event, request } = invocation;
  const { disconnectStatusCode = 1005, disconnectReason = '' } = request;
  return Object.assign(new Context(invocation, connection, event), {
    code: disconnectStatusCode,
    reason: disconnectReason,
    channels,
  });
}
