import type { Api } from '../api.js';
import type { ServedDeployment } from '../deployment.js';

/**
 * Whether a request on a route is one too many for the route or the account; if not, it is counted
 * for both (row 7.5). What its route turns down costs the account nothing. Reports what is one too
 * many.
 */
export function isThrottled(
  api: Api,
  { throttles }: ServedDeployment,
  { route, connectionId }: { readonly route: string; readonly connectionId: string },
): boolean {
  const limits = [
    { bucket: throttles.get(route), whose: `the route "${route}"` },
    { bucket: api.accountThrottle, whose: 'the account' },
  ];
  const reached = limits.find(({ bucket }) => bucket?.take(api.now()) === false);
  if (!reached) return false;
  const detail = `The limit of ${reached.whose} is reached.`;
  api.report({ time: api.now(), route, connectionId, result: 'throttled', detail });
  return true;
}
