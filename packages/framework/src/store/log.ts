import type { Position, ResetReason } from '@gatecast/protocol';
import type { TimeLimit } from '../time/time-limit.js';

/** How long the entries of a channel are kept. @group Stores */
export interface LogSettings {
  /**
   * How long an entry can be read after it was appended, and its key is known, in seconds: 600 or more. The store
   * may delete it later than that, but never earlier.
   */
  readonly retentionSeconds: number;
  /** How many of the newest entries can be read. @default no limit */
  readonly maxEntries?: number;
}

/** A channel's log. Every call for one channel must have the same settings. @group Stores */
export interface LogOfChannel extends LogSettings {
  readonly channel: string;
}

/** One entry of a log. @group Stores */
export interface LogEntry {
  readonly position: Position;
  /** When it was appended, in milliseconds since 1970. It may fall while the offsets rise. */
  readonly at: number;
  /** The event as JSON text, exactly as it was appended. */
  readonly payload: string;
  /**
   * The tag of the entry before it; `''` for the first one. Only of stores that may lose the end of a log in a
   * fail-over and use its offsets again.
   */
  readonly prev?: string;
}

/** What to append. @group Stores */
export interface AppendRequest extends LogOfChannel {
  /**
   * Identifies the publish: 16 characters of base64url. Appending twice with one key appends once, for as long as
   * the key is known.
   */
  readonly key: string;
  /** A hash of what the publish says, to notice a key that is used for something else: 1 to 64 characters. */
  readonly hash: string;
  /** The event as JSON text, at most 32,768 bytes. The store keeps it as it is. */
  readonly payload: string;
  /**
   * What happens if the key has been used with another hash. `keep-first`: the first payload stays, and the result
   * is that of a duplicate. `refuse`: the result is `reused`.
   */
  readonly onOtherHash: 'keep-first' | 'refuse';
}

/** An entry that is in the log, now or since an earlier call with its key. @group Stores */
export interface Appended {
  readonly result: 'appended';
  /** Its payload is absent if it was purged: then it must not be delivered. */
  readonly entry: Omit<LogEntry, 'payload'> & { readonly payload?: string };
  /** Whether an earlier call appended it. */
  readonly isDuplicate: boolean;
  /**
   * Work that can be done while the event is delivered; absent if there is none. Call it once, and wait for it
   * before the invocation ends.
   *
   * @param audience - Resolves with an estimate of the channel's subscribers, if there is one. The store may
   * keep it in the head of the log.
   */
  readonly finish?: (audience: Promise<number | undefined>) => Promise<void>;
}

/** The result of {@link MessageLog.append}. @group Stores */
export type AppendResult =
  | Appended
  /** The key has been used with another hash, and the request said `refuse`. Nothing was appended. */
  | { readonly result: 'reused' }
  /**
   * The process slept, or a call took so long, that it is not known whether readers will find the entry. Append again
   * with the same key: then the entry is in the log once.
   */
  | { readonly result: 'unknown' };

/** The end of a log. @group Stores */
export interface LogHead {
  /** The position of the last entry. With offset 0 if there is none; every log has an epoch. */
  readonly position: Position;
  /** An estimate of the channel's subscribers, if a publisher has left one. */
  readonly audience?: number;
}

/** Which entries to read. @group Stores */
export interface ReadRequest extends LogOfChannel {
  /** Most entries, 1 or more. */
  readonly limit: number;
  /** Most bytes of the payloads. At least one entry is returned, however large. */
  readonly maxBytes: number;
  /** Whether a subscriber will use the position, so that the log must outlive its entries. @default false */
  readonly keep?: boolean;
}

/** Entries of a log, in order and without a hole between them. @group Stores */
export interface LogPage {
  readonly entries: readonly LogEntry[];
  /** Whether more entries follow in the direction of the read. */
  readonly more: boolean;
  readonly head: LogHead;
}

/**
 * The result of reading with a position: a page, or the reason why the position is of no use.
 *
 * @group Stores
 */
export type ReadResult = LogPage | { readonly reset: ResetReason; readonly head: LogHead };

/**
 * The immutable, dense logs of channels: version 1 of the contract. The offsets of a log are 1, 2, 3 … without a
 * gap. An entry never changes, and its offset never belongs to another one, unless the store says otherwise by
 * `prev`.
 *
 * All reads are strongly consistent: an entry whose `append` has returned is found by every read that begins
 * afterwards, until its retention ends. A read never skips an entry, and never returns a part of what was asked
 * for as if it were all: it says `more` or `reset`.
 *
 * Every method takes a time limit as its last argument and ends within it, like those of
 * {@link ConnectionStore}.
 *
 * @throws StoreError - from every method, if the store fails or the time is over. After `append` has failed, the
 * entry may be in the log or appear in it later. Append again with the same key: then it is there once.
 * @throws unknown - the `reason` of the signal, from every method, after it was aborted.
 * @group Stores
 */
export interface MessageLog {
  /** Version of this contract. */
  readonly contract: 1;
  /** Appends an entry, unless its key is known already. */
  append(request: AppendRequest, limit?: TimeLimit): Promise<AppendResult>;
  /**
   * The end of the log. Begins a log if there is none.
   *
   * @param request - `keep` as in {@link ReadRequest}.
   */
  head(request: LogOfChannel & Pick<ReadRequest, 'keep'>, limit?: TimeLimit): Promise<LogHead>;
  /** Reads the entries after a position, oldest first. */
  readAfter(
    request: ReadRequest & { readonly after: Position },
    limit?: TimeLimit,
  ): Promise<ReadResult>;
  /**
   * Reads the entries that end before a position, or at the end of the log, in order. Returns the longest run
   * without a hole; entries that have expired or were purged end it.
   *
   * @returns Without `before` always a page.
   */
  readBefore(
    request: ReadRequest & { readonly before?: Position },
    limit?: TimeLimit,
  ): Promise<ReadResult>;
  /**
   * Deletes the contents of all entries so far; new entries go on with the next offset. Keys stay known. If it was
   * interrupted, call it again.
   */
  purge(request: LogOfChannel, limit?: TimeLimit): Promise<void>;
}
