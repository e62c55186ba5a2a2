import type { ServerResponse } from 'node:http';
import type { FaultOn } from '../faults.js';
import type { GatewayEvent } from '../gateway-event.js';
import type { Journal } from './journal.js';

/** What posts are called in the journal, where events have their route. */
export const POST_ROUTE = 'POST @connections';

interface Post {
  /** When it began, in milliseconds since the epoch. */
  readonly time: number;
  /** By now. */
  readonly now: number;
  readonly connectionId: string;
  readonly body: Buffer;
  /** The answer, which has been given. */
  readonly response: ServerResponse;
  /** The fault that struck. */
  readonly fault: FaultOn<'post'> | undefined;
}

const results: Readonly<Record<number, GatewayEvent['result']>> = {
  200: 'ok',
  429: 'throttled',
  500: 'failed',
};

/** Records a post to `@connections` whose signature was good. */
export function recordPost(journal: Journal, post: Post): void {
  const { time, now, connectionId, body, response, fault } = post;
  const { statusCode } = response;
  journal.record({
    time,
    route: POST_ROUTE,
    connectionId,
    result: fault?.kind === 'lost' ? 'lost' : (results[statusCode] ?? 'refused'),
    detail: fault ? `${statusCode}, by the fault "${fault.kind}"` : String(statusCode),
    durationMs: now - time,
    frames: Array.from({ length: arrivals(statusCode, fault) }, () => body.toString()),
  });
}

/** How often the connection got it. */
function arrivals(status: number, fault: FaultOn<'post'> | undefined): number {
  if (fault?.kind === 'doubled') return 2;
  if (fault?.kind === 'arrived-gone') return 1;
  return status === 200 && fault?.kind !== 'lost' ? 1 : 0;
}
