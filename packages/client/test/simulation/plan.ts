import { Random } from './random.js';
import { drawSteps, type Step } from './steps.js';

/** What goes wrong by chance, each time it could. */
export const faultNames = [
  'loseRequest',
  'loseAnswer',
  'slowHandler',
  'gatewayError',
  'doubleAnswer',
  'reorder',
  'delay',
  'refuse',
  'unknownOutcome',
  'unknownConnection',
  'garbageAnswer',
  'settings',
  'handshakeRefused',
  'handshakeThrows',
  'handshakeSilent',
  'handshakeLate',
  'tokenThrows',
  'tokenSlow',
  'tokenNever',
] as const;
export type FaultName = (typeof faultNames)[number];

/** Everything that a seed draws beforehand. What it draws on the way follows from the seed, too. */
export interface Plan {
  readonly seed: number;
  readonly rates: Readonly<Partial<Record<FaultName, number>>>;
  readonly steps: readonly Step[];
  /** Nothing goes wrong from then on. */
  readonly calmAtMs: number;
  readonly surroundings: Surroundings;
}

/** Where the client finds itself. */
export interface Surroundings {
  readonly isPage: boolean;
  readonly hasTerminate: boolean;
  readonly hasReportError: boolean;
  readonly hasToken: boolean;
  readonly listensToRefusals: boolean;
  readonly keepAliveMs?: number;
}

/** Draws a plan. Each seed has faults of its own: with all of them at once, little would ever work. */
export function drawPlan(seed: number): Plan {
  const random = new Random(`plan ${seed}`);
  const lengthMs = random.pick([5_000, 20_000, 60_000, 90_000]);
  return {
    seed,
    rates: drawRates(random),
    steps: drawSteps(random, lengthMs),
    calmAtMs: lengthMs,
    surroundings: {
      isPage: random.chance(0.7),
      hasTerminate: random.chance(0.5),
      hasReportError: random.chance(0.7),
      hasToken: random.chance(0.5),
      listensToRefusals: random.chance(0.7),
      ...(random.chance(0.3) && { keepAliveMs: random.pick([20_000, 60_000]) }),
    },
  };
}

function drawRates(random: Random): Plan['rates'] {
  if (random.chance(0.1)) return {};
  const rates: Partial<Record<FaultName, number>> = {};
  for (const name of faultNames) {
    const rate = /handshake|token/.test(name) ? [0.1, 0.4, 0.9] : [0.03, 0.1, 0.4];
    if (random.chance(0.25)) rates[name] = random.pick(rate);
  }
  return rates;
}
