import type { Operation, Plan, PublishOperation } from '../run/plan.js';

const DAY_MS = 86_400_000;
const MONTH_MS = 30 * DAY_MS;

function publish(id: string, atMs: number, againMs: readonly number[] = []): Operation {
  const content = `${id} content`;
  return { does: 'publish', atMs, client: 0, id, content, onOtherHash: 'refuse', againMs };
}

/** A message whose client gives up at once. */
function once(id: string): Operation {
  return { ...(publish(id, 0) as PublishOperation), isOnce: true };
}

const base = {
  level: 'log',
  store: 'dynamodb',
  retentionSeconds: 600,
  firstOffset: 0,
  clients: 0,
  environments: 2,
  budgetMs: 100 * DAY_MS,
  left: [],
  weather: {
    probabilities: {},
    freezesMs: [0],
    deletionDelayMs: 0,
    pageBytes: 1_048_576,
    returnsOldItem: true,
  },
} as const;

/**
 * Runs written by hand for faults that need processes which sleep for weeks: chance would rarely find them.
 * By the name of the fault.
 */
export const schedules: Readonly<Record<string, Plan>> = {
  // e1 appends m1 and gets no answer; the second try is refused, because m1 is in the log. Before e1 learns
  // that, it sleeps until shortly before HEAD expires. Then it acknowledges m1, and m2 begins another log.
  'duplicate acknowledged on an expiring HEAD': {
    ...base,
    seed: 1,
    operations: [publish('m1', 0), publish('m2', MONTH_MS + 100_000)],
    forced: {
      'e1 call 5 answer: answer lost': 1,
      'e1 call 6 answer: freeze': MONTH_MS - 100_000,
    },
  },
  // e1 signs its append of m1, sleeps for a month, and sends it although its time is over. Meanwhile m2 has
  // been published. The append must not bring the end of HEAD back to where it was a month ago.
  'expiry of HEAD may go back': {
    ...base,
    seed: 1,
    operations: [once('m1'), publish('m2', MONTH_MS - 500_000), publish('m3', MONTH_MS + 60_000)],
    forced: {
      'e1 call 5 request: freeze': MONTH_MS - 100_000,
      'e1 call 5 request: sent after its time': 1,
    },
  },
};
