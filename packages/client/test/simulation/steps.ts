import type { Random } from './random.js';

/** What a listener of the application does when it is called, besides listening. */
export type Behaviour =
  | 'nothing'
  | 'throw'
  | 'reject'
  | 'send'
  | 'subscribe'
  | 'unsubscribe'
  | 'listen'
  | 'stop listening'
  | 'stop the latest'
  | 'close';

/** What the application does. Channels and components are numbers. */
export type ApplicationStep = { readonly who: 'application'; readonly atMs: number } & (
  | { readonly do: 'subscribe'; readonly component: number }
  | { readonly do: 'unsubscribe'; readonly component: number }
  | {
      readonly do: 'send';
      readonly channel: number;
      readonly times: number;
      readonly timeoutMs: number | undefined;
      readonly isOneWay: boolean;
      /** Whether the application looks at the promise. */
      readonly isAwaited: boolean;
    }
  | {
      readonly do: 'listen';
      readonly to: 'event' | 'state' | 'refusal' | 'end';
      readonly channel: number;
      readonly behaviour: Behaviour;
    }
  | { readonly do: 'stop listening'; readonly listener: number }
  | { readonly do: 'close' }
);

/** What the server does of its own accord. */
export type ServerStep = { readonly who: 'server'; readonly atMs: number } & (
  | {
      readonly do: 'publish';
      readonly channel: number;
      readonly kind: 'event' | 'events' | 'op' | 'other name';
      readonly times: number;
    }
  | { readonly do: 'cut'; readonly code: number }
  | { readonly do: 'go silent' }
  | {
      readonly do: 'say bye';
      readonly reconnect: boolean;
      readonly afterMs: number | undefined;
      readonly cuts: boolean;
    }
  | { readonly do: 'end subscription'; readonly channel: number }
  | { readonly do: 'say garbage'; readonly index: number }
  | {
      readonly do: 'ban';
      readonly channel: number;
      readonly retryAfterMs: number;
      readonly forMs: number;
      /** Whether it ends the connection, so that members have to come back. */
      readonly cuts: boolean;
    }
  | { readonly do: 'refuse'; readonly what: 'handshakes' | 'connections'; readonly forMs: number }
);

/** What the machine does, or the page. */
export type MachineStep = { readonly who: 'machine'; readonly atMs: number } & (
  | { readonly do: 'wake'; readonly by: 'online' | 'pageshow' | 'visibilitychange' }
  | { readonly do: 'hide page'; readonly forMs: number }
  | { readonly do: 'sleep'; readonly forMs: number }
);

/** Something that happens at a time of its own. */
export type Step = ApplicationStep | ServerStep | MachineStep;

export const channelNames = ['rooms/1', 'rooms/2', 'users/7'] as const;
export const COMPONENTS_PER_CHANNEL = 2;

const behaviours = [
  'nothing',
  'nothing',
  'nothing',
  'throw',
  'reject',
  'send',
  'subscribe',
  'unsubscribe',
  'listen',
  'stop listening',
  'stop the latest',
  'close',
] as const;

type Drawn<S extends Step> = S extends Step ? Omit<S, 'who' | 'atMs'> : never;
type Draw<S extends Step> = (random: Random) => Drawn<S>;

/** How often something is drawn, and what. */
type Table<S extends Step> = readonly (readonly [weight: number, draw: Draw<S>])[];

const ofApplication: Table<ApplicationStep> = [
  [22, (random) => ({ do: 'subscribe', component: component(random) })],
  [12, (random) => ({ do: 'unsubscribe', component: component(random) })],
  [
    20,
    (random) => ({
      do: 'send',
      channel: channel(random),
      times: random.chance(0.03) ? 105 : random.pick([1, 1, 1, 2, 4]),
      timeoutMs: random.pick([undefined, undefined, 50, 2_000, 12_000, 60_000, 2 ** 33]),
      isOneWay: random.chance(0.2),
      isAwaited: random.chance(0.8),
    }),
  ],
  [
    9,
    (random) => ({
      do: 'listen',
      to: random.pick(['event', 'event', 'state', 'refusal', 'end']),
      channel: channel(random),
      behaviour: random.pick(behaviours),
    }),
  ],
  [3, (random) => ({ do: 'stop listening', listener: random.between(0, 9) })],
];

const ofServer: Table<ServerStep> = [
  [
    14,
    (random) => ({
      do: 'publish',
      channel: channel(random),
      kind: random.pick(['event', 'event', 'events', 'op', 'other name']),
      times: random.pick([1, 1, 3]),
    }),
  ],
  [5, (random) => ({ do: 'cut', code: random.pick([1000, 1001, 1006, 1009, 1011, 4000]) })],
  [3, () => ({ do: 'go silent' })],
  [
    3,
    (random) => ({
      do: 'say bye',
      reconnect: !random.chance(0.2),
      afterMs: random.pick([undefined, 0, 1_000, 40_000]),
      cuts: random.chance(0.7),
    }),
  ],
  [4, (random) => ({ do: 'end subscription', channel: channel(random) })],
  [5, (random) => ({ do: 'say garbage', index: random.between(0, 99) })],
  [
    4,
    (random) => ({
      do: 'ban',
      channel: channel(random),
      retryAfterMs: random.pick([0, 10, 2_000, 25_000, 2 ** 32]),
      forMs: random.pick([3_000, 30_000]),
      cuts: random.chance(0.5),
    }),
  ],
  [
    3,
    (random) => ({
      do: 'refuse',
      what: random.pick(['handshakes', 'connections']),
      forMs: random.pick([1_000, 30_000, 120_000]),
    }),
  ],
];

const ofMachine: Table<MachineStep> = [
  [5, (random) => ({ do: 'wake', by: random.pick(['online', 'pageshow', 'visibilitychange']) })],
  [3, (random) => ({ do: 'hide page', forMs: random.pick([50, 5_000, 100_000]) })],
  [3, (random) => ({ do: 'sleep', forMs: random.pick([1_000, 12_000, 600_000]) })],
];

const everything: readonly (readonly [Step['who'], number, (random: Random) => object])[] = [
  ...ofApplication.map(([weight, draw]) => ['application', weight, draw] as const),
  ...ofServer.map(([weight, draw]) => ['server', weight, draw] as const),
  ...ofMachine.map(([weight, draw]) => ['machine', weight, draw] as const),
];
const WEIGHT = everything.reduce((sum, [, weight]) => sum + weight, 0);

/** Draws what happens in that time. */
export function drawSteps(random: Random, lengthMs: number): Step[] {
  const times = Array.from({ length: random.between(4, 45) }, () => random.between(0, lengthMs));
  const steps: Step[] = [];
  let lastMs = 0;
  for (const timeMs of times.sort((a, b) => a - b)) {
    // Much goes wrong only when things happen at once.
    const atMs = random.chance(0.3) ? lastMs : timeMs;
    lastMs = atMs;
    steps.push(drawStep(random, atMs));
  }
  if (random.chance(0.4)) {
    steps.push({ atMs: random.between(0, lengthMs), who: 'application', do: 'close' });
  }
  return steps.sort((a, b) => a.atMs - b.atMs);
}

function drawStep(random: Random, atMs: number): Step {
  let rest = random.next() * WEIGHT;
  const row = everything.find(([, weight]) => {
    rest -= weight;
    return rest < 0;
  });
  const [who, , draw] = row as (typeof everything)[number];
  return { atMs, who, ...draw(random) } as Step;
}

function channel(random: Random): number {
  return random.between(0, channelNames.length - 1);
}

function component(random: Random): number {
  return random.between(0, channelNames.length * COMPONENTS_PER_CHANNEL - 1);
}
