import type { Random } from '../simulation/random.js';

/** Of more events at once the others are left to be asked for. */
export const LARGEST_FRAME = 4;

/** Channels with a history, and one without. */
export const channelNames = ['rooms/1', 'rooms/2', 'live/1'] as const;
export const LOGS = 2;

/** What a listener does when it is called, besides listening. */
export type Behaviour =
  | 'nothing'
  | 'throw'
  | 'reject'
  | 'send'
  | 'subscribe'
  | 'unsubscribe'
  | 'read history'
  | 'stop listening';

/** What the application does. */
export type ApplicationStep = { readonly who: 'application'; readonly atMs: number } & (
  | { readonly do: 'subscribe' | 'unsubscribe'; readonly channel: number }
  | { readonly do: 'send'; readonly channel: number; readonly times: number }
  | { readonly do: 'listen'; readonly channel: number; readonly behaviour: Behaviour }
  | { readonly do: 'stop listening'; readonly channel: number }
  | {
      readonly do: 'read history';
      readonly channel: number;
      readonly from: 'end' | 'after' | 'before';
      readonly limit: number | undefined;
    }
);

/** What the server does of its own accord, or what happens to it. */
export type ServerStep = { readonly who: 'server'; readonly atMs: number } & (
  | {
      readonly do: 'publish';
      readonly channel: number;
      readonly kind: 'event' | 'events' | 'op' | 'other name' | 'ephemeral';
      readonly times: number;
      /** In which they are published, one after the other. */
      readonly withinMs: number;
    }
  | { readonly do: 'cut'; readonly code: number }
  | { readonly do: 'go silent' }
  | { readonly do: 'say bye'; readonly afterMs: number | undefined; readonly cutInMs: number }
  | { readonly do: 'end subscription'; readonly channel: number }
  | { readonly do: 'refuse'; readonly forMs: number }
  | { readonly do: 'trim'; readonly channel: number; readonly kept: number }
  | { readonly do: 'begin anew'; readonly channel: number }
  | { readonly do: 'forget events'; readonly channel: number; readonly count: number }
  | { readonly do: 'forget member'; readonly channel: number }
);

/** What the machine does, or the page. */
export type MachineStep = { readonly who: 'machine'; readonly atMs: number } & (
  | { readonly do: 'wake'; readonly by: 'online' | 'pageshow' | 'visibilitychange' }
  | { readonly do: 'hide page'; readonly forMs: number }
  | { readonly do: 'sleep'; readonly forMs: number }
  | { readonly do: 'reload'; readonly isTold: boolean; readonly afterMs: number }
);

/** Something that happens at a time of its own. */
export type LogStep = ApplicationStep | ServerStep | MachineStep;

type Drawn<S extends LogStep> = S extends LogStep ? Omit<S, 'atMs'> : never;
type Draw = (random: Random) => Drawn<LogStep>;

const behaviours = [
  'nothing',
  'nothing',
  'throw',
  'reject',
  'send',
  'subscribe',
  'unsubscribe',
  'read history',
  'stop listening',
] as const;

function any(random: Random): number {
  return random.between(0, channelNames.length - 1);
}

function log(random: Random): number {
  return random.between(0, LOGS - 1);
}

const ofAll: readonly (readonly [weight: number, draw: Draw])[] = [
  [
    40,
    (random) => ({
      who: 'server',
      do: 'publish',
      channel: any(random),
      kind: random.pick(['event', 'event', 'event', 'events', 'op', 'other name', 'ephemeral']),
      times: random.pick([1, 2, 3, 8]),
      withinMs: random.pick([0, 50, 2_000]),
    }),
  ],
  [10, (random) => ({ who: 'application', do: 'subscribe', channel: any(random) })],
  [5, (random) => ({ who: 'application', do: 'unsubscribe', channel: any(random) })],
  [
    6,
    (random) => ({
      who: 'application',
      do: 'send',
      channel: log(random),
      times: random.pick([1, 1, 3]),
    }),
  ],
  [
    4,
    (random) => ({
      who: 'application',
      do: 'listen',
      channel: any(random),
      behaviour: random.pick(behaviours),
    }),
  ],
  [2, (random) => ({ who: 'application', do: 'stop listening', channel: any(random) })],
  [
    4,
    (random) => ({
      who: 'application',
      do: 'read history',
      channel: log(random),
      from: random.pick(['end', 'after', 'before']),
      limit: random.pick([undefined, 0, 1, 5, 1_000]),
    }),
  ],
  [
    9,
    (random) => ({
      who: 'server',
      do: 'cut',
      code: random.pick([1000, 1001, 1006, 1011]),
    }),
  ],
  [3, () => ({ who: 'server', do: 'go silent' })],
  [
    4,
    (random) => ({
      who: 'server',
      do: 'say bye',
      afterMs: random.pick([undefined, 0, 1_000]),
      cutInMs: random.pick([0, 500, 40_000]),
    }),
  ],
  [1, (random) => ({ who: 'server', do: 'end subscription', channel: any(random) })],
  [3, (random) => ({ who: 'server', do: 'refuse', forMs: random.pick([1_000, 60_000]) })],
  [
    3,
    (random) => ({
      who: 'server',
      do: 'trim',
      channel: log(random),
      kept: random.pick([0, 1, 5]),
    }),
  ],
  [1, (random) => ({ who: 'server', do: 'begin anew', channel: log(random) })],
  [1, (random) => ({ who: 'server', do: 'forget member', channel: any(random) })],
  [
    3,
    (random) => ({
      who: 'machine',
      do: 'wake',
      by: random.pick(['online', 'pageshow', 'visibilitychange']),
    }),
  ],
  [3, (random) => ({ who: 'machine', do: 'hide page', forMs: random.pick([50, 5_000, 90_000]) })],
  [3, (random) => ({ who: 'machine', do: 'sleep', forMs: random.pick([1_000, 12_000, 600_000]) })],
  [
    5,
    (random) => ({
      who: 'machine',
      do: 'reload',
      isTold: random.chance(0.5),
      afterMs: random.pick([10, 3_000]),
    }),
  ],
];

/** Only where the store may forget: as Redis after a fail-over. */
const ofRedis: (typeof ofAll)[number] = [
  4,
  (random) => ({
    who: 'server',
    do: 'forget events',
    channel: log(random),
    count: random.pick([1, 2, 6]),
  }),
];

/** Draws what happens in that time. */
export function drawSteps(
  random: Random,
  { lengthMs, hasPrev }: { readonly lengthMs: number; readonly hasPrev: boolean },
): LogStep[] {
  const table = hasPrev ? [...ofAll, ofRedis] : ofAll;
  // In some nothing happens to the connection, so that it has to last as long as it can.
  const isSmooth = random.chance(0.3);
  const steps: LogStep[] = [];
  for (const channel of channelNames.keys()) {
    const atMs = random.chance(0.8) ? 0 : random.between(0, lengthMs / 4);
    steps.push({ who: 'application', do: 'subscribe', channel, atMs });
  }
  let lastMs = 0;
  const times = Array.from({ length: random.between(3, 40) }, () => random.between(0, lengthMs));
  for (const timeMs of times.sort((a, b) => a - b)) {
    // Much goes wrong only when things happen at once, or shortly after one another.
    const atMs = random.chance(0.4) ? lastMs + random.pick([0, 30, 700]) : Math.max(timeMs, lastMs);
    const drawn = drawStep(random, table);
    if (isSmooth && isRough(drawn)) continue;
    lastMs = atMs;
    steps.push({ ...drawn, atMs });
  }
  return steps.sort((a, b) => a.atMs - b.atMs);
}

/** Steps that give a client no reason to ask for anything. */
export function isPlain(step: Drawn<LogStep>): boolean {
  if (step.do === 'publish') return step.kind !== 'events' || step.times <= LARGEST_FRAME;
  if (step.do === 'listen') return step.behaviour !== 'read history';
  return ['subscribe', 'unsubscribe', 'send', 'stop listening'].includes(step.do);
}

const ROUGH: readonly LogStep['do'][] = [
  'cut',
  'go silent',
  'refuse',
  'hide page',
  'sleep',
  'reload',
];

/** Whether it may lead to the end of a connection that is seen. */
export function isRough(step: Drawn<LogStep>): boolean {
  return ROUGH.includes(step.do) || (step.do === 'say bye' && step.cutInMs < 30_000);
}

function drawStep(random: Random, table: typeof ofAll): Drawn<LogStep> {
  let rest = random.next() * table.reduce((sum, [weight]) => sum + weight, 0);
  const row = table.find(([weight]) => {
    rest -= weight;
    return rest < 0;
  });
  const [, draw] = row as (typeof ofAll)[number];
  return draw(random);
}
