import type { WireErrorCode } from './error-codes.js';

/** What a client sends. `action` is the route key that API Gateway selects. @group Frames */
export type ClientFrame =
  | SubscribeFrame
  | UnsubscribeFrame
  | HistoryFrame
  | SyncFrame
  | PingFrame
  | MessageFrame;

/**
 * Asks to receive the events of channels; the reply's data is a {@link SubscribeReply}.
 *
 * @group Frames
 */
export interface SubscribeFrame {
  readonly action: 'subscribe';
  /** Identifies the request: 1 to 64 characters. */
  readonly id: string;
  /** 1 to 50 channels. If one is there twice, its first entry counts. */
  readonly channels: readonly ChannelToSubscribe[];
}

/** One channel of a {@link SubscribeFrame}. @group Frames */
export interface ChannelToSubscribe {
  readonly channel: string;
  /**
   * The position up to which the client has all events: the server sends those after it. Taken from an event, an
   * outcome or a {@link HistoryReply}.
   */
  readonly position?: string;
  /** How many of the latest events to send, if there is no position or it is of no use. */
  readonly rewind?: number;
}

/**
 * Asks for events of a channel with history; the reply's data is a {@link HistoryReply}.
 *
 * @group Frames
 */
export interface HistoryFrame {
  readonly action: 'history';
  /** Identifies the request: 1 to 64 characters. */
  readonly id: string;
  readonly channel: string;
  /** Asks for the events after this position, oldest first. */
  readonly after?: string;
  /** Asks for the events that end before this position. Without `after` and `before`: for the latest events. */
  readonly before?: string;
  /**
   * Most events; 0 asks for the position of the channel's last event alone. A frame has room for a few hundred.
   * @default 100
   */
  readonly limit?: number;
}

/** Asks whether events were missed; the reply's data is a {@link SyncReply}. @group Frames */
export interface SyncFrame {
  readonly action: 'sync';
  /** Identifies the request: 1 to 64 characters. */
  readonly id: string;
  /** The client's position in 1 to 50 channels, by the channel's name. */
  readonly positions: Readonly<Record<string, string>>;
}

/** Ends subscriptions; the reply's data is an {@link UnsubscribeReply}. @group Frames */
export interface UnsubscribeFrame {
  readonly action: 'unsubscribe';
  /** Identifies the request: 1 to 64 characters. */
  readonly id: string;
  /** 1 to 50 channels. */
  readonly channels: readonly string[];
}

/**
 * Keeps the connection alive; API Gateway itself answers with a {@link PongFrame}.
 *
 * @group Frames
 */
export interface PingFrame {
  readonly action: 'ping';
}

/** A message for a channel's handler: `action` is `rooms.post`. @group Frames */
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

/** What a server sends. @group Frames */
export type ServerFrame =
  | ReplyFrame
  | ErrorFrame
  | EventFrame
  | EventsFrame
  | UnsubscribedFrame
  | ByeFrame
  | PongFrame;

/** The answer to the request `id`. @group Frames */
export interface ReplyFrame {
  readonly type: 'reply';
  readonly id: string;
  /**
   * The return value of the handler, or a {@link SubscribeReply}, {@link UnsubscribeReply},
   * {@link HistoryReply} or {@link SyncReply}. Absent if the handler returned nothing.
   */
  readonly data?: unknown;
  /**
   * In every reply to a {@link SubscribeFrame} or a {@link SyncFrame}, because a server does not know which reply
   * is a connection's first.
   */
  readonly server?: ServerSettings;
}

/**
 * Settings that a server sends to its clients. A client has defaults for missing values.
 *
 * @group Frames
 */
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

/** Why a request, or one of its channels, was refused. @group Frames */
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

/** Refuses the request `id`. Without `id` if the frame had no readable one. @group Frames */
export interface ErrorFrame {
  readonly type: 'error';
  readonly id?: string;
  readonly error: WireError;
}

/** One event of a channel. @group Frames */
export interface ChannelEventBody {
  /** The event's name. */
  readonly event: string;
  readonly data: unknown;
  /** Two events on one channel with the same id are the same event. */
  readonly id: string;
  /**
   * When it was published, in milliseconds since 1970. On channels with history it may fall from one event to the
   * next: the order is that of the positions.
   */
  readonly at: number;
  /**
   * Its place in the channel's history; absent if it is not kept. Applications do not take it apart; a client does,
   * with `parsePosition`.
   */
  readonly position?: string;
  /**
   * The tag of the event before it, on stores that may lose their latest events. A client that has another one
   * has seen an event that was lost, and subscribes again with its position.
   */
  readonly prev?: string;
  /**
   * Reserved for later versions. A client that does not know the value moves its position past the event and
   * hands it to nobody.
   */
  readonly op?: string;
}

/** One event. @group Frames */
export interface EventFrame extends ChannelEventBody {
  readonly type: 'event';
  readonly channel: string;
}

/** Several events of one channel. @group Frames */
export interface EventsFrame {
  readonly type: 'events';
  readonly channel: string;
  readonly events: readonly ChannelEventBody[];
  /** Whether more events follow, which a {@link HistoryFrame} gets. */
  readonly more?: true;
}

/** The server ended a subscription. The client must not subscribe again by itself. @group Frames */
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
 *
 * @group Frames
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

/** Answers a {@link PingFrame}. @group Frames */
export interface PongFrame {
  readonly type: 'pong';
}

/**
 * The data of the reply to a `subscribe` frame: one outcome for each channel, in the same order.
 *
 * @group Frames
 */
export interface SubscribeReply {
  readonly channels: readonly SubscribeOutcome[];
}

/** What every outcome of a successful subscription may have. */
interface Subscribed {
  readonly channel: string;
  /** What the channel's subscribe handler returned. */
  readonly data?: unknown;
  /** The position of the channel's last event. Only of channels with history. */
  readonly position?: string;
  /** Missed or latest events, in order. They may end, or begin, earlier than asked: see `more`. */
  readonly events?: readonly ChannelEventBody[];
  /**
   * Whether events are left: after `resumed` those after the last one of `events`, else those before the first one.
   * A {@link HistoryFrame} gets them; if `events` is empty, one after the client's own position, or one without a
   * position.
   */
  readonly more?: true;
  /** When to ask for missed events by a {@link SyncFrame}. Absent if the channel has too many subscribers. */
  readonly tailCheck?: TailCheck;
}

/**
 * When a client asks whether it has missed the last events of a channel, which nothing else would reveal: once,
 * `afterMs` plus a random part of `windowMs` after the last event that it got. Both are in milliseconds.
 *
 * @group Frames
 */
export interface TailCheck {
  readonly afterMs: number;
  readonly windowMs: number;
}

/**
 * Why a position is of no use. `epoch`: it belongs to a history that no longer exists. `forked`: the history does not
 * contain the event that it names, because the store has lost it. `trimmed`: events after it have expired or were
 * deleted.
 *
 * @group History
 */
export type ResetReason = 'epoch' | 'forked' | 'trimmed';

/** One channel of a {@link SubscribeReply}. @group Frames */
export type SubscribeOutcome =
  /** Events from now on; with `rewind`, also the latest ones. */
  | (Subscribed & { readonly result: 'live' })
  /** All events after the client's position, and from now on. */
  | (Subscribed & { readonly result: 'resumed'; readonly position: string })
  /**
   * Events from now on. Some may be missing between the client's position and now. `forbidden`: the access rule
   * refuses the history of the channel. `no-history`: the channel keeps none.
   */
  | (Subscribed & {
      readonly result: 'reset';
      readonly reason: ResetReason | 'forbidden' | 'no-history';
    })
  | { readonly channel: string; readonly error: WireError };

/** The data of the reply to a `history` frame. @group Frames */
export type HistoryReply =
  | {
      readonly result: 'page';
      /** The position of the channel's last event. */
      readonly position: string;
      /** In order, and without a hole between them. */
      readonly events: readonly ChannelEventBody[];
      /** Whether more events follow in the direction that was asked for. */
      readonly more?: true;
    }
  | {
      /** The position is of no use, so there is no answer without a hole. */
      readonly result: 'reset';
      readonly reason: ResetReason;
      readonly position: string;
    };

/** The data of the reply to a `sync` frame: one outcome for each channel. @group Frames */
export interface SyncReply {
  readonly channels: readonly SyncOutcome[];
}

/**
 * One channel of a {@link SyncReply}. `current`: nothing was missed. `behind`: there are events after the position,
 * which a {@link HistoryFrame} gets. `resubscribe`: the position is of no use; subscribing with it tells why.
 * `not-subscribed`: the connection is not subscribed to the channel.
 *
 * @group Frames
 */
export type SyncOutcome =
  | {
      readonly channel: string;
      readonly result: 'current' | 'behind' | 'resubscribe' | 'not-subscribed';
    }
  | { readonly channel: string; readonly error: WireError };

/**
 * The data of the reply to an `unsubscribe` frame: each channel once, in the order of the request.
 *
 * @group Frames
 */
export interface UnsubscribeReply {
  readonly channels: readonly (
    | { readonly channel: string }
    | { readonly channel: string; readonly error: WireError }
  )[];
}

/** Size of a text in bytes, as UTF-8. @group Ids and bytes */
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
