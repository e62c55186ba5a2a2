import type { ServerResponse } from 'node:http';
import type { GatewayEvent } from '../../gateway/events.js';
import type { FaultOn } from '../../gateway/faults.js';
import type { Journal } from './journal.js';

/** The name of posts in the journal, in place of a route. */
export const POST_ROUTE = 'POST @connections';

interface Post {
  /** Start time, in milliseconds since the epoch. */
  readonly time: number;
  readonly now: number;
  readonly connectionId: string;
  readonly body: Buffer;
  /** The answer, which has been sent. */
  readonly response: ServerResponse;
  /** The fault that happened, if any. */
  readonly fault: FaultOn<'post'> | undefined;
}

const results: Readonly<Record<number, GatewayEvent['result']>> = {
  200: 'ok',
  429: 'throttled',
  500: 'failed',
};

/** Records a post to `@connections` with a valid signature. */
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

/** How often the connection got the frame. */
function arrivals(status: number, fault: FaultOn<'post'> | undefined): number {
  if (fault?.kind === 'doubled') return 2;
  if (fault?.kind === 'arrived-gone') return 1;
  return status === 200 && fault?.kind !== 'lost' ? 1 : 0;
}
