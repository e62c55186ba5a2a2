import { IDENTITY_KEY, makeConnection } from '../wire/identity.js';
import type { EventInvocation } from './app-invocation.js';
import { disconnectContext } from './contexts.js';
import { identityOfRecord } from './identify.js';
import { tellOfLeaving } from './leave.js';

/**
 * Removes a connection from the store, then runs the handlers. They run only if this event removed the
 * connection, so once, even if API Gateway sends the event several times. If one throws, the others still
 * run.
 */
export async function handleDisconnect(invocation: EventInvocation): Promise<void> {
  const { core, event, request } = invocation;
  core.identities.forget(request.connectionId);
  const removed = await invocation.inTime(
    invocation.connections.disconnect(request.connectionId, invocation.limit()),
    'the store',
  );
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
  if (!onDisconnect) return tell();
  await attempt(invocation, 'a plugin or a handler', () => onDisconnect(ctx, tell));
}

async function attempt(
  invocation: EventInvocation,
  label: string,
  run: () => unknown,
): Promise<void> {
  try {
    invocation.checkTime(label);
    await invocation.inTime(Promise.resolve(run()), label);
  } catch (error) {
    invocation.report(error);
  }
}
