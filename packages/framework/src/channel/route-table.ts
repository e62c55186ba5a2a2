import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ChannelDefinition, MessageDefinition } from './definition.js';
import type { PatternMatch } from './pattern.js';

/** A channel class after all checks. */
export interface CompiledChannel extends ChannelDefinition {
  /** First part of the names of its messages on the wire. */
  readonly name: string;
}

/** What a route does. @group Deployment */
export type RouteKind =
  | 'connect'
  | 'disconnect'
  | 'default'
  | 'subscribe'
  | 'unsubscribe'
  | 'history'
  | 'sync'
  | 'ping'
  | 'message';

/** One route key of the API and what it compiles to. @group Deployment */
export interface Route {
  /** The route key: `$connect`, `subscribe`, `rooms.post`. */
  readonly key: string;
  readonly kind: RouteKind;
  /** Whether the client gets an answer, for which the route needs a route response. */
  readonly twoWay: boolean;
  /** The method that it was compiled from: `RoomChannel.post`. Absent for routes of the framework. */
  readonly source?: string;
  /** Validates its messages. */
  readonly schema?: StandardSchemaV1;
}

/** A {@link Route} of a message, with its handler. @group Deployment */
export interface MessageRoute extends Route {
  readonly kind: 'message';
  /** The channel class that it belongs to. */
  readonly channel: CompiledChannel;
  readonly message: MessageDefinition;
}

/** Everything that was compiled from an app's channels. Frozen. @group Deployment */
export interface RouteTable {
  /** First the built-in routes, then those of messages, in the order of the channels. */
  readonly routes: readonly (Route | MessageRoute)[];
  readonly channels: readonly CompiledChannel[];
  /**
   * Finds the channel class of a name and the decoded parameters; `undefined` if no class matches or the
   * name is not legal.
   */
  find(channelName: string): PatternMatch<CompiledChannel> | undefined;
}
