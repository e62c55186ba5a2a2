import { makeDisconnectEvent } from '@gatecast/framework/testing';
import type { Api } from '../api.js';
import { elapsed } from '../clock.js';
import { integrate } from '../routes/integration.js';
import { describe } from '../routes/invoke.js';
import type { ConnectionDetails, Ending } from './connection.js';

/**
 * Sends `$disconnect` to the function, if there is a route for it. The answer is ignored (row 1.30).
 */
export async function sendDisconnect(
  api: Api,
  details: ConnectionDetails,
  { code, reason }: Ending,
): Promise<void> {
  const { deployment } = api;
  const route = deployment?.routes.get('$disconnect');
  if (!deployment || !route) return;
  const { connectionId } = details;
  const fault = api.faults.strike('$disconnect', { connectionId });
  if (fault?.kind === 'lost') {
    const detail = 'Lost by a fault.';
    api.report({ time: api.now(), route: '$disconnect', connectionId, result: 'lost', detail });
    return;
  }
  if (fault) await elapsed(api.clock, fault.delayMs);
  const time = api.now();
  const event = makeDisconnectEvent({
    ...api.details,
    ...details,
    code,
    // Without a reason, the factory of events uses the text of AWS (row 1.23).
    reason: reason || (code === 1006 ? api.droppedReason : '') || undefined,
    now: time,
  });
  const outcome = await integrate(api, deployment, { route, event });
  const described = describe(outcome, { isUnseen: true });
  api.report({ time, route: '$disconnect', connectionId, ...described }, { event });
}
