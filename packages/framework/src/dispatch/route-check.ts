import { makeError } from '../errors/gatecast-error.js';
import type { EventInvocation } from './app-invocation.js';

/**
 * Notices that the API's routes were made from an older manifest than that of this code: a message whose
 * action has a route of its own then arrives by `$default`. It is handled all the same.
 */
export class RouteCheck {
  #isDone = false;

  /** Reports it once in each environment, if GATECAST_ROUTES says that the API has the routes. */
  check(invocation: EventInvocation, action: string): void {
    if (this.#isDone || invocation.request.routeKey !== '$default') return;
    this.#isDone = true;
    if (process.env['GATECAST_ROUTES'] !== 'manifest') return;
    invocation.report(makeError('ERR_ROUTES_STALE', { action }));
  }
}
