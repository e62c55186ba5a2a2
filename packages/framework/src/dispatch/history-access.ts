import { ClientError } from '../errors/client-error.js';
import type { HistoryContext } from '../invocation/plugin.js';
import { logOf } from '../publish/channel-history.js';
import type { LogOfChannel } from '../store/log.js';
import { quote } from '../wire/frame.js';
import type { EventInvocation } from './app-invocation.js';
import { authorizeChannel } from './authorize-channel.js';

/** The log of a channel that a client has named. @throws ClientError - ERR_NO_HISTORY. */
export function requireLog(invocation: EventInvocation, channel: string): LogOfChannel {
  const log = logOf(invocation, channel);
  if (log) return log;
  throw new ClientError('ERR_NO_HISTORY', `The channel ${quote(channel)} keeps no history.`);
}

/**
 * Reads a channel's history for the connection of an invocation, if the access rule and the plugins allow it.
 *
 * @throws ClientError - if they refuse.
 */
// oxlint-disable-next-line max-params -- the last one is the work.
export async function readWithin<T>(
  invocation: EventInvocation,
  channel: unknown,
  kind: HistoryContext['kind'],
  read: () => Promise<T>,
): Promise<T> {
  const { params } = await authorizeChannel(invocation, channel, 'history');
  invocation.checkTime('an access rule');
  const { onHistory } = invocation.core.hooks;
  if (!onHistory) return read();
  const { connection } = invocation;
  let found: { readonly value: T } | undefined;
  await onHistory({ connection, channel: channel as string, params, kind }, async () => {
    invocation.checkTime('a plugin');
    found = { value: await read() };
  });
  // A plugin may swallow the error of a refusal, but that must not grant access.
  if (!found)
    throw new ClientError('ERR_FORBIDDEN', 'You may not read the history of this channel.');
  return found.value;
}
