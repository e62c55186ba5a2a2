import { Random } from '../../simulation/src/world/random.js';

/** Every kind of fault, with how often it is drawn beside the others. */
const WEIGHTS = {
  'connection cut': 10,
  'connection silent': 2,
  'connection renewed by the server': 2,
  'environment killed in a message': 10,
  'environment killed in a subscription': 2,
  'message delayed': 6,
  '$disconnect lost': 4,
  '$disconnect delayed': 2,
  'post lost': 12,
  'post doubled': 8,
  'post delayed': 10,
  'post answered 429': 6,
  'post answered 410': 6,
  'post answered 410, but arrived': 3,
  'post answered 500': 3,
  'database restarted': 0.5,
  'two hours passed': 0.5,
  'bundle reloaded': 0.7,
  'page reloaded': 2,
  'connection handed over after its time': 1,
  'channel left and joined again': 3,
} as const;

export type FaultKind = keyof typeof WEIGHTS;

export const FAULT_KINDS = Object.keys(WEIGHTS) as readonly FaultKind[];

/** A fault to inject. Everything about it follows from the seed. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** When, in milliseconds after the start. */
  readonly atMs: number;
  /** Which of those that it may befall: a number from 0 up to 1. */
  readonly victim: number;
  /** How long it takes, or how late something comes: a number from 0 up to 1. */
  readonly howLong: number;
}

/** The mean time between two faults. */
const BETWEEN_MS = 350;
/** Each kind happens once within this part of the time, so that it has its effects. */
const FIRST_PART = 0.9;

/** Draws which faults happen when: each kind once, the rest by their weights. */
export function drawPlan(seed: number, durationMs: number): readonly PlannedFault[] {
  const random = new Random(seed);
  const partMs = (durationMs * FIRST_PART) / FAULT_KINDS.length;
  const plan = shuffled(FAULT_KINDS, random).map((kind, index) =>
    drawFault(kind, (index + random.next()) * partMs, random),
  );
  const more = Math.max(0, Math.round(durationMs / BETWEEN_MS) - plan.length);
  for (let count = 0; count < more; count += 1) {
    plan.push(drawFault(drawKind(random), random.next() * durationMs, random));
  }
  return plan.toSorted((one, other) => one.atMs - other.atMs);
}

/** A fault of a kind, with its victim and how long it takes. */
export function drawFault(kind: FaultKind, atMs: number, random: Random): PlannedFault {
  return { kind, atMs: Math.round(atMs), victim: random.next(), howLong: random.next() };
}

function drawKind(random: Random): FaultKind {
  let left = random.next() * Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);
  for (const kind of FAULT_KINDS) {
    left -= WEIGHTS[kind];
    if (left < 0) return kind;
  }
  return 'connection cut';
}

function shuffled<T>(list: readonly T[], random: Random): readonly T[] {
  const keyed = list.map((item) => ({ item, key: random.next() }));
  return keyed.toSorted((one, other) => one.key - other.key).map(({ item }) => item);
}
