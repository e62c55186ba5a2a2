import { IDENTITY_KEY, makeConnection } from '../wire/identity.js';
import type { EventInvocation } from './app-invocation.js';
import { disconnectContext } from './contexts.js';
import { identityOfRecord } from './identify.js';
import { tellOfLeaving } from './leave.js';

/**
 * Forgets a connection, then tells the handlers. They run for a connection that this event removed, so
 * once, however often API Gateway sends it. If one throws, the others still run.
 */
export async function handleDisconnect(invocation: EventInvocation): Promise<void> {
  const { core, event, request } = invocation;
  core.identities.forget(request.connectionId);
  const removed = await invocation.connections.disconnect(request.connectionId, invocation.limit());
  if (!removed) return;
  const { record, channels } = removed;
  const identity = identityOfRecord(core, record, request.authorizer?.[IDENTITY_KEY]);
  invocation.connection = makeConnection(request, identity);
  const ctx = disconnectContext(invocation, channels);
  const tell = async (): Promise<void> => {
    const { connection } = invocation;
    await tellOfLeaving(invocation, channels, { connection, cause: 'disconnect', event });
    for (const { disconnect, label } of core.table.channels) {
      await attempt(invocation, `@OnDisconnect of ${label}`, () => disconnect?.call(ctx));
    }
  };
  const { onDisconnect } = core.hooks;
  await attempt(invocation, 'a plugin', () => (onDisconnect ? onDisconnect(ctx, tell) : tell()));
}

async function attempt(
  invocation: EventInvocation,
  label: string,
  run: () => unknown,
): Promise<void> {
  try {
    await invocation.inTime(Promise.resolve(run()), label);
  } catch (error) {
    invocation.report(error);
  }
}
