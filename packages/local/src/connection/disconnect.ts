import { makeDisconnectEvent } from '@gatecast/framework/testing';
import type { Api } from '../api.js';
import { elapsed } from '../clock.js';
import { integrate } from '../integration/integration.js';
import { describe } from '../integration/invoke.js';
import type { ConnectionFacts, Ending } from './connection.js';

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
  const { connectionId } = facts;
  const fault = api.faults.strike('$disconnect', { connectionId });
  if (fault?.kind === 'lost') {
    const detail = 'A fault lost it.';
    api.report({ time: api.now(), route: '$disconnect', connectionId, result: 'lost', detail });
    return;
  }
  if (fault) await elapsed(api.clock, fault.delayMs);
  const time = api.now();
  const event = makeDisconnectEvent({
    ...api.facts,
    ...facts,
    code,
    // The factory knows what AWS says where a close frame says nothing (row 1.23).
    reason: reason || (code === 1006 ? api.droppedReason : '') || undefined,
    now: time,
  });
  const outcome = await integrate(api, deployment, { route, event });
  api.report({ time, route: '$disconnect', connectionId, ...describe(outcome) }, { event });
}
