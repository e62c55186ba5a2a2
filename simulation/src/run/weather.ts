import type { Random } from '../world/random.js';

/** What the adversary can do, with the words of the story and of the counts. */
export const FAULT_KINDS = [
  'death',
  'freeze',
  'request lost',
  'answer lost',
  'no answer',
  'applied twice',
  'applied late',
  'throttled',
  'server error',
  'unprocessed',
  'push lost',
  'push doubled',
  'push late',
  'push failed',
  'connection cut',
  'disconnect lost',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** What the adversary does in one run: how often each fault happens, and how long freezes take. */
export interface Weather {
  readonly probabilities: Readonly<Partial<Record<FaultKind, number>>>;
  /** Lengths of freezes, in milliseconds; one is drawn for each, with a jitter. */
  readonly freezesMs: readonly number[];
  /** How long after its time to live a row is deleted, in milliseconds: at most. Infinity: never. */
  readonly deletionDelayMs: number;
  /** Where pages of a Query end, in bytes. */
  readonly pageBytes: number;
  /** Whether a failed condition returns the item. */
  readonly returnsOldItem: boolean;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Lengths around which the algorithm changes its mind: see `packages/adapters/src/dynamodb/log/times.ts`. */
export function criticalTimesMs(retentionSeconds: number): readonly number[] {
  const retention = retentionSeconds * SECOND;
  return [
    2 * SECOND,
    10 * SECOND,
    MINUTE,
    5 * MINUTE,
    HOUR / 2,
    HOUR,
    retention,
    retention + HOUR / 2,
    retention + HOUR,
    retention + HOUR + MINUTE,
    2 * retention + 2 * HOUR,
    2 * DAY,
    30 * DAY,
    60 * DAY,
  ];
}

/** Draws what the adversary does, so that runs differ in kind: each does a few things, some of them often. */
export function drawWeather(random: Random, retentionSeconds: number): Weather {
  const probabilities: Partial<Record<FaultKind, number>> = {};
  const share = random.pick([0, 0.15, 0.3, 0.6]);
  for (const kind of FAULT_KINDS) {
    if (random.chance(share)) probabilities[kind] = 0.003 * 40 ** random.next();
  }
  return {
    probabilities,
    freezesMs: random.some(criticalTimesMs(retentionSeconds), 0.25),
    deletionDelayMs: random.pick([0, 10 * MINUTE, 48 * HOUR, Infinity]),
    pageBytes: random.pick([1_048_576, 1_048_576, 2_000, 400]),
    returnsOldItem: random.chance(0.8),
  };
}

/** A length near another one. */
export function near(random: Random, lengthMs: number): number {
  if (random.chance(0.5)) return lengthMs + random.between(-5_000, 5_000);
  return Math.round(lengthMs * (0.97 + 0.06 * random.next()));
}
