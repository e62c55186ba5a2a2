import type { WireErrorCode } from './error-codes.js';

/** What a client sends. `action` is the route key that API Gateway selects. */
export type ClientFrame = SubscribeFrame | UnsubscribeFrame | PingFrame | MessageFrame;

/** Asks to receive the events of channels; the reply's data is a {@link SubscribeReply}. */
export interface SubscribeFrame {
  readonly action: 'subscribe';
  /** Names the request; 1 to 64 characters. */
  readonly id: string;
  /** 1 to 50 channels. */
  readonly channels: readonly { readonly channel: string }[];
}

/** Ends subscriptions; the reply's data is an {@link UnsubscribeReply}. */
export interface UnsubscribeFrame {
  readonly action: 'unsubscribe';
  /** Names the request; 1 to 64 characters. */
  readonly id: string;
  /** 1 to 50 channels. */
  readonly channels: readonly string[];
}

/** Keeps the connection alive; API Gateway itself answers with a {@link PongFrame}. */
export interface PingFrame {
  readonly action: 'ping';
}

/** A message for a channel's handler: `action` is `rooms.post`. */
export interface MessageFrame {
  readonly action: string;
  /**
   * Names the request; 1 to 64 characters, unique, and best random: the event's id is derived from
   * it.
   */
  readonly id: string;
  readonly channel: string;
  readonly data?: unknown;
  /** 2 and up when the same message is sent again because no answer came. */
  readonly attempt?: number;
}

/** What a server sends. */
export type ServerFrame =
  | ReplyFrame
  | ErrorFrame
  | EventFrame
  | EventsFrame
  | UnsubscribedFrame
  | ByeFrame
  | PongFrame;

/** The answer to the request `id`. */
export interface ReplyFrame {
  readonly type: 'reply';
  readonly id: string;
  /**
   * What the handler returned, a {@link SubscribeReply} or an {@link UnsubscribeReply}; absent for
   * nothing.
   */
  readonly data?: unknown;
  /** In every reply to a {@link SubscribeFrame}, because no server knows which reply is a connection's first. */
  readonly server?: ServerSettings;
}

/** What a server wants of its clients. A client has values of its own for what is not named. */
export interface ServerSettings {
  /** How long a connection may be silent before the client sends a {@link PingFrame}, in milliseconds. */
  readonly keepAliveMs: number;
  /**
   * A client that has lost its connection waits a random part of this before its first attempt to come back,
   * in milliseconds: others may have lost theirs at the same moment.
   */
  readonly reconnectWithinMs: number;
  /**
   * How long after its first attempt a message without an answer is sent again, in milliseconds. Then it stays
   * unknown what came of it.
   */
  readonly resendWithinMs: number;
  /** The server's clock, in milliseconds since 1970. */
  readonly now: number;
}

/** Why a request, or one channel of it, was refused. */
export interface WireError {
  /** A code of {@link wireErrors}, or the app's own. */
  readonly code: WireErrorCode | (string & {});
  /** For a person: it depends on the case. */
  readonly message: string;
  /**
   * For `ERR_VALIDATION` a list of `{ path, message }`; for an app's own code what the app gave.
   */
  readonly details?: unknown;
  /** Wait at least this long before trying again, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** The refusal of the request `id`; without `id` when the frame had none that could be read. */
export interface ErrorFrame {
  readonly type: 'error';
  readonly id?: string;
  readonly error: WireError;
}

/** One event of a channel. */
export interface ChannelEventBody {
  /** The event's name. */
  readonly event: string;
  readonly data: unknown;
  /** The same id on the same channel is the same event. */
  readonly id: string;
  /** When it was published, in milliseconds since 1970. */
  readonly at: number;
}

/** One event. */
export interface EventFrame extends ChannelEventBody {
  readonly type: 'event';
  readonly channel: string;
}

/** Several events of one channel. */
export interface EventsFrame {
  readonly type: 'events';
  readonly channel: string;
  readonly events: readonly ChannelEventBody[];
}

/** The server has ended a subscription; the client does not ask for it again by itself. */
export interface UnsubscribedFrame {
  readonly type: 'unsubscribed';
  readonly channel: string;
  /** Why, as a code: `ERR_REMOVED`. */
  readonly code: string;
  /** Why, for a person. */
  readonly reason: string;
}

/**
 * Sent before the server disconnects, because API Gateway can give no reason of its own: it closes
 * with 1000.
 */
export interface ByeFrame {
  readonly type: 'bye';
  /** Why, as a code: `ERR_UNAUTHORIZED`. */
  readonly code: string;
  /** Why, for a person. */
  readonly reason: string;
  /** Whether the client should come back. */
  readonly reconnect: boolean;
  /** Wait at least this long before reconnecting, in milliseconds. */
  readonly afterMs?: number;
}

/** Answers a {@link PingFrame}. */
export interface PongFrame {
  readonly type: 'pong';
}

/** What the reply to a `subscribe` frame says of each channel, in the order asked. */
export interface SubscribeReply {
  readonly channels: readonly SubscribeOutcome[];
}

/** One channel of a {@link SubscribeReply}. */
export type SubscribeOutcome =
  | {
      readonly channel: string;
      /** Events from now on. */
      readonly result: 'live';
      /** What the channel's subscribe handler returned. */
      readonly data?: unknown;
    }
  | { readonly channel: string; readonly error: WireError };

/** What the reply to an `unsubscribe` frame says of each channel, once each in the order asked. */
export interface UnsubscribeReply {
  readonly channels: readonly (
    | { readonly channel: string }
    | { readonly channel: string; readonly error: WireError }
  )[];
}

/** Size of a text on the wire, in bytes of UTF-8. */
export function byteLength(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // Two units of a surrogate pair make four bytes, each other unit from 0x800 on makes three.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
