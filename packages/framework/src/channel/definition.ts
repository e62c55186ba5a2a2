import type { Params } from '@gatecast/protocol';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type OptionTypes, option } from '../errors/check-options.js';
import type { LogSettings } from '../store/log.js';
import type { Connection } from '../wire/connection.js';
import type { AccessRule } from './access.js';

/**
 * Subscribes each new connection: `true` for a pattern without parameters, otherwise a function that
 * returns the parameters, or `undefined` to leave this connection out. Connections that the access rule
 * refuses are left out, too.
 *
 * @group Channels
 */
export type AutoSubscribe<P extends string = string> = string extends P
  ? boolean | ((connection: Connection) => Params<P> | undefined)
  : keyof Params<P> extends never
    ? boolean
    : (connection: Connection) => Params<P> | undefined;

/** Options of `@Channel` and `defineChannel`. @group Channels */
// oxlint-disable-next-line typescript/no-invalid-void-type -- as in AccessRule.
export interface ChannelOptions<P extends string = string, I = void> {
  /**
   * First part of the messages' names on the wire: `rooms` in `rooms.post`.
   * @default the pattern's first literal segment
   */
  readonly name?: string;
  /**
   * Who may use the channel. It is checked for each subscribe, each message and each read of the history. The
   * rule of a class gets the class's instance, and with it what a container has injected:
   * `access: (ctx, channel: TicketChannel) => channel.mayUse(ctx)`.
   * @default 'authenticated' if the app has an authorizer, otherwise 'public'
   */
  readonly access?: AccessRule<P, I>;
  /**
   * Subscribes each new connection in `$connect`. The subscribe handler is not called then.
   * @default false
   */
  readonly autoSubscribe?: AutoSubscribe<P>;
  /**
   * Keeps the channel's events in the store's log, so that a client gets what it has missed, in order and once:
   * `{ retentionSeconds: 86_400 }`. `retentionSeconds` is at least 600. Needs a store with a log.
   * @default events are delivered, but not kept
   */
  readonly history?: LogSettings;
}

/** Allowed values of a channel's options. Conflicts with the pattern are found later. */
export const channelOptionTypes: OptionTypes<ChannelOptions> = {
  name: option.text,
  access: {
    takes: "'public', 'authenticated' or a function",
    fits: (value) => value === 'public' || value === 'authenticated' || typeof value === 'function',
  },
  autoSubscribe: {
    takes: 'true, false or a function',
    fits: (value) => typeof value === 'boolean' || typeof value === 'function',
  },
  history: option.object,
};

/** One handler for one kind of message. */
export interface MessageDefinition {
  readonly method: string;
  readonly schema?: StandardSchemaV1;
  /** Whether the sender gets an answer. */
  readonly reply: boolean;
  call(message: unknown, ctx: unknown): unknown;
}

/** A lifecycle handler of a channel, such as for `@OnSubscribe`. */
export interface LifecycleDefinition {
  readonly method: string;
  call(ctx: unknown): unknown;
}

/** Everything that was declared about a channel, by a class or by `defineChannel`. */
export interface ChannelDefinition {
  /** Name of the channel in messages to the developer: `RoomChannel`. */
  readonly label: string;
  readonly pattern: string;
  readonly options: ChannelOptions;
  readonly connect?: LifecycleDefinition;
  readonly disconnect?: LifecycleDefinition;
  readonly subscribe?: LifecycleDefinition;
  readonly unsubscribe?: LifecycleDefinition;
  readonly messages: readonly MessageDefinition[];
}
