import { strict as assert } from 'node:assert';
import { inspect, isDeepStrictEqual } from 'node:util';
import { StoreError } from '../errors/gatecast-error.js';
import type { ConnectionStore } from '../store/connections.js';
import { type CallAction, perform } from './connection-store-model.js';
import {
  ANYTHING,
  endsSubscriptions,
  fits,
  isRemoval,
  outcomesOf,
} from './connection-store-orders.js';
import type { Scenario, Subject } from './connection-store-scenarios.js';
import { assertAgreement, assertGone, record, sorted, uniqueChannel } from './contract-fixtures.js';
import { drive, type InterleavingTrial, type PlannedFault } from './interleaving-trials.js';
import type { Caller, Choose, EngineGate } from './interleavings.js';

/** The parts of a {@link Trial}. */
export interface TrialParts {
  readonly store: ConnectionStore;
  /** Controls the store's calls of its engine. */
  readonly gate: EngineGate;
  readonly scenario: Scenario;
}

/** Runs a scenario, each time in another order and with a new connection and new channels. */
export class Trial implements InterleavingTrial {
  readonly #store: ConnectionStore;
  readonly #gate: EngineGate;
  readonly #scenario: Scenario;

  constructor({ store, gate, scenario }: TrialParts) {
    this.#store = store;
    this.#gate = gate;
    this.#scenario = scenario;
  }

  /** Runs it once, and asserts that the outcome is possible. Returns the number of engine calls. */
  async run(choose: Choose, fault?: PlannedFault): Promise<number> {
    const subject = makeSubject();
    const { connectionId } = subject.connection;
    const before = this.#scenario.before(subject);
    for (const action of before) await perform(this.#store, connectionId, action);
    const calls = this.#scenario.calls(subject);
    const callers = calls.map((call, index) =>
      this.#gate.start(`${call.do} (${index + 1})`, () => this.#persist(connectionId, call)),
    );
    const steps = await drive(callers, choose, fault);
    const [dead, repeated] = [indexOf(callers, 'isDead'), indexOf(callers, 'isRepeating')];
    const results = callers.map(resultOf);
    const fitting = outcomesOf({ before, calls, dead, repeated }).filter((outcome) =>
      calls.every((call, index) => fits(results[index], call, outcome.results[index] ?? [])),
    );
    if (fitting.length === 0) {
      assert.fail(`There is no order in which the calls return ${inWords(results)}.`);
    }
    if (dead !== undefined) {
      await this.#assertCleaned(subject, { calls, dead, choose });
      return steps;
    }
    await assertAgreement(this.#store, [connectionId], channelsOf(subject));
    const found = {
      record: await this.#store.get(connectionId),
      channels: sorted(await this.#store.channels(connectionId)),
    };
    if (fitting.some(({ state }) => isDeepStrictEqual(state, found))) return steps;
    const outcome = `return ${inWords(results)} and leave ${inWords(found)}`;
    return assert.fail(`There is no order in which the calls ${outcome}.`);
  }

  /** Asserts that the next removal deletes everything that an interrupted call left behind. */
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
    if (!isRemoval(died) && calls.some(endsSubscriptions)) {
      // The connection's list of memberships may be gone already. Only the same call knows which channels
      // it wrote to, so it is repeated.
      await perform(store, connectionId, died);
      if (died.do === 'connect') channels = died.channels;
    }
    const ends = ['disconnect', 'prune', 'connect and disconnect'];
    const end = ends[choose(ends.map((one) => `${one}, which cleans up`))];
    if (end === 'connect and disconnect') {
      await store.connect(subject.connection, [subject.c]);
      await assertAgreement(store, [connectionId], channels);
    }
    if (end === 'prune') await store.prune([connectionId]);
    else await store.disconnect(connectionId);
    await assertGone(store, connectionId, channels);
  }

  /** Makes a call, and repeats it once if the store says that it may succeed later. */
  async #persist(connectionId: string, action: CallAction): Promise<unknown> {
    try {
      return await perform(this.#store, connectionId, action);
    } catch (error) {
      if (!StoreError.is(error) || !error.retryable) throw error;
    }
    await perform(this.#store, connectionId, action);
    return ANYTHING;
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
