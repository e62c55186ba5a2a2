import type { TailCheck } from '@gatecast/protocol';
import { Random } from '../simulation/random.js';
import type { Lot } from '../simulation/world.js';
import { drawSteps, isPlain, type LogStep } from './steps.js';

/** What goes wrong by chance, each time it could. */
export const logFaults = [
  'losePush',
  'doublePush',
  'reorderPush',
  'latePush',
  'loseRequest',
  'loseAnswer',
  'slowHandler',
  'reorderAnswer',
  'doubleAnswer',
  'refuse',
  'gatewayError',
  'unknownConnection',
  'handshakeRefused',
  'handshakeThrows',
  'handshakeSilent',
  'handshakeLate',
] as const;
export type LogFault = (typeof logFaults)[number];

/** How the last event of a channel gets known when nothing goes wrong any more. */
export type Ending = 'event' | 'tail check' | 'keep-alive';

/** What the server and the page are like. */
export interface Setting {
  /** As on Redis: each event names the one before it, and the log may forget its end. */
  readonly hasPrev: boolean;
  readonly tailCheck: TailCheck | undefined;
  /** Most events of one reply. */
  readonly pageSize: number;
  readonly rewind: number;
  readonly storage: 'none' | 'works' | 'throws';
  readonly isPage: boolean;
  /** Whether events are published at the very moment in which the client opens a second connection. */
  readonly isBusy: boolean;
  readonly ending: Ending;
}

/** Everything that a seed draws beforehand. What it draws on the way follows from the seed, too. */
export interface LogPlan extends Lot {
  readonly rates: Readonly<Partial<Record<LogFault, number>>>;
  readonly steps: readonly LogStep[];
  /** Nothing goes wrong from then on. */
  readonly calmAtMs: number;
  readonly setting: Setting;
}

const MINUTE_MS = 60_000;

/** How long runs take, in virtual time: a connection is replaced after 105 min at the earliest. */
export const spans = {
  minutes: [15_000, MINUTE_MS, MINUTE_MS, 5 * MINUTE_MS],
  hours: [130 * MINUTE_MS, 260 * MINUTE_MS],
} as const;
export type Span = keyof typeof spans;

/** Draws a plan. Each seed has faults of its own: with all of them at once, little would ever work. */
export function drawLogPlan(seed: number, span: Span): LogPlan {
  const random = new Random(`log plan ${span} ${seed}`);
  const lengthMs = random.pick<number>(spans[span]);
  const hasPrev = random.chance(0.4);
  const tailCheck = random.chance(0.6)
    ? { afterMs: random.pick([1_000, 3_000]), windowMs: random.pick([500, 2_000]) }
    : undefined;
  // Where nothing goes wrong, nothing is to be asked for.
  const isPerfect = random.chance(0.05);
  const steps = drawSteps(random, { lengthMs, hasPrev }).filter(
    (step) => !isPerfect || isPlain(step),
  );
  const rates = isPerfect ? {} : drawRates(random);
  // A subscription that the server has lost, and an end that it has forgotten, are found by asking alone.
  const mayForget =
    steps.some(({ do: does }) => /^(forget|begin|trim)/.test(does)) || rates.slowHandler;
  const endings: readonly Ending[] = tailCheck
    ? ['event', 'tail check', 'keep-alive']
    : ['event', 'keep-alive'];
  return {
    seed,
    rates,
    steps,
    calmAtMs: lengthMs,
    setting: {
      hasPrev,
      tailCheck,
      pageSize: random.pick([1, 3, 10, 100]),
      rewind: random.pick([0, 0, 1, 5, 100]),
      storage: random.pick(['none', 'works', 'works', 'works', 'throws']),
      isPage: random.chance(0.8),
      isBusy: random.chance(0.7),
      ending: mayForget ? 'keep-alive' : random.pick(endings),
    },
  };
}

function drawRates(random: Random): LogPlan['rates'] {
  if (random.chance(0.1)) return {};
  const rates: Partial<Record<LogFault, number>> = {};
  for (const name of logFaults) {
    const isOfPushes = name.endsWith('Push');
    const isOfConnections = /handshake|Connection/.test(name);
    const chance = isOfPushes ? 0.5 : isOfConnections ? 0.1 : 0.2;
    const rate = isOfPushes ? [0.05, 0.2, 0.5] : isOfConnections ? [0.1, 0.4] : [0.03, 0.1, 0.3];
    if (random.chance(chance)) rates[name] = random.pick(rate);
  }
  return rates;
}
