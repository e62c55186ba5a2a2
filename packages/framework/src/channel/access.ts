import type { Params } from '@gatecast/protocol';
import { makeError } from '../errors/gatecast-error.js';
import type { Connection } from '../wire/connection.js';
import type { RouteTable } from './route-table.js';

/** The context of an access rule. @group Access and identity */
export interface AccessContext<P extends string = string> {
  readonly connection: Connection;
  /** The parameters in the channel's name, decoded. */
  readonly params: Params<P>;
  /** The channel's name. */
  readonly channel: string;
  /**
   * Whether the connection wants to `subscribe` to the channel, to send it a `message` or to read its `history`.
   */
  readonly operation: Operation;
}

/**
 * What a connection may want to do with a channel. Later versions will add operations, so a rule should
 * refuse those that it does not know.
 *
 * @group Access and identity
 */
export type Operation = 'subscribe' | 'message' | 'history';

/**
 * Who may use a channel: `public` means everyone, and `authenticated` every connection with a user. A
 * function decides for each connection: unless it returns exactly `true`, the connection is refused with
 * `ERR_FORBIDDEN`. It may also throw its own `ClientError`. The rule of a class also gets the instance that
 * handles the channel, to ask what was injected into it; of `defineChannel` there is none.
 *
 * @typeParam I - The instance: the class that has the rule.
 * @group Access and identity
 */
// oxlint-disable-next-line typescript/no-invalid-void-type -- a parameter of type void may be left out.
export type AccessRule<P extends string = string, I = void> =
  | 'public'
  | 'authenticated'
  | ((ctx: AccessContext<P>, channel: I) => boolean | Promise<boolean>);

/**
 * Throws if a channel has `access: 'authenticated'` and the app has no authorizer.
 *
 * @throws ConfigurationError - ERR_ACCESS_UNREACHABLE.
 */
export function checkReachable({ channels }: RouteTable, hasAuthorizer: boolean): void {
  if (hasAuthorizer) return;
  const closed = channels.find(({ options }) => options.access === 'authenticated');
  if (closed) throw makeError('ERR_ACCESS_UNREACHABLE', { label: closed.label });
}
