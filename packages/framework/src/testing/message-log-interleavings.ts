import { strict as assert } from 'node:assert';
import type { MessageLog } from '../store/log.js';
import { TestClock } from './clock.js';
import type { ContractTest } from './connection-store-contract.js';
import type { InterleavingOptions } from './connection-store-interleavings.js';
import { exploreTrial, parts } from './interleaving-trials.js';
import { EngineGate, type Step } from './interleavings.js';
import type { LogUnderTest } from './message-log-contract.js';
import { cutChecks } from './message-log-cuts.js';
import { logScenarios } from './message-log-scenarios.js';
import { LogTrial } from './message-log-trial.js';

/** What {@link messageLogInterleavings} gives to a store. @group Stores */
export interface SteppedLogOptions {
  /** The store passes each call of its engine through this function. */
  readonly step: Step;
  /** The clock of the check, in milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Checks of calls of a log that are interrupted or run at the same time, as data. Some publishes, reads and purges
 * of one channel run in every order of their steps, which are their calls of the engine (the database). They also
 * run with a lost answer at each step, and with a caller that dies before and after each step.
 *
 * Afterwards every publish is made once more, as its client would do. Then each must have one offset, offsets must
 * be dense, every entry must be readable, and all results must agree with that. More checks end a call by its time
 * limit or its signal at each of its steps.
 *
 * @example
 * ```ts
 * const make = async ({ step, now }: SteppedLogOptions) =>
 *   myStore({ now, send: (command) => step(() => engine.send(command)) });
 * for (const check of messageLogInterleavings(make)) test(check.name, check.run);
 * ```
 *
 * @param make - Makes a store that passes each call of its engine, including retries, through `step`. If an answer
 * is lost, the call rejects with an error whose `code` is `ECONNRESET` and whose `name` is `TimeoutError`: the
 * store must retry or throw a `StoreError` that is `retryable`. Calls wait for each other in `step`, so use long
 * time-outs for single calls and short waits between attempts.
 * @param options - Number of runs and seed.
 * @group Stores
 */
export function messageLogInterleavings(
  make: (options: SteppedLogOptions) => Promise<LogUnderTest>,
  { runs = 100, seed = 1 }: InterleavingOptions = {},
): readonly ContractTest[] {
  const interleavings = logScenarios.flatMap((scenario) =>
    parts.map(({ title, faults }) => ({
      name: `${scenario.name}, ${title}`,
      async run() {
        const [gate, clock] = [new EngineGate(), new TestClock()];
        await using store = await make({ step: gate.step, now: clock.now });
        const trial = new LogTrial({ log: logOf(store), clock, gate, scenario });
        await exploreTrial(trial, faults, { runs, seed });
      },
    })),
  );
  const cuts = cutChecks.map(({ name, run }) => ({
    name,
    async run() {
      let step: Step = (call) => call();
      const clock = new TestClock();
      await using store = await make({ step: (call) => step(call), now: clock.now });
      await run({
        log: logOf(store),
        use: (next) => {
          step = next;
        },
      });
    },
  }));
  return [...interleavings, ...cuts];
}

function logOf({ log }: LogUnderTest): MessageLog {
  assert.ok(log, 'the store has no log');
  return log;
}
