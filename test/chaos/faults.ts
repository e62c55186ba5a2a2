import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '@gatecast/local';
import { FAULT_KINDS, type FaultKind, type PlannedFault } from './plan.js';
import type { Stage } from './stage.js';

/** How a fault is injected. Returns how often it has happened; 0 if there was nothing to befall. */
type Injection = (stage: Stage, fault: PlannedFault) => number | Promise<number>;

/** Faults that wait in the gateway for something to happen to. */
const ARMED: { readonly [K in FaultKind]?: (fault: PlannedFault) => Fault } = {
  'environment killed in a message': ({ howLong }) => ({
    on: 'invocation',
    kind: 'killed',
    routeKey: 'rooms.say',
    delayMs: Math.round(howLong * 120),
  }),
  'environment killed in a subscription': ({ howLong }) => ({
    on: 'invocation',
    kind: 'killed',
    routeKey: 'subscribe',
    delayMs: Math.round(howLong * 120),
  }),
  'message delayed': ({ howLong }) => delayed('invocation', howLong * 1_500),
  '$disconnect lost': () => ({ on: '$disconnect', kind: 'lost' }),
  '$disconnect delayed': ({ howLong }) => delayed('$disconnect', howLong * 10_000),
  'post lost': () => ({ on: 'post', kind: 'lost' }),
  'post doubled': () => ({ on: 'post', kind: 'doubled' }),
  'post delayed': ({ howLong }) => delayed('post', howLong * 3_000),
  'post answered 429': () => ({ on: 'post', kind: 'throttled' }),
  'post answered 410': () => ({ on: 'post', kind: 'gone' }),
  'post answered 410, but arrived': () => ({ on: 'post', kind: 'arrived-gone' }),
  'post answered 500': () => ({ on: 'post', kind: 'failed' }),
};

function delayed(on: 'post' | '$disconnect' | 'invocation', delayMs: number): Fault {
  return { on, kind: 'delayed', delayMs: Math.round(delayMs) };
}

const INJECTIONS: { readonly [K in FaultKind]?: Injection } = {
  'connection cut': ({ everybody }, { victim }) =>
    Math.min(1, anyOf(everybody, victim).network.cut()),
  'connection silent': ({ everybody }, { victim }) =>
    Math.min(1, anyOf(everybody, victim).network.mute()),
  // The server may fail to, because other faults happen to it.
  'connection renewed by the server': ({ nodes }, { victim }) =>
    anyOf(nodes, victim)
      .member.renew()
      .then(
        () => 1,
        () => 0,
      ),
  'database restarted': async ({ database }, { howLong }) => {
    await database.kill();
    await sleep(howLong * 1_500);
    await database.restart();
    return 1;
  },
  'two hours passed': (stage) => {
    stage.passTwoHours();
    return 1;
  },
  'bundle reloaded': ({ folder }) => folder.change(),
  'page reloaded': async ({ pages }, { victim }) => {
    await anyOf(pages, victim).reload();
    return 1;
  },
  // Not that of the page that sends: after two hours, it rightly no longer knows what became of a message.
  'connection handed over after its time': async ({ pages }, { victim }) =>
    Number(await anyOf(pages.slice(1), victim).handOver()),
  'channel left and joined again': async ({ nodes, server }, { victim, howLong }) => {
    const node = anyOf(nodes, victim);
    const channel = anyOf(node.channels, howLong);
    const topOf = (name: string): Promise<number> => server.topOf(name);
    await node.member.leaveAndJoin(channel, { forMs: howLong * 3_000, topOf });
    return 1;
  },
};

/** Injects faults, and counts those that have happened. */
export class Injector {
  readonly #stage: Stage;
  readonly #happened = new Map<FaultKind, number>();
  /** Those in the gateway, until something happens to them. */
  readonly #armed: { readonly kind: FaultKind; readonly fault: Fault }[] = [];
  readonly #running = new Map<FaultKind, Promise<void>>();
  readonly problems: string[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Does not wait for faults that take a while. The same kind happens to one victim at a time. */
  inject(fault: PlannedFault): void {
    const { kind } = fault;
    const armed = ARMED[kind]?.(fault);
    if (armed) {
      const once = { ...armed, times: 1 };
      this.#stage.gateway.faults.add(once);
      this.#armed.push({ kind, fault: once });
      if (once.on === '$disconnect') anyOf(this.#stage.everybody, fault.victim).network.cut();
      return;
    }
    const before = this.#running.get(kind) ?? Promise.resolve();
    const run = async (): Promise<void> => {
      await before;
      try {
        count(this.#happened, kind, (await INJECTIONS[kind]?.(this.#stage, fault)) ?? 0);
      } catch (error) {
        this.problems.push(`The fault "${kind}" failed: ${String(error)}`);
      }
    };
    this.#running.set(kind, run());
  }

  /** The kinds that have not happened yet, of all that were injected before the call. */
  async missing(): Promise<readonly FaultKind[]> {
    await Promise.all(this.#running.values());
    const happened = this.#happenedUntilNow();
    return FAULT_KINDS.filter((kind) => !happened.get(kind));
  }

  /** Ends the faults, and returns how many of each kind have happened. */
  async end(): Promise<ReadonlyMap<FaultKind, number>> {
    await Promise.all(this.#running.values());
    const happened = this.#happenedUntilNow();
    const { faults, clock } = this.#stage.gateway;
    faults.clear();
    // What was delayed happens now.
    clock.advance(10_000);
    return happened;
  }

  #happenedUntilNow(): ReadonlyMap<FaultKind, number> {
    const left = new Set(this.#stage.gateway.faults.list);
    const happened = new Map(this.#happened);
    for (const { kind, fault } of this.#armed) if (!left.has(fault)) count(happened, kind, 1);
    return happened;
  }
}

function count(counts: Map<FaultKind, number>, kind: FaultKind, times: number): void {
  counts.set(kind, (counts.get(kind) ?? 0) + times);
}

/** One of a list, by a number from 0 up to 1. */
function anyOf<T>(list: readonly T[], which: number): T {
  return list[Math.floor(which * list.length)] as T;
}
