import { connectionsWithin, identityOf } from '../invocation/invocation.js';
import { makeConnection } from '../wire/identity.js';
import { type Call, disconnectContext, unsubscribeContext } from './contexts.js';

/** Forgets a connection, then tells the handlers. One that throws does not keep the others from it. */
export async function handleDisconnect(call: Call): Promise<void> {
  const { core, event, lambdaContext, route } = call;
  const { requestContext } = event;
  const { connectionId, requestId } = requestContext;
  const identity = await identityOf(core, { request: requestContext, lambdaContext });
  const { channels = [] } =
    (await connectionsWithin(core, lambdaContext).disconnect(connectionId)) ?? {};
  const connection = makeConnection(requestContext, identity);
  const attempt = async (run: () => unknown): Promise<void> => {
    try {
      await run();
    } catch (error) {
      core.report(error, { route, connectionId, requestId, isAnswered: false });
    }
  };
  const ctx = disconnectContext(call, connection, channels);
  const tell = async (): Promise<void> => {
    for (const name of channels) {
      const match = core.table.find(name);
      const { unsubscribe } = match?.value ?? {};
      if (!match || !unsubscribe) continue;
      const left = { name, params: match.params, cause: 'disconnect' } as const;
      await attempt(() => unsubscribe.call(unsubscribeContext(call, connection, left)));
    }
    for (const { disconnect } of core.table.channels) await attempt(() => disconnect?.call(ctx));
  };
  await attempt(() => (core.hooks.onDisconnect ? core.hooks.onDisconnect(ctx, tell) : tell()));
}
