// A runner for Vitest that repeats each test with every mutant that it executes, until a test fails with
// the mutant. Modules are not loaded again, so a mutant only takes the time of its tests.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { TestRunner, vi } from 'vitest';

const { log, alone } = JSON.parse(process.env.MUTATION);
// Those of the runtime, because tests replace them.
const { setTimeout, clearTimeout, setImmediate } = globalThis;
const nowMs = performance.now.bind(performance);

/** Slower tests are not repeated, because faster tests find the same mutants. */
const MAX_TEST_MS = 1_000;
/** After this much time in tests of one file, a surviving mutant is left to other files. */
const MAX_FILE_MS = 5_000;
/** Limit for tests that loop endlessly: how many times more mutants than usual they may execute. */
const CALLS_FACTOR = 100;
const LEAST_CALLS = 100_000;

let active = alone;
let calls = 0;
let mostCalls = Number.POSITIVE_INFINITY;
const seen = new Set();

globalThis.mutant = (id) => {
  seen.add(id);
  calls += 1;
  if (calls > mostCalls) throw new Error('Endless.');
  return id === active;
};

// oxlint-disable-next-line import/no-default-export -- Vitest requires one.
export default class MutationRunner extends TestRunner {
  #killed = readKilled();
  #met = new Set();
  /** The time spent on each mutant, in milliseconds. */
  #spentMs = new Map();

  onCollected() {
    if (!alone) for (const id of seen) write({ loading: id });
  }

  async runTask(test) {
    const run = TestRunner.getTestFn(test);
    if (alone) return run();
    seen.clear();
    calls = 0;
    const startMs = nowMs();
    await run();
    const ms = nowMs() - startMs;
    this.#noteMet();
    if (ms > MAX_TEST_MS) return;
    mostCalls = Math.max(LEAST_CALLS, calls * CALLS_FACTOR);
    // Each repetition is surrounded by the test's hooks, which undo what the previous one has done.
    await runHooks(test, 'afterEach');
    await this.#runWithMutants(test, ms);
    await runHooks(test, 'beforeEach');
    mostCalls = Number.POSITIVE_INFINITY;
  }

  #noteMet() {
    for (const id of seen) {
      if (!this.#met.has(id)) write({ met: id });
      this.#met.add(id);
    }
  }

  async #runWithMutants(test, ms) {
    const file = test.file.name;
    const ids = [...seen].filter(
      (id) => !this.#killed.has(id) && (this.#spentMs.get(id) ?? 0) < MAX_FILE_MS,
    );
    // If a test cannot run twice in one process, each of its mutants needs a separate process.
    if (ids.length > 0 && (await repeat(test, ms)) !== 'passed') {
      for (const id of ids) write({ once: id, file });
      return;
    }
    for (const id of ids) {
      this.#spentMs.set(id, (this.#spentMs.get(id) ?? 0) + ms);
      active = id;
      let outcome = await repeat(test, ms);
      // A busy machine may make a test late once.
      if (outcome === 'late') outcome = await repeat(test, ms);
      active = undefined;
      if (outcome === 'passed') continue;
      // A mutant with after-effects that make the original test fail also needs one.
      if ((await repeat(test, ms)) !== 'passed') return write({ once: id, file });
      this.#killed.add(id);
      write({ killed: id, file });
    }
  }
}

/**
 * Runs a test again, with its hooks. Returns `failed` also if it leaves an unhandled rejection, and `late`
 * if it takes far too long.
 */
async function repeat(test, ms) {
  calls = 0;
  let timer;
  let hasStrayed = false;
  const strayed = () => {
    hasStrayed = true;
  };
  const listeners = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', strayed);
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, 500 + ms * 10, 'late');
  });
  const ended = runHooks(test, 'beforeEach')
    .then(TestRunner.getTestFn(test))
    .then(
      () => 'passed',
      () => 'failed',
    );
  let outcome = await Promise.race([ended, late]);
  clearTimeout(timer);
  if (outcome !== 'passed') vi.useRealTimers();
  await runHooks(test, 'afterEach').catch(() => {
    outcome = 'failed';
  });
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  process.removeAllListeners('unhandledRejection');
  for (const listener of listeners) process.on('unhandledRejection', listener);
  return hasStrayed ? 'failed' : outcome;
}

/** Runs the hooks around a test: those of the outermost suite first before it, and last after it. */
async function runHooks({ context, suite, file }, name) {
  const suites = [];
  for (let around = suite; around && around !== file; around = around.suite) suites.push(around);
  const hooks = [...suites, file].flatMap((one) =>
    TestRunner.getSuiteHooks(one)[name].toReversed(),
  );
  for (const hook of name === 'beforeEach' ? hooks.toReversed() : hooks) await hook(context, suite);
}

function readKilled() {
  if (!existsSync(log)) return new Set();
  const lines = readFileSync(log, 'utf8').trim().split('\n').filter(Boolean);
  return new Set(lines.map((line) => JSON.parse(line).killed).filter(Boolean));
}

function write(entry) {
  appendFileSync(log, `${JSON.stringify(entry)}\n`);
}
