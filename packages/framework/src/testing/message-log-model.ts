import { strict as assert } from 'node:assert';
import { formatPosition, type Position, parsePosition } from '@gatecast/protocol';
import type {
  AppendRequest,
  AppendResult,
  LogEntry,
  LogHead,
  LogOfChannel,
  LogPage,
  ReadRequest,
  ReadResult,
} from '../store/log.js';

/** How long after its retention an entry may still be read: 1 h, and a second for clocks in seconds. */
const GRACE_MS = 3_601_000;
/** How long a log must live after it was read with `keep`: 1 day. */
const KEPT_MS = 86_400_000;
/** A wrong tag must be noticed in the newest entries. Of older ones, a store may not know the tags. */
const TAGGED_ENTRIES = 10;

/** An appended entry. */
export interface ModelEntry {
  readonly position: Position;
  readonly at: number;
  readonly request: AppendRequest;
}

/** The expected contents of one channel's log, and the assertions that a result is one that they allow. */
export class LogModel {
  readonly #settings: LogOfChannel;
  readonly #now: () => number;
  /** Whether entries must be gone some time after their retention. */
  readonly #mustExpire: boolean;
  #entries: ModelEntry[] = [];
  #epoch: string | undefined;
  #purged = 0;
  #keptUntil = 0;
  readonly #audiences = new Set<number | undefined>([undefined]);

  constructor(settings: LogOfChannel, now: () => number, mustExpire: boolean) {
    this.#settings = settings;
    this.#now = now;
    this.#mustExpire = mustExpire;
  }

  get entries(): readonly ModelEntry[] {
    return this.#entries;
  }

  /** The position of the last entry. Only after the log has begun. */
  get top(): Position {
    return this.#entries.at(-1)?.position ?? this.start;
  }

  /** The position before the first entry. Only after the log has begun. */
  get start(): Position {
    return { epoch: this.#epoch ?? '', offset: 0, tag: '' };
  }

  purge(): void {
    this.#purged = this.top.offset;
  }

  keep(): void {
    this.#keptUntil = this.#now() + KEPT_MS;
  }

  /** A publisher has finished an append with this estimate. */
  finish(audience: number | undefined): void {
    this.#audiences.add(audience);
  }

  checkAppend(request: AppendRequest, result: AppendResult): void {
    const known = this.#entries.findLast((entry) => entry.request.key === request.key);
    if (known && (this.#isSure(known) || isKnown(result, known))) {
      this.#checkKnown(known, request, result);
      return;
    }
    assert.ok(result.result === 'appended', `append returned "${result.result}" for a new key`);
    assert.equal(result.isDuplicate, false, 'an append of a new key says that it is a duplicate');
    const { position, at, payload } = result.entry;
    this.#enter(position);
    assert.equal(position.offset, this.top.offset + 1, 'the offset of a new entry');
    assert.equal(at, this.#now(), 'the time of a new entry');
    assert.equal(payload, request.payload, 'the payload of a new entry');
    this.#checkPrev(result.entry);
    this.#entries.push({ position, at, request });
  }

  #checkKnown(known: ModelEntry, request: AppendRequest, result: AppendResult): void {
    const isOther = known.request.hash !== request.hash;
    if (isOther && request.onOtherHash === 'refuse') {
      assert.equal(result.result, 'reused', 'the key was used with another hash');
      return;
    }
    const { offset } = known.position;
    assert.ok(result.result === 'appended', `append returned "${result.result}" for a known key`);
    assert.equal(result.isDuplicate, true, `entry ${offset} was appended before: a duplicate`);
    const { position, at, payload } = result.entry;
    assert.deepEqual(position, known.position, 'the position of a duplicate');
    assert.equal(at, known.at, 'the time of a duplicate is that of the first append');
    this.#checkPrev(result.entry);
    if (offset <= this.#purged) {
      assert.equal(payload, undefined, `entry ${offset} was purged: no payload`);
    } else if (payload !== undefined || this.#isSure(known)) {
      assert.equal(payload, known.request.payload, 'a duplicate has the first payload');
    }
  }

  checkHead({ position, audience }: LogHead): void {
    this.#enter(position);
    assert.deepEqual(position, this.top, 'the head is the position of the last entry');
    assert.ok(this.#audiences.has(audience), `the head says an audience of ${audience}`);
  }

  checkAfter({ after, ...request }: ReadRequest & { after: Position }, result: ReadResult): void {
    this.checkHead(result.head);
    const { offset } = after;
    const allowed = this.#resetsOf(after);
    const { must, may } = this.#floors();
    if (offset < may) allowed.add('trimmed');
    if (offset < must) allowed.delete(undefined);
    if (!this.#isAllowed(allowed, result)) return;
    const { entries, more } = result;
    const left = this.top.offset - offset;
    assertSize(request, { entries, left });
    this.#checkEntries(entries, offset + 1);
    assert.equal(more, entries.length < left, `after ${offset}: more`);
  }

  checkBefore(
    { before, ...request }: ReadRequest & { before?: Position | undefined },
    result: ReadResult,
  ): void {
    this.checkHead(result.head);
    const allowed = before ? this.#resetsOf(before) : new Set([undefined]);
    if (!this.#isAllowed(allowed, result)) return;
    const { entries, more } = result;
    const end = before?.offset ?? this.top.offset + 1;
    const { must, may } = this.#floors();
    assertSize(request, { entries, left: end - 1 - may });
    const first = end - entries.length;
    assert.ok(entries.length === 0 || first > must, `entry ${first} cannot be read any more`);
    this.#checkEntries(entries, first);
    if (first - 1 > may) assert.equal(more, true, `before ${first} there are more`);
    if (first - 1 <= must) assert.equal(more, false, `before ${first} there are no more`);
  }

  /** Asserts that a read returned a page or a reset that is allowed. Returns whether it is a page. */
  #isAllowed(allowed: ReadonlySet<string | undefined>, result: ReadResult): result is LogPage {
    const reset = 'reset' in result ? result.reset : undefined;
    const expected = [...allowed].map((one) => one ?? 'a page').join(' or ');
    assert.ok(allowed.has(reset), `a read returned ${reset ?? 'a page'} instead of ${expected}`);
    return reset === undefined;
  }

  /** What a read with a position may return: one of the reasons, or a page (`undefined`). */
  #resetsOf({ epoch, offset, tag }: Position): Set<string | undefined> {
    if (epoch !== this.#epoch) return new Set(['epoch']);
    if (offset > this.top.offset) return new Set(['forked']);
    if (offset === 0 || this.#entries[offset - 1]?.position.tag === tag)
      return new Set([undefined]);
    const isNew = offset > this.top.offset - TAGGED_ENTRIES && offset > this.#floors().may;
    return new Set(isNew ? ['forked'] : ['forked', undefined]);
  }

  /** Up to which offset nothing can be read any more, and up to which it may be so. */
  #floors(): { readonly must: number; readonly may: number } {
    const { maxEntries = Infinity } = this.#settings;
    const limit = Math.max(this.#purged, this.top.offset - maxEntries, 0);
    const gone = this.#mustExpire ? this.#lastWhere((entry) => this.#isGone(entry)) : 0;
    const unsure = this.#lastWhere((entry) => !this.#isSure(entry));
    return { must: Math.max(limit, gone), may: Math.max(limit, unsure) };
  }

  #lastWhere(is: (entry: ModelEntry) => boolean): number {
    return this.#entries.findLast(is)?.position.offset ?? 0;
  }

  #isSure({ at }: ModelEntry): boolean {
    return this.#now() < at + this.#settings.retentionSeconds * 1_000;
  }

  #isGone({ at }: ModelEntry): boolean {
    return this.#now() > at + this.#settings.retentionSeconds * 1_000 + GRACE_MS;
  }

  #checkEntries(entries: readonly LogEntry[], first: number): void {
    for (const [index, entry] of entries.entries()) {
      const known = this.#entries[first + index - 1];
      assert.deepEqual(entry.position, known?.position, `position of entry ${first + index}`);
      assert.equal(entry.at, known?.at, `time of entry ${first + index}`);
      assert.equal(entry.payload, known?.request.payload, `payload of entry ${first + index}`);
      this.#checkPrev(entry);
    }
  }

  #checkPrev({ position, prev }: Omit<LogEntry, 'payload'>): void {
    if (prev === undefined) return;
    const before = this.#entries[position.offset - 2]?.position.tag ?? '';
    assert.equal(prev, before, `entry ${position.offset} names the tag of the entry before it`);
  }

  /** Asserts that a position is well-formed, and of this log or of a new one if one may have begun. */
  #enter(position: Position): void {
    assert.deepEqual(parsePosition(formatPosition(position)), position, 'a position as text');
    if (position.epoch === this.#epoch) return;
    const isFree =
      this.#now() >= this.#keptUntil && !this.#entries.some((one) => this.#isSure(one));
    assert.ok(this.#epoch === undefined || isFree, 'a new epoch began while the log was in use');
    this.#epoch = position.epoch;
    this.#entries = [];
    this.#purged = 0;
    this.#audiences.clear();
    this.#audiences.add(undefined);
  }
}

/** Whether a result says that the key of an entry, which may be forgotten, is still known. */
function isKnown(result: AppendResult, { position }: ModelEntry): boolean {
  if (result.result !== 'appended') return result.result === 'reused';
  return result.isDuplicate && result.entry.position.epoch === position.epoch;
}

/** Asserts that a page is within its limits, and not empty if some of what is left must be found. */
function assertSize(
  { limit, maxBytes }: Pick<ReadRequest, 'limit' | 'maxBytes'>,
  { entries, left }: { readonly entries: readonly LogEntry[]; readonly left: number },
): void {
  assert.ok(entries.length <= limit, `${entries.length} entries exceed the limit ${limit}`);
  let bytes = 0;
  for (const { payload } of entries) bytes += Buffer.byteLength(payload);
  assert.ok(bytes <= maxBytes || entries.length === 1, `${bytes} bytes exceed ${maxBytes}`);
  assert.ok(left <= 0 || entries.length > 0, 'a page is empty although there are entries');
}
