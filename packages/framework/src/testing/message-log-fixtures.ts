import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import type { Position } from '@gatecast/protocol';
import type {
  Appended,
  AppendRequest,
  AppendResult,
  LogEntry,
  LogHead,
  LogOfChannel,
  LogSettings,
  MessageLog,
  ReadRequest,
  ReadResult,
} from '../store/log.js';
import type { TestClock } from './clock.js';
import { uniqueChannel } from './contract-fixtures.js';
import { LogModel } from './message-log-model.js';

/** One check of the contract. Other checks may use the engine at the same time. */
export interface LogCheck {
  /** What the log must do, as the end of a sentence. */
  readonly name: string;
  readonly run: (subject: LogSubject) => Promise<void>;
}

/** The log under test, its clock, and the sizes of the checks. */
export interface LogSubject {
  readonly log: MessageLog;
  readonly clock: TestClock;
  /** Number of entries of a long log. */
  readonly entries: number;
  /** Number of concurrent writers. */
  readonly writers: number;
  readonly seed: number;
  /** Whether the log expires entries by `clock`. */
  readonly mustExpire: boolean;
}

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** More than any check needs. */
export const WIDE = { limit: 10_000, maxBytes: 100_000_000 } as const;

const RETENTION_SECONDS = 3_600;

/** A key that no other publish uses. */
export function uniqueKey(): string {
  return randomBytes(12).toString('base64url');
}

/** The log of a channel that no other check uses. The result of every call is compared with a model. */
export class CheckedLog {
  readonly of: LogOfChannel;
  readonly model: LogModel;
  readonly #log: MessageLog;

  constructor(subject: LogSubject, settings: Partial<LogSettings> & { channel?: string } = {}) {
    const { log, clock, mustExpire } = subject;
    this.#log = log;
    this.of = { channel: uniqueChannel(), retentionSeconds: RETENTION_SECONDS, ...settings };
    this.model = new LogModel(this.of, clock.now, mustExpire);
  }

  /** A publish that no other one is like. */
  request(over: Partial<AppendRequest> = {}): AppendRequest {
    const key = uniqueKey();
    const payload = JSON.stringify({ n: key });
    return { ...this.of, key, hash: 'hash', payload, onOtherHash: 'refuse', ...over };
  }

  async append(over: Partial<AppendRequest> = {}): Promise<AppendResult> {
    const [result] = await this.appendAll([this.request(over)]);
    return result as AppendResult;
  }

  /** Appends an entry that must be new or a duplicate. */
  async appended(over: Partial<AppendRequest> = {}): Promise<Appended> {
    const result = await this.append(over);
    assert.ok(result.result === 'appended', `append returned "${result.result}"`);
    return result;
  }

  /** Appends at once. Compares the results in the order of the offsets. */
  async appendAll(requests: readonly AppendRequest[]): Promise<readonly AppendResult[]> {
    const results = await Promise.all(requests.map((request) => this.#log.append(request)));
    const pairs = results.map((result, index) => ({ result, request: requests[index] }));
    for (const { request, result } of pairs.toSorted((a, b) => rank(a.result) - rank(b.result))) {
      this.model.checkAppend(request as AppendRequest, result);
    }
    return results;
  }

  /** Appends new entries, one after the other. Their remaining work overlaps with the next append. */
  async fill(count: number, over: Partial<AppendRequest> = {}): Promise<readonly LogEntry[]> {
    const entries: LogEntry[] = [];
    let finishing: Promise<void> | undefined;
    for (let index = 0; index < count; index += 1) {
      const { entry, finish } = await this.appended(over);
      await finishing;
      finishing = finish?.(Promise.resolve(undefined));
      // It is awaited after the next append, which may fail first.
      finishing?.catch(() => {});
      entries.push(entry as LogEntry);
    }
    await finishing;
    return entries;
  }

  async head(keep = false): Promise<LogHead> {
    const head = await this.#log.head({ ...this.of, keep });
    this.model.checkHead(head);
    if (keep) this.model.keep();
    return head;
  }

  async readAfter(after: Position, over: Partial<ReadRequest> = {}): Promise<ReadResult> {
    const request = { ...this.of, ...WIDE, ...over, after };
    const result = await this.#log.readAfter(request);
    this.model.checkAfter(request, result);
    if (over.keep) this.model.keep();
    return result;
  }

  async readBefore(before?: Position, over: Partial<ReadRequest> = {}): Promise<ReadResult> {
    const request = { ...this.of, ...WIDE, ...over, ...(before && { before }) };
    const result = await this.#log.readBefore(request);
    this.model.checkBefore(request, result);
    if (over.keep) this.model.keep();
    return result;
  }

  async purge(): Promise<void> {
    await this.#log.purge(this.of);
    this.model.purge();
  }

  /** Reads from every position so far, in both directions. */
  async readEverywhere(over: Partial<ReadRequest> = {}): Promise<void> {
    await this.readBefore(undefined, over);
    for (const position of [this.model.start, ...this.model.entries.map((one) => one.position)]) {
      await this.readAfter(position, over);
      await this.readBefore(position, over);
    }
  }

  /** Reads page by page upwards, each page with the position of the last entry. */
  async pagesAfter(after: Position, over: Partial<ReadRequest> = {}): Promise<LogEntry[]> {
    const all: LogEntry[] = [];
    let from = after;
    for (;;) {
      const page = await this.readAfter(from, over);
      if ('reset' in page) assert.fail(`the pages end with a reset: ${page.reset}`);
      all.push(...page.entries);
      const last = page.entries.at(-1);
      if (!page.more || !last) return all;
      from = last.position;
    }
  }

  /** Reads page by page downwards, each page with the position of its first entry. */
  async pagesBefore(before?: Position, over: Partial<ReadRequest> = {}): Promise<LogEntry[]> {
    const all: LogEntry[] = [];
    let to = before;
    for (;;) {
      const page = await this.readBefore(to, over);
      if ('reset' in page) assert.fail(`the pages end with a reset: ${page.reset}`);
      all.unshift(...page.entries);
      const [first] = page.entries;
      if (!page.more || !first) return all;
      to = first.position;
    }
  }
}

/** New entries in the order of their offsets, then everything else. */
function rank(result: AppendResult): number {
  const isNew = result.result === 'appended' && !result.isDuplicate;
  return isNew ? result.entry.position.offset : Infinity;
}

/** The offsets of entries. */
export function offsetsOf(entries: readonly LogEntry[]): number[] {
  return entries.map(({ position }) => position.offset);
}

/** Whole numbers from one to another, both included. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

/** The reason of a reset, or the offsets of a page. */
export function summary(result: ReadResult): unknown {
  return 'reset' in result ? result.reset : offsetsOf(result.entries);
}
