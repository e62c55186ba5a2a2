import type { Params } from '@gatecast/protocol';
import { makeError } from '../errors/gatecast-error.js';
import type { Connection } from '../wire/connection.js';
import type { RouteTable } from './route-table.js';

/** What an access rule decides on. */
export interface AccessContext<P extends string = string> {
  readonly connection: Connection;
  /** The parameters in the channel's name, decoded. */
  readonly params: Params<P>;
  /** The channel's name. */
  readonly channel: string;
  /** What the connection wants to do: `subscribe` to the channel, or send it a `message`. */
  readonly operation: Operation;
}

/** What a connection may want of a channel. There will be more: let a rule refuse what it does not know. */
export type Operation = 'subscribe' | 'message';

/**
 * Who may use a channel: `public`, everyone; `authenticated`, every connection that has a user; or
 * a function that returns whether this one may. Anything it returns but `true` is `ERR_FORBIDDEN`;
 * it may throw a `ClientError` of its own.
 */
export type AccessRule<P extends string = string> =
  | 'public'
  | 'authenticated'
  | ((ctx: AccessContext<P>) => boolean | Promise<boolean>);

/**
 * Throws when a channel has `access: 'authenticated'` and the app has no authorizer.
 *
 * @throws ConfigurationError - ERR_ACCESS_UNREACHABLE.
 */
export function checkReachable({ channels }: RouteTable, hasAuthorizer: boolean): void {
  if (hasAuthorizer) return;
  const closed = channels.find(({ options }) => options.access === 'authenticated');
  if (closed) throw makeError('ERR_ACCESS_UNREACHABLE', { label: closed.label });
}
