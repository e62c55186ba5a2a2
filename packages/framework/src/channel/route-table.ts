import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ChannelDefinition, MessageDefinition } from './definition.js';
import type { PatternMatch } from './pattern.js';

/** A channel class that has been checked. */
export interface CompiledChannel extends ChannelDefinition {
  /** First part of its messages' names on the wire. */
  readonly name: string;
}

/** What a route leads to. */
export type RouteKind =
  | 'connect'
  | 'disconnect'
  | 'default'
  | 'subscribe'
  | 'unsubscribe'
  | 'ping'
  | 'message';

/** One route key of the API and what it compiles to. */
export interface Route {
  /** The route key: `$connect`, `subscribe`, `rooms.post`. */
  readonly key: string;
  readonly kind: RouteKind;
  /** Whether the client gets an answer: then the route has a route response. */
  readonly twoWay: boolean;
  /** Which method it came from: `RoomChannel.post`; absent for routes of the framework's own. */
  readonly source?: string;
  /** What validates its messages. */
  readonly schema?: StandardSchemaV1;
}

/** A {@link Route} of a message, with its handler. */
export interface MessageRoute extends Route {
  readonly kind: 'message';
  /** The channel class that it belongs to. */
  readonly channel: CompiledChannel;
  readonly message: MessageDefinition;
}

/** Everything that was compiled from an app's channels. Frozen. */
export interface RouteTable {
  /** The built-in routes first, then those of messages, in the order of the channels. */
  readonly routes: readonly (Route | MessageRoute)[];
  readonly channels: readonly CompiledChannel[];
  /**
   * Finds the channel class of a name, and the decoded parameters; `undefined` for none, and for a
   * name that is not legal.
   */
  find(channelName: string): PatternMatch<CompiledChannel> | undefined;
}
