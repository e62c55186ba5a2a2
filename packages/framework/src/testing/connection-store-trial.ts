import { strict as assert } from 'node:assert';
import { inspect, isDeepStrictEqual } from 'node:util';
import { StoreError } from '../errors/gatecast-error.js';
import type { ConnectionStore } from '../store/connections.js';
import { type CallAction, perform } from './connection-store-model.js';
import { ANYTHING, fits, isRemoval, outcomesOf, takesAway } from './connection-store-orders.js';
import type { Scenario, Subject } from './connection-store-scenarios.js';
import { assertAgreement, assertGone, record, sorted, uniqueChannel } from './contract-fixtures.js';
import type { Caller, Choose, EngineGate, Fault } from './interleavings.js';

/** When something happens to a call of the engine: with how many calls before it. */
export interface PlannedFault {
  readonly kind: Fault;
  readonly at: number;
}

/** What a trial is made of. */
export interface TrialParts {
  readonly store: ConnectionStore;
  /** Through which the store calls its engine. */
  readonly gate: EngineGate;
  readonly scenario: Scenario;
}

/** Runs a scenario, each time in another order and with a connection and channels of its own. */
export class Trial {
  readonly #store: ConnectionStore;
  readonly #gate: EngineGate;
  readonly #scenario: Scenario;
  #longest = 1;

  constructor({ store, gate, scenario }: TrialParts) {
    this.#store = store;
    this.#gate = gate;
    this.#scenario = scenario;
  }

  /** Most calls of the engine that a run had so far. */
  get longest(): number {
    return this.#longest;
  }

  /** Runs it once, and asserts that what came of it is right. */
  async run(choose: Choose, fault?: PlannedFault): Promise<void> {
    const subject = makeSubject();
    const { connectionId } = subject.connection;
    const before = this.#scenario.before(subject);
    for (const action of before) await perform(this.#store, connectionId, action);
    const calls = this.#scenario.calls(subject);
    const callers = calls.map((call, index) =>
      this.#gate.start(`${call.do} (${index + 1})`, () => this.#persist(connectionId, call)),
    );
    await this.#drive(callers, choose, fault);
    const [dead, repeated] = [indexOf(callers, 'isDead'), indexOf(callers, 'isRepeating')];
    const results = callers.map(resultOf);
    const fitting = outcomesOf({ before, calls, dead, repeated }).filter((outcome) =>
      calls.every((call, index) => fits(results[index], call, outcome.results[index] ?? [])),
    );
    if (fitting.length === 0) {
      assert.fail(`In no order do the calls return ${inWords(results)}.`);
    }
    if (dead !== undefined) return this.#assertCleaned(subject, { calls, dead, choose });
    await assertAgreement(this.#store, [connectionId], channelsOf(subject));
    const found = {
      record: await this.#store.get(connectionId),
      channels: sorted(await this.#store.channels(connectionId)),
    };
    if (fitting.some(({ state }) => isDeepStrictEqual(state, found))) return;
    const outcome = `return ${inWords(results)} and leave ${inWords(found)}`;
    assert.fail(`In no order do the calls ${outcome}.`);
  }

  /** Asserts that the next removal clears away what a call left that was cut off. */
  async #assertCleaned(
    subject: Subject,
    {
      calls,
      dead,
      choose,
    }: { readonly calls: readonly CallAction[]; readonly dead: number; readonly choose: Choose },
  ): Promise<void> {
    const [store, { connectionId }] = [this.#store, subject.connection];
    const died = calls[dead] as CallAction;
    let channels = channelsOf(subject);
    if (!isRemoval(died) && calls.some(takesAway)) {
      // The list of memberships may have gone first, with the connection or without. The same call
      // finds again what it wrote to the channels that it names, and no other.
      await perform(store, connectionId, died);
      if (died.do === 'connect') channels = died.channels;
    }
    const ends = ['disconnect', 'prune', 'connect and disconnect'];
    const end = ends[choose(ends.map((one) => `${one}, which clears away`))];
    if (end === 'connect and disconnect') {
      await store.connect(subject.connection, [subject.c]);
      await assertAgreement(store, [connectionId], channels);
    }
    if (end === 'prune') await store.prune([connectionId]);
    else await store.disconnect(connectionId);
    await assertGone(store, connectionId, channels);
  }

  /** A caller that is told that the same call may succeed later makes it again. */
  async #persist(connectionId: string, action: CallAction): Promise<unknown> {
    try {
      return await perform(this.#store, connectionId, action);
    } catch (error) {
      if (!StoreError.is(error) || !error.retryable) throw error;
    }
    await perform(this.#store, connectionId, action);
    return ANYTHING;
  }

  /** Lets one call of the engine after the other through, until all callers have ended. */
  async #drive(callers: readonly Caller[], choose: Choose, fault?: PlannedFault): Promise<void> {
    for (const caller of callers) await caller.rest();
    for (let made = 0; ; made += 1) {
      const held = callers.flatMap((caller) =>
        caller.waiting.map((label, index) => ({ caller, label, index })),
      );
      if (held.length === 0) return;
      const kind = fault?.at === made ? fault.kind : undefined;
      const labels = held.map(({ label }) => (kind ? `${label}: ${kind}` : label));
      const chosen = held[choose(labels)];
      await chosen?.caller.release(chosen.index, kind);
      this.#longest = Math.max(this.#longest, made + 1);
    }
  }
}

function makeSubject(): Subject {
  const connection = record({ userId: 'ann' });
  const [a, b, c] = [uniqueChannel(), uniqueChannel(), uniqueChannel()];
  return {
    connection,
    again: { ...connection, userId: 'bob', connectedAt: connection.connectedAt + 1 },
    a: a.padEnd(50, 'a'),
    b: b.padEnd(50, 'b'),
    c: c.padEnd(50, 'c'),
  };
}

function indexOf(callers: readonly Caller[], is: 'isDead' | 'isRepeating'): number | undefined {
  const index = callers.findIndex((caller) => caller[is]);
  return index < 0 ? undefined : index;
}

function channelsOf({ a, b, c }: Subject): string[] {
  return [a, b, c];
}

function resultOf({ isDead, outcome, name }: Caller): unknown {
  if (isDead || !outcome) return ANYTHING;
  if (outcome.status === 'fulfilled') return outcome.value;
  throw new Error(`${name} rejected: ${String(outcome.reason)}`, { cause: outcome.reason });
}

function inWords(value: unknown): string {
  return inspect(value, { breakLength: Infinity, depth: 4 });
}
