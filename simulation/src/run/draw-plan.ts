import { Random } from '../world/random.js';
import { OperationsDraw } from './draw-operations.js';
import type { Level, Plan, StoreName } from './plan.js';
import { drawWeather, type Weather } from './weather.js';

const CALM: Plan['weather'] = {
  probabilities: {},
  freezesMs: [0],
  deletionDelayMs: 0,
  pageBytes: 1_048_576,
  returnsOldItem: true,
};

/** What is wanted of a plan; the seed decides about the rest. */
export interface PlanRequest {
  readonly seed: number;
  readonly store: StoreName;
  readonly level?: Level | undefined;
}

/** Draws the plan of a run. */
export function drawPlan({ seed, store, level: wanted }: PlanRequest): Plan {
  const random = new Random(seed).fork('plan');
  const retentionSeconds = random.pick([600, 600, 600, 3_600, 86_400]);
  const level = wanted ?? (random.chance(0.3) ? 'app' : 'log');
  const clients = level === 'app' ? random.between(2, 6) : random.between(1, 3);
  const isCrowd = level === 'log' && random.chance(0.1);
  const draw = new OperationsDraw(random, { level, retentionSeconds, clients, isCrowd });
  return {
    seed,
    level,
    store,
    retentionSeconds,
    ...(random.chance(0.15) && { maxEntries: random.between(1, 40) }),
    firstOffset: random.chance(0.2) ? random.between(960, 999) : 0,
    clients,
    environments: random.between(2, 6),
    weather: weatherOf(random, { retentionSeconds, isCrowd }),
    budgetMs: random.pick([5_000, 5_000, 100_000, 100 * 86_400_000]),
    operations: draw.draw(),
    left: [],
  };
}

function weatherOf(
  random: Random,
  { retentionSeconds, isCrowd }: { readonly retentionSeconds: number; readonly isCrowd: boolean },
): Weather {
  if (random.chance(0.05)) return CALM;
  const weather = drawWeather(random, retentionSeconds);
  if (!isCrowd) return weather;
  // While one sleeps for seconds, the others append more than fits behind a claim.
  const probabilities = { ...weather.probabilities, freeze: 0.01 };
  return { ...weather, probabilities, freezesMs: [5_000, 20_000] };
}
