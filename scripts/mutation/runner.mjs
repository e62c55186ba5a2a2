// A runner for Vitest that runs each test once more with every mutant that the test comes by, until
// one test has failed with it. Nothing is loaded again, so a mutant takes as long as its tests.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { TestRunner, vi } from 'vitest';

const { log, alone } = JSON.parse(process.env.MUTATION);
// Those of the runtime: a test may put others in their place.
const { setTimeout, clearTimeout, setImmediate } = globalThis;
const nowMs = performance.now.bind(performance);

/** Tests that take longer are not run again: what they find is found by quicker ones. */
const MAX_TEST_MS = 1_000;
/** A mutant that so many tests of a file have not noticed is left to the other files. */
const MAX_TESTS_PER_FILE = 150;
/** How often a test that goes round in circles may come by mutants. */
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

// oxlint-disable-next-line import/no-default-export -- Vitest asks for one.
export default class MutationRunner extends TestRunner {
  #killed = readKilled();
  #met = new Set();
  #tries = new Map();

  onCollected() {
    if (!alone) for (const id of seen) write({ loading: id });
    seen.clear();
  }

  async runTask(test) {
    const run = TestRunner.getTestFn(test);
    if (alone) return run();
    calls = 0;
    const startMs = nowMs();
    await run();
    const ms = nowMs() - startMs;
    this.#noteMet();
    if (ms > MAX_TEST_MS) {
      seen.clear();
      return;
    }
    mostCalls = Math.max(LEAST_CALLS, calls * CALLS_FACTOR);
    // Each run has the hooks of its suites around it, as the one before and what Vitest does after it.
    await after(test);
    await this.#runWithMutants({ run: () => runWithHooks(test, run), ms, file: test.file.name });
    mostCalls = Number.POSITIVE_INFINITY;
    // What the hooks of the next test come by belongs to it, as a client that is made for each.
    seen.clear();
    await before(test);
  }

  #noteMet() {
    for (const id of seen) {
      if (!this.#met.has(id)) write({ met: id });
      this.#met.add(id);
    }
  }

  async #runWithMutants({ run, ms, file }) {
    const ids = [...seen].filter(
      (id) => !this.#killed.has(id) && (this.#tries.get(id) ?? 0) < MAX_TESTS_PER_FILE,
    );
    // A test that cannot be run twice in one process is left to a process of each mutant's own.
    if (ids.length > 0 && (await fails(run, ms))) {
      for (const id of ids) write({ once: id });
      return;
    }
    for (const id of ids) {
      this.#tries.set(id, (this.#tries.get(id) ?? 0) + 1);
      active = id;
      const hasFailed = await fails(run, ms);
      active = undefined;
      if (!hasFailed) continue;
      // What left something behind that upsets the test itself is left to such a process, too.
      if (await fails(run, ms)) return write({ once: id });
      this.#killed.add(id);
      write({ killed: id, file });
    }
  }
}

/** The hooks that stand around a test, from the outside in. */
function hooksOf({ suite, file }, name) {
  if (!suite) return file ? TestRunner.getSuiteHooks(file)[name] : [];
  return [...hooksOf(suite, name), ...TestRunner.getSuiteHooks(suite)[name]];
}

async function before(test) {
  for (const hook of hooksOf(test, 'beforeEach')) await hook(test.context, test.suite);
}

async function after(test) {
  for (const hook of hooksOf(test, 'afterEach').toReversed()) await hook(test.context, test.suite);
}

async function runWithHooks(test, run) {
  try {
    await before(test);
    await run();
  } finally {
    await after(test);
  }
}

/** Runs a test. Returns whether it fails, takes far too long, or leaves a rejection that nobody handles. */
async function fails(run, ms) {
  calls = 0;
  let timer;
  let hasStrayed = false;
  const strayed = () => {
    hasStrayed = true;
  };
  const listeners = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', strayed);
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, 500 + ms * 10, true);
  });
  const ended = Promise.resolve()
    .then(run)
    .then(
      () => false,
      () => true,
    );
  const hasFailed = await Promise.race([ended, late]);
  clearTimeout(timer);
  if (hasFailed) vi.useRealTimers();
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  process.removeAllListeners('unhandledRejection');
  for (const listener of listeners) process.on('unhandledRejection', listener);
  return hasFailed || hasStrayed;
}

function readKilled() {
  if (!existsSync(log)) return new Set();
  const lines = readFileSync(log, 'utf8').trim().split('\n').filter(Boolean);
  return new Set(lines.map((line) => JSON.parse(line).killed).filter(Boolean));
}

function write(entry) {
  appendFileSync(log, `${JSON.stringify(entry)}\n`);
}
