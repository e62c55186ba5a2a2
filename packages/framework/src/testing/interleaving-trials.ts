import {
  type Caller,
  type Choose,
  type Exploration,
  explore,
  type Fault,
} from './interleavings.js';

/** A fault, and the number of engine calls before the affected one. */
export interface PlannedFault {
  readonly kind: Fault;
  readonly at: number;
}

/** Something that is run repeatedly, each time in another order of its engine calls. */
export interface InterleavingTrial {
  /** Runs it once. Returns the number of engine calls. */
  run(choose: Choose, fault?: PlannedFault): Promise<number>;
}

/** The faults of each part of an interleaving test. */
export const parts: readonly { readonly title: string; readonly faults: readonly Fault[] }[] = [
  { title: 'in every order of their steps', faults: [] },
  { title: 'when an answer is lost', faults: ['its answer is lost'] },
  {
    title: 'when a caller dies',
    faults: ['its caller dies before it', 'its caller dies after it'],
  },
];

/** Runs a trial in many orders: without faults, or with each fault at each call of the engine. */
export async function exploreTrial(
  trial: InterleavingTrial,
  faults: readonly Fault[],
  { runs, seed }: Exploration,
): Promise<void> {
  let calls = 1;
  const run = async (choose: Choose, fault?: PlannedFault): Promise<void> => {
    calls = Math.max(calls, await trial.run(choose, fault));
  };
  // With faults, one run without any shows how many calls there are.
  await explore({ runs: faults.length === 0 ? runs : 1, seed }, run);
  const planned = calls;
  const each = Math.max(2, Math.ceil(runs / (planned * faults.length)));
  for (const kind of faults) {
    for (let at = 0; at < planned; at += 1) {
      await explore({ runs: each, seed: seed + at }, (choose) => run(choose, { kind, at }));
    }
  }
}

/** Releases one engine call after the other, until all callers have ended. Returns their number. */
export async function drive(
  callers: readonly Caller[],
  choose: Choose,
  fault?: PlannedFault,
): Promise<number> {
  for (const caller of callers) await caller.rest();
  for (let calls = 0; ; calls += 1) {
    const waiting = callers.flatMap((caller) =>
      caller.waiting.map((label, index) => ({ caller, label, index })),
    );
    if (waiting.length === 0) return calls;
    const kind = fault?.at === calls ? fault.kind : undefined;
    const labels = waiting.map(({ label }) => (kind ? `${label}: ${kind}` : label));
    const chosen = waiting[choose(labels)];
    await chosen?.caller.release(chosen.index, kind);
  }
}
