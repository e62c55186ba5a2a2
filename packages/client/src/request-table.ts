import { type ClientErrorCode, type ClientRequestError, clientError } from './errors.js';
import { readError } from './incoming.js';
import type { Supervisor } from './supervisor.js';
import { after, type Timer } from './timers.js';

/** Takes the answer to a request, or why there is none. */
export type Settle = (error: ClientRequestError | undefined, data?: unknown) => void;

/** What is to be asked. */
export interface Request {
  readonly id: string;
  /** The frame of the first attempt, as JSON. */
  readonly frame: string;
  /** Longest until it is written, and again until it is answered, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether it is asked again on the next connection, under its id, when this one ends. */
  readonly isResent: boolean;
  readonly settle: Settle;
  /**
   * Takes the answer to a request that was settled by an error which was only presumed to be its answer.
   * Needed by requests that are not resent.
   */
  readonly answeredLate?: () => void;
}

interface Entry extends Request {
  timer: Timer;
  /** When its time is over, in milliseconds since 1970: timers stand still where a page or machine does. */
  endsAt: number;
  attempts: number;
  isInFlight: boolean;
  /** Until when an answer may come, after it was written last. */
  answerableUntil: number;
  /** An error of API Gateway that may be the answer to this request. */
  possibleError?: ClientRequestError | undefined;
  rewrites: number;
  /** It was settled by an error that was only presumed to be its answer. */
  wasPresumed: boolean;
}

/** API Gateway gives an integration 29 s, so that nothing comes for what is older (its quotas). */
const INTEGRATION_MS = 29_000;
/** How often a request is written again because an error might have been its answer. */
const MAX_REWRITES = 1;

/** The requests without an answer: their time limits, and what settles them. */
export class RequestTable {
  readonly #entries = new Map<string, Entry>();
  readonly #supervisor: Supervisor;
  /** Until when an error may be the answer to a frame that is no longer here. */
  #lateErrorUntil = 0;
  /** A ping has no answer yet, and may be what is refused. */
  #isPinging = false;

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
  }

  /** Whether an answer is to come. */
  get isWaiting(): boolean {
    const now = performance.now();
    return this.#inFlight().some(({ answerableUntil }) => now < answerableUntil);
  }

  /** Takes a request in, which is yet to be written. */
  add(request: Request): void {
    this.#entries.set(request.id, {
      ...request,
      ...this.#startClock(request, 'ERR_NOT_SENT'),
      attempts: 0,
      isInFlight: false,
      answerableUntil: 0,
      rewrites: 0,
      wasPresumed: false,
    });
  }

  /** Whether a request was written on this connection. */
  isInFlight(id: string): boolean {
    return this.#entries.get(id)?.isInFlight ?? false;
  }

  /**
   * Writes a request, for the first time or again; or ends it, if its time is over. `false` when there is
   * no open connection.
   */
  write(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry && Date.now() >= entry.endsAt) {
      this.settle(id, clientError(entry.attempts === 0 ? 'ERR_NOT_SENT' : 'ERR_TIMEOUT'));
      return true;
    }
    if (!entry || !this.#supervisor.ask(frameOf(entry))) return false;
    if (entry.attempts === 0) {
      clearTimeout(entry.timer);
      Object.assign(entry, this.#startClock(entry, 'ERR_TIMEOUT'));
    }
    entry.attempts += 1;
    entry.isInFlight = true;
    entry.answerableUntil = performance.now() + INTEGRATION_MS;
    return true;
  }

  /** Writes a frame that wants no answer, but may get an error of API Gateway. */
  writeOneWay(frame: string): boolean {
    this.#expectLateError();
    return this.#supervisor.tell(frame);
  }

  /** Asks whether the connection works. */
  ping(): void {
    this.#isPinging = true;
    this.#supervisor.tell('{"action":"ping"}');
  }

  /** A request has its answer. */
  settle(id: string, ...answer: Parameters<Settle>): void {
    const entry = this.#entries.get(id);
    this.forget(id);
    if (entry?.wasPresumed) entry.answeredLate?.();
    else entry?.settle(...answer);
  }

  /** Ends a request of which nobody wants to hear. */
  forget(id: string): void {
    clearTimeout(this.#entries.get(id)?.timer);
    this.#entries.delete(id);
  }

  /** An error came that names no request: it is the answer to one of those in flight. */
  unnamedError(error: ClientRequestError): void {
    const inFlight = this.#inFlight();
    const mayBeLate = this.#isPinging || performance.now() < this.#lateErrorUntil;
    if (inFlight.length === 1 && !mayBeLate) {
      for (const { id } of inFlight) this.settle(id, error);
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
      entry.rewrites += 1;
      this.#expectLateError();
      if (entry.rewrites > MAX_REWRITES) {
        // Its own answer may still come, but not after the time of an integration.
        clearTimeout(entry.timer);
        const timeoutMs = Math.min(entry.endsAt - Date.now(), INTEGRATION_MS);
        Object.assign(entry, this.#startClock({ ...entry, timeoutMs }, 'ERR_TIMEOUT'));
        continue;
      }
      entry.isInFlight = false;
      if (entry.isResent) continue;
      // Another frame will ask for it, and this one stays: it may have an answer after all.
      clearTimeout(entry.timer);
      entry.wasPresumed = true;
      entry.settle(readError({ message: possibleError.message, retryAfterMs: 1 }));
    }
  }

  /** The connection is gone, and with it what was in flight. */
  lose(): void {
    this.#lateErrorUntil = 0;
    this.#isPinging = false;
    for (const entry of this.#entries.values()) {
      entry.isInFlight = false;
      entry.possibleError = undefined;
      if (entry.isResent) continue;
      clearTimeout(entry.timer);
      this.#entries.delete(entry.id);
    }
  }

  /** Ends all of them. Nobody need be waiting. */
  close(): void {
    for (const id of this.#entries.keys()) this.settle(id, clientError('ERR_CLOSED'));
  }

  #inFlight(): Entry[] {
    return [...this.#entries.values()].filter(({ isInFlight }) => isInFlight);
  }

  #expectLateError(): void {
    this.#lateErrorUntil = performance.now() + INTEGRATION_MS;
  }

  #startClock({ id, timeoutMs }: Request, code: ClientErrorCode): Pick<Entry, 'timer' | 'endsAt'> {
    const timer = after(timeoutMs, () => {
      if (this.isInFlight(id)) this.#expectLateError();
      this.settle(id, clientError(code));
    });
    return { timer, endsAt: Date.now() + timeoutMs };
  }
}

/** What goes again says so: the server sees that it may have handled it before. */
function frameOf({ frame, attempts }: Entry): string {
  return attempts === 0 ? frame : `${frame.slice(0, -1)},"attempt":${attempts + 1}}`;
}
