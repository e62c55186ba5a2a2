import type { Api } from '../api.js';
import type { ServedDeployment } from '../deployment.js';

/**
 * Whether a request exceeds the limit of its route or of the account. If not, it counts for both (row
 * 7.5); a request that its route refuses does not count for the account. Refused requests are reported.
 */
export function isThrottled(
  api: Api,
  { throttles }: ServedDeployment,
  { route, connectionId }: { readonly route: string; readonly connectionId: string },
): boolean {
  const limits = [
    { bucket: throttles.get(route), whose: `The route "${route}"` },
    { bucket: api.accountThrottle, whose: 'The account' },
  ];
  const reached = limits.find(({ bucket }) => bucket?.take(api.now()) === false);
  if (!reached) return false;
  const detail = `${reached.whose} has reached its limit.`;
  api.report({ time: api.now(), route, connectionId, result: 'throttled', detail });
  return true;
}
