import { formatPosition, type Position, parsePosition, type ResetReason } from '@gatecast/protocol';
import { type ClientRequestError, TRANSIENT } from './errors.js';
import { type Fields, fields } from './incoming.js';
import { after, backoffMs, clamp, milliseconds, type Timer } from './timers.js';

/** Why events may be missing between the last one that was handed over and the next. */
export type MissedReason = ResetReason | 'forbidden' | 'no-history';

/** What a reader needs of its client. */
export interface LogReaderHost {
  /** The next event, or where the application stands without one. */
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
/** Shortest and longest wait for an event that others have overtaken. */
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
  /** An event was not kept: there was no room. */
  #isOverfull = false;
  /** What is being asked for. */
  #filling: object | undefined;
  #tailCheck: Fields = {};
  #gapTimer: Timer | undefined;
  #tailTimer: Timer | undefined;
  #gapSince = 0;
  /** How long to wait for an event that others have overtaken: longer where that is usual. */
  #gapMs: number = GAP_MS[0];
  #failures = 0;

  /** `position`: where it stopped in an earlier life. */
  constructor(host: LogReaderHost, position: unknown) {
    this.#host = host;
    this.#last = parsePosition(position);
  }

  get position(): string | undefined {
    return this.#last && formatPosition(this.#last);
  }

  /** The server pushed an event. */
  receive(event: Fields): void {
    const position = parsePosition(event['position']);
    const isInLog = position && (this.#last || !this.#hasBegun);
    if (!isInLog) this.#host.take(event, undefined);
    else if (!this.#isLive) this.#keep(position, event);
    else if (position.epoch === this.#last?.epoch) {
      this.#offer(position, event);
      return;
    }
    // It belongs to another log than the one that was answered.
    if (position && this.#isLive) this.#host.resume();
  }

  /** The server answered a subscription: where the log stands, and what was missed. */
  answered({ result, reason, position, events, more, tailCheck }: Fields): void {
    const end = parsePosition(position);
    const early = [...this.#early.values()];
    const isResumed = result === 'resumed' && end?.epoch === this.#last?.epoch;
    const mustFill = this.#isOverfull || (isResumed && more);
    const mayMiss = this.#wasLost || this.#last;
    this.doubt();
    this.#wasLost = false;
    this.#hasBegun = true;
    this.#tailCheck = fields(tailCheck);
    if (result === 'reset') this.#host.missed(reason as MissedReason);
    else if (mayMiss && !isResumed) this.#host.missed('no-history');
    this.#isLive = true;
    if (!isResumed || !end) {
      const [first] = Array.isArray(events) ? events : [];
      this.#last = parsePosition(fields(first)['position']) ?? end;
      if (end && first) this.#take(this.#last as Position, fields(first));
      else this.#host.take(undefined, this.position);
    } else this.#host.take(undefined, this.position);
    this.#offerAll(events);
    for (const event of early) this.receive(event);
    if (mustFill) this.#fill();
  }

  /** The server compared the position with the log. */
  synced(result: unknown): void {
    if (result === 'behind') this.#fill();
    else if (result !== 'current') this.#host.resume();
  }

  /** Asks a while after the last event whether it was the last, where the server wants it. */
  checkTail(): void {
    clearTimeout(this.#tailTimer);
    const afterMs = milliseconds(this.#tailCheck['afterMs']);
    const windowMs = milliseconds(this.#tailCheck['windowMs']);
    if (!afterMs) return;
    this.#tailTimer = after(afterMs + Math.random() * windowMs, () => this.#host.sync());
  }

  /** The channel is subscribed to again, with the position: the answer will have what came early. */
  doubt(): void {
    this.#isLive = false;
    this.#isOverfull = false;
    this.#filling = undefined;
    this.#early.clear();
    clearTimeout(this.#tailTimer);
    this.#endGap();
  }

  /** The connection is gone, and what was asked will not be answered. */
  lose(): void {
    this.doubt();
    this.#wasLost = this.#hasBegun;
  }

  #keep({ offset }: Position, event: Fields): void {
    if (this.#early.size < MAX_EARLY) this.#early.set(offset, event);
    else this.#isOverfull = true;
  }

  #offerAll(events: unknown): void {
    for (const value of Array.isArray(events) ? events : []) {
      const event = fields(value);
      const position = parsePosition(event['position']);
      if (!this.#isLive) return;
      if (position && position.epoch === this.#last?.epoch) this.#offer(position, event);
    }
  }

  #offer(position: Position, event: Fields): void {
    const next = (this.#last as Position).offset + 1;
    if (position.offset > next) {
      this.#keep(position, event);
      if (this.#isOverfull) this.#fill();
      else if (!this.#gapTimer && !this.#filling) this.#startGap(this.#gapMs);
    } else if (position.offset === next) {
      this.#take(position, event);
      this.#takeEarly();
    }
  }

  #takeEarly(): void {
    for (const offset of this.#early.keys()) {
      if (offset <= (this.#last?.offset ?? 0)) this.#early.delete(offset);
    }
    const event = this.#early.get((this.#last?.offset ?? 0) + 1);
    const position = parsePosition(event?.['position']);
    if (event && position) this.#offer(position, event);
    else if (this.#early.size === 0 && this.#gapTimer) {
      const delayMs = performance.now() - this.#gapSince;
      this.#gapMs = clamp(4 * delayMs, GAP_MS) ?? GAP_MS[0];
      this.#endGap();
    }
  }

  #take(position: Position, event: Fields): void {
    const { prev } = event;
    const last = this.#last;
    // The store has lost the event before this one, which the application has had.
    const isFork = typeof prev === 'string' && last?.tag !== prev && last !== position;
    if (isFork) {
      this.#host.resume();
      return;
    }
    this.#last = position;
    this.checkTail();
    this.#host.take(event, formatPosition(position));
  }

  /** Asks for the events after the last one: those of the hole, or all. */
  #fill(): void {
    const last = this.#last;
    if (this.#filling || !this.#isLive || !last) return;
    this.#endGap();
    const limit = this.#isOverfull ? undefined : this.#hole(last);
    const filling = {};
    this.#filling = filling;
    this.#isOverfull = false;
    this.#host.fill(formatPosition(last), limit, (error, page) => {
      if (this.#filling !== filling) return;
      this.#filling = undefined;
      if (error) this.#failed(error);
      else if (page['result'] !== 'page') this.#host.resume();
      else this.#filled(page, limit === undefined, last);
    });
  }

  #filled({ events, more }: Fields, isOpen: boolean, before: Position): void {
    this.#failures = 0;
    this.#offerAll(events);
    if (!this.#isLive || (this.#early.size === 0 && !(isOpen && more))) return;
    if (this.#last !== before) this.#fill();
    // What came early is not in the log: it belongs to one that the store has lost.
    else this.#host.resume();
  }

  #failed(error: ClientRequestError): void {
    if (!TRANSIENT.includes(error.code)) {
      this.#host.resume();
      return;
    }
    this.#startGap(milliseconds(error.retryAfterMs) + backoffMs(this.#failures));
    this.#failures += 1;
  }

  #hole({ offset }: Position): number | undefined {
    return this.#early.size > 0 ? Math.min(...this.#early.keys()) - offset - 1 : undefined;
  }

  #startGap(ms: number): void {
    this.#gapSince = performance.now();
    this.#gapTimer = after(ms * (1 + Math.random() / 2), () => this.#fill());
  }

  #endGap(): void {
    clearTimeout(this.#gapTimer);
    this.#gapTimer = undefined;
  }
}
