import type { Connection } from '../connection.js';
import type { AccessContext, AccessRule } from '../decorators/channel-definition.js';
import { ClientError } from '../errors/client-error.js';

/** One use of a channel by a connection. */
export interface Access {
  readonly connection: Connection;
  readonly params: Readonly<Record<string, string>>;
  readonly channel: string;
  readonly operation: AccessContext['operation'];
}

/** Whether the rule lets everyone in, so that there is nothing to ask. */
export function isOpen(rule: AccessRule | undefined, hasAuthorizer: boolean): boolean {
  return rule === 'public' || (rule === undefined && !hasAuthorizer);
}

/** Refuses what the channel's rule does not allow, with the same error whatever the operation was. */
export async function checkAccess(rule: AccessRule | undefined, access: Access): Promise<void> {
  const isAllowed: unknown =
    typeof rule === 'function' ? await rule(access) : access.connection.userId !== undefined;
  // Only `true` opens: a rule that forgets to return lets nobody in.
  if (isAllowed === true) return;
  throw new ClientError('ERR_FORBIDDEN', 'You may not use this channel.');
}
