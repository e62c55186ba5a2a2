import { type ClientErrorCode, type ClientRequestError, clientError, TRANSIENT } from './errors.js';
import { readError } from './incoming.js';
import type { Supervisor } from './supervisor.js';
import { after, backoffMs, milliseconds, type Timer } from './timers.js';
import type { Transport } from './transport.js';

/** Takes the answer to a request, or why there is none. */
export type Settle = (error: ClientRequestError | undefined, data?: unknown) => void;

/** What is to be asked. */
export interface Request {
  readonly id: string;
  /** The frame of the first attempt, as JSON. */
  readonly frame: string;
  /** Longest until it is written, in milliseconds; it may wait for ever. */
  readonly writtenMs: number;
  /** Longest until it is answered from then on. */
  readonly answeredMs: number;
  /** The error of a request that is not answered in that time. */
  readonly unanswered: ClientErrorCode;
  /** Whether it goes again under its id, as long as it has no answer, on this connection or the next. */
  readonly isResent: boolean;
  /** Whether it changes nothing, so that it goes again whenever the server says when to try again. */
  readonly isRead?: boolean | undefined;
  readonly settle: Settle;
  /**
   * Takes the answer to a request that was settled by an error which was only presumed to be its answer.
   * Needed by requests that are not resent.
   */
  readonly answeredLate?: () => void;
}

interface Entry extends Request {
  timer?: Timer | undefined;
  /** When its time is over, in milliseconds since 1970: timers stand still where a page or machine does. */
  endsAt: number;
  attempts: number;
  /** Where it was written last, while an answer may come from there. */
  via?: Transport | undefined;
  /** Until when an answer may come, after it was written last. */
  answerableUntil: number;
  /** Ends the wait for an answer, or the one before it is written again. */
  againTimer?: Timer | undefined;
  /** How often it was put off because of an error. */
  delays: number;
  /** Whether an earlier try may have been handled. */
  mayBeHandled?: boolean;
  /** An error of API Gateway that may be the answer to this request. */
  possibleError?: ClientRequestError | undefined;
  /** It was written again because such an error might have been its answer: that is done once. */
  wasRewritten?: boolean;
  /** It was settled by an error that was only presumed to be its answer. */
  wasPresumed?: boolean;
}

/** API Gateway gives an integration 29 s, so that nothing comes for what is older (its quotas). */
export const INTEGRATION_MS = 29_000;
/** How often a request is put off before another error of API Gateway itself ends it. */
export const MAX_DELAYS = 5;

/** The requests without an answer: their time limits, and what settles them. */
export class RequestTable {
  readonly #entries = new Map<string, Entry>();
  readonly #supervisor: Supervisor;
  readonly #ready: () => void;
  /** Until when an error may be the answer to a frame that is no longer here. */
  #lateErrorUntil = 0;
  /** A ping has no answer yet, and may be what is refused. */
  #isPinging = false;

  /** `ready` is told when a request may be written again. */
  constructor(supervisor: Supervisor, ready: () => void) {
    this.#supervisor = supervisor;
    this.#ready = ready;
  }

  /** Whether an answer may still come to a frame that was written within 29 s. */
  get isAnswerDue(): boolean {
    const now = performance.now();
    return this.#inFlight().some(({ answerableUntil }) => now < answerableUntil);
  }

  /** Whether a frame was written over this connection and has no answer. */
  hasUnanswered(transport: Transport): boolean {
    return this.#inFlight(transport).length > 0;
  }

  /** Takes a request in, which is yet to be written. */
  add(request: Request): void {
    const entry: Entry = {
      ...request,
      endsAt: 0,
      attempts: 0,
      answerableUntil: 0,
      delays: 0,
    };
    this.#entries.set(request.id, entry);
    this.#startClock(entry, request.writtenMs, 'ERR_NOT_SENT');
  }

  /** Whether a request is to be written now, for the first time or again. */
  isIdle(id: string): boolean {
    const entry = this.#entries.get(id);
    return !entry?.via && !entry?.againTimer;
  }

  /**
   * Writes a request, for the first time or again; or ends it, if its time is over. `false` when there is
   * no open connection.
   */
  write(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry && Date.now() >= entry.endsAt) {
      this.#settle(id, clientError(entry.attempts === 0 ? 'ERR_NOT_SENT' : entry.unanswered));
      return true;
    }
    const via = entry && this.#supervisor.ask(frameOf(entry));
    if (!via) return false;
    if (entry.attempts === 0) {
      this.#startClock(entry, entry.answeredMs, entry.unanswered);
    }
    entry.attempts += 1;
    entry.via = via;
    entry.answerableUntil = performance.now() + INTEGRATION_MS;
    if (entry.isResent) this.#writeAgainIn(entry, INTEGRATION_MS);
    return true;
  }

  /** Writes a frame that wants no answer, but may get an error of API Gateway. */
  writeOneWay(frame: string): boolean {
    this.#expectLateError();
    return this.#supervisor.tell(frame) !== undefined;
  }

  /** Asks whether the connection works. */
  ping(): void {
    this.#isPinging = true;
    this.#supervisor.tell('{"action":"ping"}');
  }

  /** The server has answered a request. */
  answered(id: string, ...answer: Parameters<Settle>): void {
    const entry = this.#entries.get(id);
    const [error] = answer;
    const isPutOff =
      error?.code === 'ERR_OUTCOME_UNKNOWN' ||
      (entry?.isRead && error?.retryAfterMs !== undefined) ||
      (error?.code === 'ERR_RATE_LIMIT' && entry?.mayBeHandled);
    if (entry?.isResent && isPutOff) this.#putOff(entry, error, Infinity);
    else this.#settle(id, ...answer);
  }

  /** A request has its answer, or never will. */
  #settle(id: string, ...answer: Parameters<Settle>): void {
    const entry = this.#entries.get(id);
    this.forget(id);
    if (entry?.wasPresumed) entry.answeredLate?.();
    else entry?.settle(...answer);
  }

  /** Ends a request of which nobody wants to hear. */
  forget(id: string): void {
    const entry = this.#entries.get(id);
    clearTimeout(entry?.timer);
    clearTimeout(entry?.againTimer);
    this.#entries.delete(id);
  }

  /** An error came that names no request: it is the answer to one of those in flight. */
  unnamedError(error: ClientRequestError, from: Transport): void {
    const inFlight = this.#inFlight(from);
    const mayBeLate = this.#isPinging || performance.now() < this.#lateErrorUntil;
    const [only] = inFlight;
    if (only && inFlight.length === 1 && !mayBeLate) {
      const { code, message, retryAfterMs = 1 } = error;
      if (!TRANSIENT.includes(code)) this.#settle(only.id, error);
      else if (only.isResent) this.#putOff(only, error, MAX_DELAYS);
      // Another frame will ask for it when the error says so, which those of API Gateway never do.
      else this.#settle(only.id, readError({ code, message, retryAfterMs }));
      return;
    }
    // One ping for all of them: API Gateway may refuse it for the same reason.
    const isFirst = inFlight.length > 0 && inFlight.every(({ possibleError }) => !possibleError);
    for (const entry of inFlight) entry.possibleError = error;
    if (isFirst) this.#supervisor.probe();
  }

  /** The connection works: what may have been refused is to be asked again. */
  ponged(): void {
    this.#isPinging = false;
    for (const entry of this.#entries.values()) {
      const { possibleError } = entry;
      if (!possibleError) continue;
      entry.possibleError = undefined;
      this.#expectLateError();
      if (entry.isResent) {
        if (!entry.wasRewritten) this.#writeAgainIn(entry, 0);
        entry.wasRewritten = true;
        continue;
      }
      entry.via = undefined;
      this.#startClock(entry, INTEGRATION_MS, entry.unanswered);
      // Another frame will ask for it, and this one stays: it may have an answer after all.
      entry.wasPresumed = true;
      entry.settle(readError({ message: possibleError.message, retryAfterMs: 1 }));
    }
  }

  /** A connection is gone, and with it what was in flight there. */
  lose(transport: Transport): void {
    for (const entry of this.#inFlight(transport)) this.#unwrite(entry);
  }

  /** All connections are gone. */
  loseAll(): void {
    this.#lateErrorUntil = 0;
    this.#isPinging = false;
    for (const entry of this.#entries.values()) {
      if (entry.isResent) this.#unwrite(entry);
      else this.forget(entry.id);
    }
  }

  /** Ends all of them. Nobody need be waiting. */
  close(): void {
    for (const id of this.#entries.keys()) this.#settle(id, clientError('ERR_CLOSED'));
  }

  #inFlight(on?: Transport): Entry[] {
    return [...this.#entries.values()].filter(({ via }) => via && (!on || via === on));
  }

  #expectLateError(): void {
    this.#lateErrorUntil = performance.now() + INTEGRATION_MS;
  }

  #unwrite(entry: Entry): void {
    clearTimeout(entry.againTimer);
    entry.againTimer = undefined;
    if (entry.via) entry.mayBeHandled = true;
    entry.via = undefined;
    entry.possibleError = undefined;
  }

  /**
   * It goes again after a while: the server finds out, by the id, what became of it. Without a try or the time
   * for it, nobody knows, unless the server has refused it each time.
   */
  #putOff(entry: Entry, error: ClientRequestError, maxDelays: number): void {
    const mayBeHandled = entry.mayBeHandled || error.code !== 'ERR_RATE_LIMIT';
    const ms = milliseconds(error.retryAfterMs) + backoffMs(entry.delays);
    if (entry.delays >= maxDelays || Date.now() + ms >= entry.endsAt) {
      const unknown = clientError(entry.unanswered, { cause: error });
      const isAnswer = entry.isRead && error.retryAfterMs !== undefined;
      this.#settle(entry.id, mayBeHandled && !isAnswer ? unknown : error);
      return;
    }
    this.#unwrite(entry);
    entry.mayBeHandled = mayBeHandled;
    entry.delays += 1;
    this.#writeAgainIn(entry, ms);
  }

  #writeAgainIn(entry: Entry, ms: number): void {
    clearTimeout(entry.againTimer);
    entry.againTimer = after(ms, () => {
      if (entry.via) this.#expectLateError();
      this.#unwrite(entry);
      this.#ready();
    });
  }

  #startClock(entry: Entry, ms: number, code: ClientErrorCode): void {
    const end = (): void => {
      if (entry.via) this.#expectLateError();
      if (entry.wasPresumed) this.forget(entry.id);
      else this.#settle(entry.id, clientError(code));
    };
    clearTimeout(entry.timer);
    entry.endsAt = Date.now() + ms;
    entry.timer = ms < Infinity ? after(ms, end) : undefined;
  }
}

/** What goes again says so: the server sees that it may have handled it before. */
function frameOf({ frame, attempts }: Entry): string {
  return attempts === 0 ? frame : `${frame.slice(0, -1)},"attempt":${attempts + 1}}`;
}
