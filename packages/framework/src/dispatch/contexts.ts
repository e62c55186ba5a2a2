import { createHash } from 'node:crypto';
import type {
  BaseContext,
  ChannelContext,
  ConnectContext,
  DisconnectContext,
  MessageContext,
  SubscribeContext,
  UnsubscribeContext,
} from '../channel/context.js';
import type { Publishing, ServerChannel } from '../channel/publishing.js';
import { type AppCore, publishing } from '../invocation/invocation.js';
import type { PublishScope } from '../publish/publish.js';
import type { Connection } from '../wire/connection.js';
import type { LambdaContext, WebSocketEvent } from '../wire/lambda-events.js';

/** One invocation, and who it is for. */
export interface Call {
  readonly core: AppCore;
  readonly event: WebSocketEvent;
  readonly lambdaContext: LambdaContext | undefined;
  readonly route: string;
}

/** A channel that a frame names, and what the pattern found in its name. */
export interface NamedChannel {
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
}

// Classes with getters, not objects: on the path of a message nothing is made that its handler does
// not ask for.
class Context implements BaseContext {
  readonly connection: Connection;
  readonly event: WebSocketEvent;
  readonly lambdaContext: LambdaContext | undefined;
  readonly route: string;
  readonly #core: AppCore;
  #app: Publishing | undefined;

  constructor({ core, event, lambdaContext, route }: Call, connection: Connection) {
    this.#core = core;
    this.connection = connection;
    this.event = event;
    this.lambdaContext = lambdaContext;
    this.route = route;
  }

  get app(): Publishing {
    this.#app ??= publishing(this.#core, this.scope(), {
      request: this.event.requestContext,
      lambdaContext: this.lambdaContext,
    });
    return this.#app;
  }

  protected scope(): PublishScope {
    return { sender: this.connection.id };
  }
}

class InChannel extends Context implements ChannelContext {
  readonly params: Readonly<Record<string, string>>;
  readonly #name: string;

  constructor(call: Call, connection: Connection, { name, params }: NamedChannel) {
    super(call, connection);
    this.#name = name;
    this.params = params;
  }

  get channel(): ServerChannel {
    return this.app.channel(this.#name);
  }
}

class ForMessage extends InChannel implements MessageContext {
  readonly messageId: string;
  readonly attempt: number;

  constructor(call: Call, connection: Connection, message: MessageFacts) {
    super(call, connection, message.channel);
    this.messageId = message.id;
    this.attempt = message.attempt;
  }

  get idempotencyKey(): string {
    const sender = this.connection.userId ?? this.connection.id;
    return createHash('sha256')
      .update(JSON.stringify([sender, this.channel.name, this.messageId]))
      .digest('base64url');
  }

  protected override scope(): PublishScope {
    return { ...super.scope(), source: { frameId: this.messageId, ordinals: new Map() } };
  }
}

/** What a message frame says of itself. */
export interface MessageFacts {
  readonly id: string;
  readonly attempt: number;
  readonly channel: NamedChannel;
}

/** Context of a message. */
export function messageContext(
  call: Call,
  connection: Connection,
  facts: MessageFacts,
): MessageContext {
  return new ForMessage(call, connection, facts);
}

/** Context of one channel of a subscribe frame. */
export function subscribeContext(
  call: Call,
  connection: Connection,
  channel: NamedChannel,
): SubscribeContext {
  return new InChannel(call, connection, channel);
}

/** Context of a channel that was left. */
export function unsubscribeContext(
  call: Call,
  connection: Connection,
  left: NamedChannel & Pick<UnsubscribeContext, 'cause'>,
): UnsubscribeContext {
  return Object.assign(new InChannel(call, connection, left), { cause: left.cause });
}

class ForConnect extends Context implements ConnectContext {
  readonly headers: ConnectContext['headers'];
  readonly query: ConnectContext['query'];
  readonly #unopened: readonly string[];

  constructor(
    call: Call,
    connection: Connection,
    handshake: Pick<ConnectContext, 'headers' | 'query'> & { readonly unopened: readonly string[] },
  ) {
    super(call, connection);
    this.headers = handshake.headers;
    this.query = handshake.query;
    this.#unopened = handshake.unopened;
  }

  protected override scope(): PublishScope {
    return { ...super.scope(), unopened: this.#unopened };
  }
}

/** Context of a connection that is being opened; `unopened` are the channels it will be subscribed to. */
export function connectContext(
  call: Call,
  connection: Connection,
  handshake: Pick<ConnectContext, 'headers' | 'query'> & { readonly unopened: readonly string[] },
): ConnectContext {
  return new ForConnect(call, connection, handshake);
}

/** Context of a connection that has ended. */
export function disconnectContext(
  call: Call,
  connection: Connection,
  channels: readonly string[],
): DisconnectContext {
  const { disconnectStatusCode = 1005, disconnectReason = '' } = call.event.requestContext;
  return Object.assign(new Context(call, connection), {
    code: disconnectStatusCode,
    reason: disconnectReason,
    channels,
  });
}
