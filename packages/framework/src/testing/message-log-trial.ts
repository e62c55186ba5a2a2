import { strict as assert } from 'node:assert';
import { StoreError } from '../errors/gatecast-error.js';
import type {
  Appended,
  AppendRequest,
  AppendResult,
  LogOfChannel,
  LogPage,
  MessageLog,
  ReadResult,
} from '../store/log.js';
import type { TestClock } from './clock.js';
import { uniqueChannel } from './contract-fixtures.js';
import { drive, type InterleavingTrial, type PlannedFault } from './interleaving-trials.js';
import type { Caller, Choose, EngineGate } from './interleavings.js';
import { MINUTE_MS, offsetsOf, range, summary, uniqueKey, WIDE } from './message-log-fixtures.js';
import type { AppendCall, LogCall, LogScenario } from './message-log-scenarios.js';

const RETENTION_SECONDS = 600;
/** Between the end of the retention and the time when stores delete rows. */
const OLD_MS = RETENTION_SECONDS * 1_000 + 31 * MINUTE_MS;

/** The parts of a {@link LogTrial}. */
export interface LogTrialParts {
  readonly log: MessageLog;
  readonly clock: TestClock;
  /** Controls the log's calls of its engine. */
  readonly gate: EngineGate;
  readonly scenario: LogScenario;
}

/** Runs a scenario, each time in another order and on a new channel. */
export class LogTrial implements InterleavingTrial {
  readonly #parts: LogTrialParts;

  constructor(parts: LogTrialParts) {
    this.#parts = parts;
  }

  /** Runs it once, and asserts that the log is as the results say. Returns the number of engine calls. */
  async run(choose: Choose, fault?: PlannedFault): Promise<number> {
    const { log, clock, gate, scenario } = this.#parts;
    const run = new Run(log);
    await run.begin(scenario.before);
    if (scenario.isOld) clock.advance(OLD_MS);
    const callers = scenario.calls.map((call, index) =>
      gate.start(`${call.do} (${index + 1})`, () => run.perform(call)),
    );
    const steps = await drive(callers, choose, fault);
    for (const { outcome, name } of callers) {
      if (outcome?.status === 'rejected') {
        const cause: unknown = outcome.reason;
        throw new Error(`${name} rejected: ${String(cause)}`, { cause });
      }
    }
    await run.assertConsistent(scenario, callers);
    return steps;
  }
}

/** What a call of a scenario has returned. */
type Outcome = AppendResult | readonly ReadResult[] | undefined;

/** What is known of an entry in the end. */
interface Known {
  readonly publish: string;
  readonly entry: Appended['entry'];
}

/** One run of a scenario. */
class Run {
  readonly #log: MessageLog;
  readonly #of: LogOfChannel = { channel: uniqueChannel(), retentionSeconds: RETENTION_SECONDS };
  readonly #requests = new Map<string, AppendRequest>();
  /** By offset. */
  readonly #known = new Map<number, Known>();

  constructor(log: MessageLog) {
    this.#log = log;
  }

  /** Appends the entries before the calls. */
  async begin(count: number): Promise<void> {
    for (const number of range(1, count)) await this.#settle(`old ${number}`);
  }

  async perform(call: LogCall): Promise<Outcome> {
    if (call.do === 'append') return this.#append(this.#requestOf(call));
    if (call.do === 'read') return this.#readPages(call.limit);
    await persist(() => this.#log.purge(this.#of));
    return undefined;
  }

  async assertConsistent(
    { before, isOld, calls }: LogScenario,
    callers: readonly Caller[],
  ): Promise<void> {
    const isPurged = calls.some((call) => call.do === 'purge');
    if (!isPurged && !isOld) await this.#checkDense();
    for (const [index, call] of calls.entries()) {
      if (call.do === 'append') await this.#settle(call.publish);
      // Only a purge that was interrupted is called again.
      if (call.do === 'purge' && callers[index]?.isDead) await this.#log.purge(this.#of);
    }
    this.#assertOffsets(isOld ? new Set(calls.flatMap(publishOf)) : new Set());
    for (const [index, call] of calls.entries()) {
      const { isDead, outcome } = callers[index] as Caller;
      if (isDead || outcome?.status !== 'fulfilled') continue;
      if (call.do === 'append') this.#checkResult(call, outcome.value as AppendResult, isPurged);
      if (call.do === 'read') this.#checkPages(outcome.value as ReadResult[], isPurged);
    }
    assertOneIsNew(calls, callers);
    const whole = isPurged || isOld ? undefined : this.#known.size;
    await this.#checkEnd(whole);
    if (isPurged) await this.#checkPurged(before);
  }

  /** Asserts that whatever has an offset can be read. */
  async #checkDense(): Promise<void> {
    const { position } = await this.#log.head(this.#of);
    const page = await this.#log.readBefore({ ...this.#of, ...WIDE });
    assert.ok('entries' in page);
    assert.deepEqual(offsetsOf(page.entries), range(1, position.offset), 'the log has a hole');
  }

  #requestOf({ publish, over, onOtherHash = 'refuse' }: AppendCall): AppendRequest {
    const own = this.#requests.get(publish) ?? {
      ...this.#of,
      key: uniqueKey(),
      hash: 'hash',
      payload: JSON.stringify(publish),
      onOtherHash,
    };
    this.#requests.set(publish, own);
    return { ...own, onOtherHash, ...over };
  }

  /** Appends until the result is known, and does the remaining work. */
  async #append(request: AppendRequest): Promise<AppendResult> {
    const result = await persist(() => this.#log.append(request));
    if (result.result === 'appended') {
      await persist(async () => result.finish?.(Promise.resolve(undefined)));
    }
    return result;
  }

  /** Appends what may be missing of a publish, as its client would in the end. */
  async #settle(publish: string): Promise<void> {
    const call = { do: 'append', publish, onOtherHash: 'keep-first' } as const;
    const result = await this.#append(this.#requestOf(call));
    assert.ok(result.result === 'appended', `${publish} ends with "${result.result}"`);
    const { offset } = result.entry.position;
    const known = this.#known.get(offset) ?? { publish, entry: result.entry };
    assert.equal(known.publish, publish, `the offset ${offset} belongs to two publishes`);
    this.#known.set(offset, known);
  }

  async #readPages(limit: number): Promise<readonly ReadResult[]> {
    const pages: ReadResult[] = [];
    const { position } = await persist(() => this.#log.head(this.#of));
    let after = { ...position, offset: 0, tag: '' };
    for (;;) {
      const request = { ...this.#of, ...WIDE, limit, after };
      const page = await persist(() => this.#log.readAfter(request));
      pages.push(page);
      const last = 'entries' in page && page.more ? page.entries.at(-1) : undefined;
      if (!last) return pages;
      after = last.position;
    }
  }

  /** Asserts that every publish has one offset. Only an old one may have been appended again. */
  #assertOffsets(old: ReadonlySet<string>): void {
    const names = [...this.#known.values()].map(({ publish }) => publish);
    for (const name of this.#requests.keys()) {
      const count = names.filter((one) => one === name).length;
      assert.ok(count === 1 || old.has(name), `${name} has ${count} offsets`);
    }
  }

  /** The entry of a publish: the last one, if it was appended again. */
  #entryOf(publish: string): Appended['entry'] | undefined {
    const own = [...this.#known.values()].filter((known) => known.publish === publish);
    return own.toSorted((a, b) => b.entry.position.offset - a.entry.position.offset)[0]?.entry;
  }

  #payloadAt(offset: number): string | undefined {
    const { publish = '', entry } = this.#known.get(offset) ?? {};
    return entry?.payload ?? this.#requests.get(publish)?.payload;
  }

  #checkResult(call: AppendCall, result: AppendResult, isPurged: boolean): void {
    const entry = this.#entryOf(call.publish);
    assert.ok(entry);
    const payload = this.#payloadAt(entry.position.offset);
    const isOther = payload !== this.#requestOf(call).payload;
    const isRefused = isOther && call.onOtherHash !== 'keep-first';
    assert.equal(result.result, isRefused ? 'reused' : 'appended', `result of ${call.publish}`);
    if (result.result !== 'appended') return;
    assert.deepEqual(result.entry.position, entry.position, `positions of ${call.publish}`);
    if (isPurged && result.entry.payload === undefined) return;
    assert.equal(result.entry.payload, payload, `payload of ${call.publish}`);
  }

  #checkPages(pages: readonly ReadResult[], isPurged: boolean): void {
    let next = 1;
    for (const page of pages) {
      if ('reset' in page) {
        assert.ok(isPurged && page.reset === 'trimmed', `a page is the reset ${page.reset}`);
        return;
      }
      this.#checkEntries(page, next);
      next += page.entries.length;
      assert.equal(page.more, next <= page.head.position.offset, `more before ${next}`);
    }
  }

  #checkEntries({ entries }: LogPage, first: number): void {
    assert.deepEqual(offsetsOf(entries), range(first, first + entries.length - 1));
    for (const { position, payload } of entries) {
      assert.equal(payload, this.#payloadAt(position.offset), `payload at ${position.offset}`);
    }
  }

  /** Asserts that the log ends with its last offset, and contains all entries if `whole` says how many. */
  async #checkEnd(whole: number | undefined): Promise<void> {
    const { position } = await this.#log.head(this.#of);
    const offsets = [...this.#known.keys()].toSorted((a, b) => a - b);
    assert.deepEqual(offsets, range(1, position.offset), 'the offsets of all publishes');
    const read = { ...this.#of, ...WIDE };
    const before = await this.#log.readBefore(read);
    assert.ok('entries' in before);
    this.#checkEntries(before, position.offset - before.entries.length + 1);
    if (whole === undefined) return;
    assert.equal(before.entries.length, whole, 'number of entries');
    const after = await this.#log.readAfter({
      ...read,
      after: { ...position, offset: 0, tag: '' },
    });
    assert.ok('entries' in after);
    this.#checkEntries(after, 1);
    assert.equal(after.entries.length, whole, 'number of entries');
  }

  /** Asserts that the entries before the calls are purged, and that nothing of them comes back. */
  async #checkPurged(before: number): Promise<void> {
    const { position } = await this.#log.head(this.#of);
    const read = { ...this.#of, ...WIDE };
    const start = { ...position, offset: 0, tag: '' };
    assert.equal(summary(await this.#log.readAfter({ ...read, after: start })), 'trimmed');
    const page = await this.#log.readBefore(read);
    assert.ok('entries' in page);
    const last = position.offset - page.entries.length;
    assert.ok(last >= before, `entry ${last + 1} was not purged`);
    for (const offset of range(1, last)) {
      const { publish = '' } = this.#known.get(offset) ?? {};
      const result = await this.#append(this.#requestOf({ do: 'append', publish }));
      assert.ok(result.result === 'appended' && result.isDuplicate, `${publish} is not known`);
      assert.equal(result.entry.payload, undefined, `payload of ${publish}`);
    }
    assert.deepEqual(await this.#log.readBefore(read), page);
  }
}

function publishOf(call: LogCall): readonly string[] {
  return call.do === 'append' ? [call.publish] : [];
}

/** Asserts that at most one caller of each key is told that its entry is new. */
function assertOneIsNew(calls: readonly LogCall[], callers: readonly Caller[]): void {
  const created = calls.filter((call, index) => {
    const { isDead, isRepeating, outcome } = callers[index] as Caller;
    if (call.do !== 'append' || isDead || isRepeating || outcome?.status !== 'fulfilled')
      return false;
    const result = outcome.value as AppendResult;
    return result.result === 'appended' && !result.isDuplicate;
  });
  const names = created.flatMap(publishOf);
  assert.equal(new Set(names).size, names.length, 'two callers are told that one entry is new');
}

/** Makes a call, and repeats it twice if it may succeed later, or if its result is not known. */
async function persist<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const value = await call();
      if (attempt === 3 || !isUnknown(value)) return value;
    } catch (error) {
      if (attempt === 3 || !StoreError.is(error) || !error.retryable) throw error;
    }
  }
}

function isUnknown(value: unknown): boolean {
  return (value as Partial<AppendResult> | undefined)?.result === 'unknown';
}
