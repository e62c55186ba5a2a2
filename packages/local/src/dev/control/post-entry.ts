import type { GatewayEvent, PostEvent } from '../../gateway/events.js';
import type { JournalEntry } from './journal.js';

/** The name of posts in the journal, in place of a route. */
export const POST_ROUTE = 'POST @connections';

const results: Readonly<Record<number, GatewayEvent['result']>> = {
  200: 'ok',
  429: 'throttled',
  500: 'failed',
};

/** The entry of the journal for a post to `@connections`. */
export function postEntry(post: PostEvent): Omit<JournalEntry, 'number'> {
  const { time, durationMs, connectionId, body, status, fault } = post;
  return {
    time,
    route: POST_ROUTE,
    connectionId,
    result: fault?.kind === 'lost' ? 'lost' : (results[status] ?? 'refused'),
    detail: fault ? `${status}, by the fault "${fault.kind}"` : String(status),
    durationMs,
    frames: Array.from({ length: arrivals(post) }, () => body.toString()),
  };
}

/** How often the connection got the frame. */
function arrivals({ status, fault }: PostEvent): number {
  if (fault?.kind === 'doubled') return 2;
  if (fault?.kind === 'arrived-gone') return 1;
  return status === 200 && fault?.kind !== 'lost' ? 1 : 0;
}
