import { makeError } from '../errors/gatecast-error.js';
import { backoffMs } from '../time/backoff.js';
import { type TimeLimit, timeLeftMs } from '../time/time-limit.js';
import type { Gateway, PostOutcome } from './gateway.js';
import { onAbort } from './on-abort.js';
import { Pace } from './pace.js';
import { Window } from './window.js';

const DELAY = { firstMs: 50, longestMs: 1_000 } as const;
/** Most attempts of a post that fails for other reasons than 429. */
const MOST_ATTEMPTS = 3;
/** How long a post is retried, from the first attempt on. */
const TRIED_FOR_MS = 5_000;
/** The last attempt gets at least this part of that time. */
const LAST_ATTEMPT_MS = 250;
// Gateways should give up after 3 s. This is for a gateway that does not.
const LONGEST_ATTEMPT_MS = 4_000;
const KEPT_DURATIONS = 256;

/** Options of {@link Poster.post} and {@link Poster.disconnect}. */
export interface PostOptions {
  /** When a running attempt is aborted. */
  readonly limit: TimeLimit;
  /** When the last attempt may begin. @default limit */
  readonly begin?: TimeLimit;
  /** Whether to make only one attempt. @default false */
  readonly ephemeral?: boolean;
  /** Whether the caller has already called {@link Poster.turn} for the first attempt. @default false */
  readonly hasTurn?: boolean;
}

/** The endpoint that a poster posts to. */
export interface PosterTarget {
  /** For errors. */
  readonly endpoint: string;
  /** Most posts per second. */
  readonly perSecond: number;
}

/**
 * Posts to the connections of one stage, as fast as API Gateway accepts posts, for all publishes of this
 * environment together. Posts that are throttled or fail wait without blocking others and are retried.
 */
export class Poster {
  /** The endpoint, for errors. */
  readonly endpoint: string;
  readonly #gateway: Gateway;
  readonly #pace: Pace;
  readonly #window: Window;
  readonly #durations: number[] = [];
  #posts = 0;
  #hasDelivered = false;

  constructor(gateway: Gateway, { endpoint, perSecond }: PosterTarget) {
    this.endpoint = endpoint;
    this.#gateway = gateway;
    this.#pace = new Pace(perSecond);
    this.#window = new Window(this.#pace);
  }

  /** Whether a post has ever succeeded, so that the endpoint must be right. */
  get hasDelivered(): boolean {
    return this.#hasDelivered;
  }

  /** The 99th percentile of the time of recent posts, in milliseconds; 0 before the first post. */
  get p99Ms(): number {
    const sorted = Float64Array.from(this.#durations).sort();
    return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
  }

  /**
   * Waits until one more post may begin. If it returns `true`, the caller must post with `hasTurn`;
   * `false` means that the time is over.
   */
  turn(begin: TimeLimit): boolean | Promise<boolean> {
    return this.#window.enter(begin);
  }

  /** Sends a text frame. Does not reject. */
  async post(connectionId: string, frame: string, options: PostOptions): Promise<PostOutcome> {
    const outcome = await this.#send(
      (limit) => this.#gateway.post(connectionId, frame, limit),
      options,
    );
    if (outcome.result === 'delivered') this.#hasDelivered = true;
    return outcome;
  }

  /** Closes a connection. Does not reject. */
  disconnect(connectionId: string, options: PostOptions): Promise<PostOutcome> {
    return this.#send((limit) => this.#gateway.disconnect(connectionId, limit), options);
  }

  async #send(request: Request, options: PostOptions): Promise<PostOutcome> {
    const { ephemeral = false } = options;
    let { limit, begin = limit, hasTurn = false } = options;
    let outcome: PostOutcome | undefined;
    let throttled = 0;
    let failures = 0;
    for (;;) {
      hasTurn ||= await this.#window.enter(begin);
      if (hasTurn && timeLeftMs(begin) === 0) {
        this.#window.leave(false);
        hasTurn = false;
      }
      if (!hasTurn) return outcome ?? this.#unanswered('there was no time left for it');
      if (!outcome) {
        const until = Date.now() + TRIED_FOR_MS;
        limit = endingAt(limit, until);
        begin = endingAt(begin, until - LAST_ATTEMPT_MS);
      }
      outcome = await this.#attempt(request, limit);
      hasTurn = false;
      if (outcome.result !== 'throttled' && outcome.result !== 'retry') return outcome;
      if (outcome.result === 'throttled') throttled += 1;
      else failures += 1;
      if (ephemeral || failures === MOST_ATTEMPTS) return outcome;
      const delayMs = backoffMs(throttled + failures, DELAY);
      if (timeLeftMs(begin) <= delayMs) return outcome;
      await waited(delayMs, begin.signal);
    }
  }

  async #attempt(request: Request, limit: TimeLimit): Promise<PostOutcome> {
    const startedAt = performance.now();
    const outcome = await this.#answerOf(request, limit);
    if (outcome.result === 'throttled') this.#pace.slowDown();
    const isAnswered = outcome.result === 'delivered' || outcome.result === 'gone';
    if (isAnswered) {
      this.#durations[this.#posts % KEPT_DURATIONS] = performance.now() - startedAt;
      this.#posts += 1;
    }
    this.#window.leave(isAnswered);
    return outcome;
  }

  // The app may pass its own gateway, which may throw, reject, return nonsense or never end.
  #answerOf(request: Request, limit: TimeLimit): Promise<PostOutcome> {
    return new Promise((resolve) => {
      const end = (outcome: PostOutcome): void => {
        clearTimeout(timer);
        stopListening();
        resolve(outcome);
      };
      const giveUp = (): void => end(this.#unanswered('there was no answer in time'));
      const timer = setTimeout(giveUp, Math.min(LONGEST_ATTEMPT_MS, timeLeftMs(limit)));
      let stopListening = (): void => {};
      stopListening = onAbort(limit.signal, giveUp);
      if (limit.signal?.aborted) return;
      const fail = (error: unknown): void =>
        end(this.#failed(`the gateway threw ${nameOf(error)}`, harmless(error)));
      try {
        request(limit).then((outcome) => end(this.#checked(outcome)), fail);
      } catch (error) {
        fail(error);
      }
    });
  }

  #checked(outcome: unknown): PostOutcome {
    const { result, error } = (outcome ?? {}) as Partial<Failure>;
    if (ANSWERED.has(String(result))) return outcome as PostOutcome;
    if (!FAILED.has(String(result))) {
      return this.#failed(`the gateway returned the unknown result ${String(result)}`);
    }
    if (error instanceof Error) return outcome as PostOutcome;
    return { ...this.#failed('the gateway gave no reason'), result: result as Failure['result'] };
  }

  #unanswered(reason: string): PostOutcome {
    return { ...this.#failed(reason), result: 'retry' };
  }

  #failed(reason: string, cause?: unknown): Failure {
    const { endpoint } = this;
    return {
      result: 'failed',
      error: makeError('ERR_DELIVERY_FAILED', { endpoint, reason }, cause),
    };
  }
}

type Failure = Extract<PostOutcome, { error: unknown }>;

const ANSWERED: ReadonlySet<string> = new Set(['delivered', 'gone']);
const FAILED: ReadonlySet<string> = new Set(['throttled', 'retry', 'failed', 'refused']);

type Request = (limit: TimeLimit) => Promise<PostOutcome>;

function endingAt({ endsAt = Infinity, signal }: TimeLimit, at: number): TimeLimit {
  return { endsAt: Math.min(endsAt, at), ...(signal && { signal }) };
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

/**
 * The error as a cause, except for errors of the AWS SDK, which may quote the signed request and so a
 * token.
 */
function harmless(error: unknown): unknown {
  return error instanceof Error && !('$metadata' in error) ? error : undefined;
}

/** Waits for some time, or until the signal is aborted. */
function waited(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stopListening();
      resolve();
    };
    const timer = setTimeout(end, ms);
    let stopListening = (): void => {};
    stopListening = onAbort(signal, end);
  });
}
