import { formatPosition, type Position, parsePosition, type ResetReason } from '@gatecast/protocol';
import { type ClientRequestError, TRANSIENT } from './errors.js';
import { type Fields, fields, list } from './incoming.js';
import { after, backoffMs, clamp, milliseconds, type Timer } from './timers.js';

/**
 * Why events may be missing between the last one that was handed over and the next.
 *
 * @group History
 */
export type MissedReason = ResetReason | 'forbidden' | 'no-history';

/** What a reader needs of its client. */
export interface LogReaderHost {
  /**
   * With both: the next event of the log. Without a position: an event outside of it. Without an event: the
   * position of the answer, from where the app goes on; none without history.
   */
  take(event: Fields | undefined, position: string | undefined): void;
  /** Events may be missing. */
  missed(reason: MissedReason): void;
  /** Asks for the events after a position: those of a hole of that size, or all. */
  fill(
    after: string,
    limit: number | undefined,
    settle: (error: ClientRequestError | undefined, page: Fields) => void,
  ): void;
  /** Asks whether the last events of the channel were missed. */
  sync(): void;
  /** The position is in doubt: subscribes again with it, to be told. */
  resume(): void;
}

/** Events that arrived too early, at most; what is missing is then asked for at once. */
export const MAX_EARLY = 256;
/** Shortest and longest wait for an event that others have overtaken; a random part of up to a half is added. */
export const GAP_MS = [150, 2_000] as const;

/**
 * The events of one channel in the order of its log, each once. What the server pushes are hints, which get
 * lost, doubled and out of order: the position decides.
 */
export class LogReader {
  readonly #host: LogReaderHost;
  /** Events that came before those in front of them, by offset. */
  readonly #early = new Map<number, Fields>();
  /** The place of the last event that was taken. */
  #last: Position | undefined;
  /** Whether the server has said where the log stands, and nothing puts it into doubt. */
  #isLive = false;
  /** The connection ended after the subscription had begun. */
  #wasLost = false;
  #hasBegun = false;
  /** The log has more than what came: there was no room for it, or the server said so. */
  #isBehind = false;
  /** The read that is under way; the answer to an earlier one is dropped. */
  #filling: object | undefined;
  /** When to ask whether the last events were missed, as the server said. */
  #tailCheck: Fields = {};
  #gapTimer: Timer | undefined;
  #tailTimer: Timer | undefined;
  #gapSince = 0;
  /** How long to wait for an event that others have overtaken: longer where that is usual. */
  #gapMs: number = GAP_MS[0];
  #failures = 0;
  #syncFailures = 0;

  /** `position`: where it stopped in an earlier life. */
  constructor(host: LogReaderHost, position: unknown) {
    this.#host = host;
    this.#last = parsePosition(position);
  }

  /** Whether events wait for those before them. */
  get hasEarly(): boolean {
    return this.#early.size > 0;
  }

  get position(): string | undefined {
    return this.#last && formatPosition(this.#last);
  }

  /** The server pushed an event. */
  receive(event: Fields): void {
    const position = parsePosition(event['position']);
    const hasNoLog = this.#hasBegun && !this.#last;
    if (!position || hasNoLog) this.#host.take(event, undefined);
    else if (!this.#isLive) this.#keep(position, event);
    else if (position.epoch === this.#last?.epoch) this.#offer(position, event);
    else this.#host.resume();
    // The channel has begun to keep a log.
    if (position && hasNoLog && this.#isLive) this.#host.resume();
  }

  /**
   * Whether it goes on after an answer from where it is. While the client moves, the second connection may be refused
   * the history: the first one brings the events.
   */
  resumes({ result, reason, position }: Fields): boolean {
    const isSpared = this.#isLive && reason === 'forbidden';
    const isOfThisLog = parsePosition(position)?.epoch === this.#last?.epoch;
    return this.#last !== undefined && isOfThisLog && (isSpared || result === 'resumed');
  }

  /** The server answered a subscription: where the log stands, and what was missed. */
  answered(
    { result, reason, position, events, more, tailCheck }: Fields,
    isResumed: boolean,
  ): void {
    const end = parsePosition(position);
    const early = [...this.#early.values()];
    const isBehind = this.#isBehind || (isResumed && more === true);
    const mayMiss = this.#wasLost || this.#last;
    // After a reset, which has dropped what came early. Or the first of two connections may have lost what it owed.
    const isChecking = this.#tailTimer !== undefined || reason !== undefined;
    this.suspend();
    this.#wasLost = false;
    this.#hasBegun = true;
    this.#tailCheck = fields(tailCheck);
    this.#isLive = true;
    if (result === 'reset' && !isResumed) this.#host.missed(reason as MissedReason);
    else if (mayMiss && !isResumed) this.#host.missed('no-history');
    // Its listener may have left the channel.
    if (!this.#isLive) return;
    const [first] = list(events);
    if (!isResumed) this.#last = parsePosition(first?.['position']) ?? end;
    if (!isResumed && end && first) this.#take(this.#last as Position, first);
    else this.#host.take(undefined, this.position);
    this.#offerAll(events);
    // If the position is in doubt again, the next answer will have them.
    for (const event of early) if (this.#isLive) this.receive(event);
    if (!this.#isLive) return;
    if (isChecking) this.checkTail();
    if (isBehind) this.#fillAll();
  }

  /** The server compared the position with the log. */
  synced(result: unknown): void {
    this.#syncFailures = 0;
    if (result === 'behind') this.#fillAll();
    else if (result !== 'current') this.#host.resume();
  }

  /** Asks a while after the last event whether it was the last, where the server wants it. */
  checkTail(): void {
    this.#stopCheck();
    const afterMs = milliseconds(this.#tailCheck['afterMs']);
    const windowMs = milliseconds(this.#tailCheck['windowMs']);
    if (afterMs) this.#startCheck(afterMs + Math.random() * windowMs);
  }

  /** The server could not say whether the last events were missed; perhaps it says when to ask again. */
  syncFailed({ retryAfterMs }: ClientRequestError): void {
    if (retryAfterMs === undefined || !this.#isLive) {
      this.checkTail();
      return;
    }
    this.#stopCheck();
    this.#startCheck(milliseconds(retryAfterMs) + backoffMs(this.#syncFailures));
    this.#syncFailures += 1;
  }

  /** Puts nothing in order until the server has answered again, which will bring what came early. */
  suspend(): void {
    this.#isLive = false;
    this.#isBehind = false;
    this.#filling = undefined;
    this.#failures = 0;
    this.#early.clear();
    this.#stopCheck();
    this.#endGap();
  }

  /** The connection is gone, and what was asked will not be answered. */
  lose(): void {
    this.suspend();
    this.#wasLost = this.#hasBegun;
  }

  #keep({ offset }: Position, event: Fields): void {
    if (this.#early.size < MAX_EARLY) this.#early.set(offset, event);
    else this.#isBehind = true;
  }

  #offerAll(events: unknown): void {
    for (const event of list(events)) {
      const position = parsePosition(event['position']);
      if (!this.#isLive) return;
      if (position && position.epoch === this.#last?.epoch) this.#offer(position, event);
    }
  }

  #offer(position: Position, event: Fields): void {
    const last = this.#last as Position;
    const next = last.offset + 1;
    const { prev } = event;
    const isOther = position.offset === last.offset && position.tag !== last.tag;
    const followsOther = position.offset === next && typeof prev === 'string' && prev !== last.tag;
    if (position.offset > next) {
      this.#keep(position, event);
      if (this.#isBehind && this.#failures === 0) this.#fill();
      else if (!this.#gapTimer && !this.#filling) this.#startGap(this.#gapMs);
    } else if (isOther || followsOther) {
      // The store has lost the last event that was taken.
      this.#host.resume();
    } else if (position.offset === next) {
      this.#take(position, event);
      this.#takeEarly(next);
    }
  }

  /** Takes what had come before the event with this offset. */
  #takeEarly(taken: number): void {
    this.#early.delete(taken);
    const event = this.#early.get(taken + 1);
    const position = parsePosition(event?.['position']);
    if (event && position) this.#offer(position, event);
    else if (this.#gapTimer && this.#failures === 0) {
      const delayMs = performance.now() - this.#gapSince;
      this.#gapMs = clamp(4 * delayMs, GAP_MS) ?? GAP_MS[0];
      this.#endGap();
      // What is missing now is another one, which has a time of its own.
      if (this.#early.size > 0 || this.#isBehind) this.#startGap(this.#gapMs);
    }
  }

  #take(position: Position, event: Fields): void {
    this.#last = position;
    this.checkTail();
    this.#host.take(event, formatPosition(position));
  }

  #fillAll(): void {
    this.#isBehind = true;
    this.#fill();
  }

  /** Asks for the events after the last one: those before the ones that came early, or all. */
  #fill(): void {
    this.#endGap();
    const last = this.#last;
    const isNeeded = this.#isBehind || this.#early.size > 0;
    if (!isNeeded || !last || !this.#isLive || this.#filling) return;
    const limit = this.#isBehind ? undefined : Math.max(...this.#early.keys()) - last.offset - 1;
    const filling = {};
    this.#filling = filling;
    this.#isBehind = false;
    this.#host.fill(formatPosition(last), limit, (error, page) => {
      if (this.#filling !== filling) return;
      this.#filling = undefined;
      if (error) this.#failed(error, limit === undefined);
      else if (page['result'] !== 'page') this.#host.resume();
      else this.#filled(page, limit === undefined, last);
    });
  }

  #filled({ events, more }: Fields, isUnlimited: boolean, before: Position): void {
    this.#failures = 0;
    if (isUnlimited && more) this.#isBehind = true;
    this.#offerAll(events);
    if (!this.#isLive || (this.#early.size === 0 && !this.#isBehind)) return;
    // What came early is not in the log: it belongs to one that the store has lost.
    if (this.#last === before) this.#host.resume();
    else if (this.#isBehind) this.#fill();
    else if (!this.#gapTimer) this.#startGap(this.#gapMs);
  }

  #failed(error: ClientRequestError, isUnlimited: boolean): void {
    if (!TRANSIENT.includes(error.code)) {
      this.#host.resume();
      return;
    }
    if (isUnlimited) this.#isBehind = true;
    this.#startGap(milliseconds(error.retryAfterMs) + backoffMs(this.#failures));
    this.#failures += 1;
  }

  #startGap(ms: number): void {
    this.#gapSince = performance.now();
    this.#gapTimer = after(ms * (1 + Math.random() / 2), () => this.#fill());
  }

  #startCheck(ms: number): void {
    this.#tailTimer = after(ms, () => {
      this.#tailTimer = undefined;
      this.#host.sync();
    });
  }

  #stopCheck(): void {
    clearTimeout(this.#tailTimer);
    this.#tailTimer = undefined;
  }

  #endGap(): void {
    clearTimeout(this.#gapTimer);
    this.#gapTimer = undefined;
  }
}
