import { makeDisconnectEvent } from '@gatecast/framework/testing';
import type { Api } from './api.js';
import type { ConnectionFacts, Ending } from './connection.js';
import { integrate } from './integration.js';
import { describe } from './invoke.js';

/**
 * Tells the function that a connection has ended, if there is a route for it. Its answer goes
 * nowhere (row 1.30).
 */
export async function sendDisconnect(
  api: Api,
  facts: ConnectionFacts,
  { code, reason }: Ending,
): Promise<void> {
  const { deployment } = api;
  const route = deployment?.routes.get('$disconnect');
  if (!deployment || !route) return;
  const time = api.now();
  const event = makeDisconnectEvent({
    ...api.facts,
    ...facts,
    code,
    // The factory knows what AWS says where a close frame says nothing (row 1.23).
    reason: reason || undefined,
    now: time,
  });
  const outcome = await integrate(api, deployment, { route, event });
  const { connectionId } = facts;
  api.report({ time, route: '$disconnect', connectionId, ...describe(outcome) });
}
