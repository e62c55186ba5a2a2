import type { WireErrorCode } from './error-codes.js';

/** What a client sends. `action` is the route key that API Gateway selects. */
export type ClientFrame = SubscribeFrame | UnsubscribeFrame | PingFrame | MessageFrame;

/** Asks to receive the events of channels; the reply's data is a {@link SubscribeReply}. */
export interface SubscribeFrame {
  readonly action: 'subscribe';
  /** Identifies the request: 1 to 64 characters. */
  readonly id: string;
  /** 1 to 50 channels. */
  readonly channels: readonly { readonly channel: string }[];
}

/** Ends subscriptions; the reply's data is an {@link UnsubscribeReply}. */
export interface UnsubscribeFrame {
  readonly action: 'unsubscribe';
  /** Identifies the request: 1 to 64 characters. */
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
   * Identifies the request: 1 to 64 characters, unique and preferably random, because the event's id is
   * derived from it.
   */
  readonly id: string;
  readonly channel: string;
  readonly data?: unknown;
  /** 2 or more if the message is sent again because no answer came. */
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
   * The return value of the handler, a {@link SubscribeReply} or an {@link UnsubscribeReply}. Absent if
   * the handler returned nothing.
   */
  readonly data?: unknown;
  /**
   * In every reply to a {@link SubscribeFrame}, because a server does not know which reply is a
   * connection's first.
   */
  readonly server?: ServerSettings;
}

/** Settings that a server sends to its clients. A client has defaults for missing values. */
export interface ServerSettings {
  /** How long a connection may be silent before the client sends a {@link PingFrame}, in milliseconds. */
  readonly keepAliveMs: number;
  /**
   * A client that has lost its connection waits a random part of this before it first tries to reconnect,
   * in milliseconds, because other clients may have lost theirs at the same moment.
   */
  readonly reconnectWithinMs: number;
  /**
   * How long after its first attempt a message without an answer is sent again, in milliseconds. After
   * that its outcome stays unknown.
   */
  readonly resendWithinMs: number;
  /** The server's clock, in milliseconds since 1970. */
  readonly now: number;
}

/** Why a request, or one of its channels, was refused. */
export interface WireError {
  /** A code of {@link wireErrors} or of the app. */
  readonly code: WireErrorCode | (string & {});
  /** An explanation for people. Do not compare it; compare `code`. */
  readonly message: string;
  /**
   * For `ERR_VALIDATION`, a list of `{ path, message }`; for a code of the app, the value that the app
   * passed.
   */
  readonly details?: unknown;
  /** Wait at least this long before trying again, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** Refuses the request `id`. Without `id` if the frame had no readable one. */
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
  /** Two events on one channel with the same id are the same event. */
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

/** The server ended a subscription. The client must not subscribe again by itself. */
export interface UnsubscribedFrame {
  readonly type: 'unsubscribed';
  readonly channel: string;
  /** The reason as a code: `ERR_REMOVED`. */
  readonly code: string;
  /** The reason, for people. */
  readonly reason: string;
}

/**
 * Sent before the server disconnects, because API Gateway always closes with code 1000 and cannot pass on
 * a reason.
 */
export interface ByeFrame {
  readonly type: 'bye';
  /** The reason as a code: `ERR_UNAUTHORIZED`. */
  readonly code: string;
  /** The reason, for people. */
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

/** The data of the reply to a `subscribe` frame: one outcome for each channel, in the same order. */
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

/** The data of the reply to an `unsubscribe` frame: each channel once, in the order of the request. */
export interface UnsubscribeReply {
  readonly channels: readonly (
    | { readonly channel: string }
    | { readonly channel: string; readonly error: WireError }
  )[];
}

/** Size of a text in bytes, as UTF-8. */
export function byteLength(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // The two units of a surrogate pair take four bytes together; any other unit from 0x800 on takes
    // three.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
