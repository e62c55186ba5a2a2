import { setMaxListeners } from 'node:events';
import type { RouteTable } from '../channel/route-table.js';
import type { StageAddress } from '../deliver/apigw/endpoint.js';
import type { Stage, Stages } from '../deliver/stage.js';
import { makeError } from '../errors/gatecast-error.js';
import type { ConnectionStore } from '../store/connections.js';
import type { Store } from '../store/store.js';
import type { Deadlines } from '../time/deadlines.js';
import type { TimeLimit } from '../time/time-limit.js';
import type { LambdaContext, RequestContext } from '../wire/lambda-events.js';
import type { Hooks } from './plugin.js';
import type { Report } from './report.js';

/** Left at the end of an invocation, so that its answer still gets out. */
const ANSWER_MS = 500;
/** Of that, what is kept even from the clean-up after a handler that hangs. */
const LAST_MS = 250;

/** What publishing works with. An app has more. */
export interface PublishCore {
  readonly store: Store;
  readonly stages: Stages;
  readonly hooks: Hooks;
  readonly report: Report;
  /** The clock by which identities end and events are dated, in milliseconds since 1970. */
  readonly now: () => number;
  /** Of all invocations that this environment has at once. */
  readonly deadlines: Deadlines;
  /** The app's channel classes; a publisher knows none. */
  readonly table?: RouteTable;
}

/**
 * One call of the Lambda function: its time, whom it is about, and what it may use until it has been
 * answered. Code outside of any event works for an invocation without an event and without an end.
 */
export class Invocation {
  readonly core: PublishCore;
  readonly request: RequestContext | undefined;
  readonly lambdaContext: LambdaContext | undefined;
  /** The route key; for a message the action of its frame, once that has been read. For errors. */
  route: string;
  #endsAt: number | undefined;
  #controller: AbortController | undefined;
  #isOver = false;
  #held: Set<Promise<void>> | undefined;
  #failures: Set<unknown> | undefined;
  #reported: WeakSet<object> | undefined;

  /**
   * @param request - What API Gateway says of the connection; absent outside of any event.
   * @param lambdaContext - What Lambda says of the call; without it there is no end.
   */
  constructor(core: PublishCore, request?: RequestContext, lambdaContext?: LambdaContext) {
    this.core = core;
    this.request = request;
    this.lambdaContext = lambdaContext;
    this.route = request?.routeKey ?? 'publish';
  }

  /** When its answer has to go out, in milliseconds since 1970: 500 ms before it ends. */
  get endsAt(): number {
    this.#endsAt ??= Date.now() + timeLeftMs(this.lambdaContext) - ANSWER_MS;
    return this.#endsAt;
  }

  /** Aborted when it has been answered, or when its time is over. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      // Each call under way listens to it: many listeners are no leak.
      setMaxListeners(0, this.#controller.signal);
    }
    if (this.#isOver) this.#controller.abort(overError(this.route));
    return this.#controller.signal;
  }

  /** The store's connections. Each call takes {@link limit}, or {@link cleanUpLimit}. */
  get connections(): ConnectionStore {
    return this.core.store.connections;
  }

  /**
   * The time that whatever works for it has.
   *
   * @param what - What asks, at the beginning of a sentence.
   *
   * @throws UsageError - ERR_INVOCATION_OVER.
   */
  limit(what: string = this.route): TimeLimit {
    if (this.#isOver) throw overError(what);
    return { endsAt: this.endsAt, signal: this.signal };
  }

  /** The time to clean up in, also after handlers have run out of theirs. */
  get cleanUpLimit(): TimeLimit {
    return { endsAt: this.endsAt + ANSWER_MS - LAST_MS };
  }

  /** The stage that its event came through; outside of any event, the one that the environment names. */
  stage(): Stage {
    return this.core.stages.of(this.request && addressOf(this.request));
  }

  /** The address of {@link stage}; nothing where it is not known. */
  get address(): StageAddress | undefined {
    return this.core.stages.address(this.request && addressOf(this.request));
  }

  /** Tells the plugins of an error, and where it happened; of each error once. */
  report(
    error: unknown,
    { isAnswered = false, count = 1 }: { isAnswered?: boolean; count?: number } = {},
  ): void {
    if (typeof error === 'object' && error !== null) {
      this.#reported ??= new WeakSet();
      if (this.#reported.has(error)) return;
      this.#reported.add(error);
    }
    const { request, route } = this;
    this.core.report(error, {
      route,
      isAnswered,
      ...(request && {
        connectionId: request.connectionId,
        requestId: request.requestId,
        ...(request.requestTimeEpoch !== undefined && {
          durationMs: this.core.now() - request.requestTimeEpoch,
        }),
      }),
      ...(count > 1 && { count }),
    });
  }

  /**
   * Keeps the invocation from being answered before some work of ours has ended, also where a handler
   * does not await it. A failure that the handler did not pass on is reported at the end.
   */
  hold<T>(work: Promise<T>): Promise<T> {
    const held = (this.#held ??= new Set());
    const ended: Promise<void> = work.then(
      () => {
        held.delete(ended);
      },
      (error: unknown) => {
        held.delete(ended);
        this.#failures ??= new Set();
        this.#failures.add(error);
      },
    );
    held.add(ended);
    return work;
  }

  /**
   * Waits for what may hang, as long as the invocation has time. When that is over, so is the invocation:
   * whatever still works for it is stopped.
   *
   * @param label - What is waited for, in the error.
   * @param moreMs - How much longer than until {@link endsAt}, for what cleans up afterwards by itself.
   *
   * @throws UsageError - ERR_HANDLER_TIMEOUT, when the time is over.
   */
  inTime<T>(work: Promise<T>, label: string, moreMs: number = 0): Promise<T> {
    const at = this.endsAt + moreMs;
    if (at === Infinity) return work;
    // Not `Promise.race`, and not async: this is on the path of each message that has to be waited for.
    const { deadlines } = this.core;
    return new Promise<T>((resolve, reject) => {
      const deadline = {
        at,
        onTime: (): void => {
          reject(makeError('ERR_HANDLER_TIMEOUT', { route: this.route, label }));
          this.#end();
        },
      };
      deadlines.add(deadline);
      work.then(
        (value) => {
          deadlines.remove(deadline);
          resolve(value);
        },
        (error: unknown) => {
          deadlines.remove(deadline);
          reject(error as Error);
        },
      );
    });
  }

  /**
   * Ends it, once its answer is known. Work of ours that is still under way is waited for first; a
   * promise is returned only then.
   */
  end(): void | Promise<void> {
    if (this.#held === undefined) {
      this.#end();
      return undefined;
    }
    return this.#drain(this.#held);
  }

  async #drain(held: Set<Promise<void>>): Promise<void> {
    try {
      while (held.size > 0) {
        const work = Promise.all(held);
        await (this.#isOver ? work : this.inTime(work, 'a publish that was not awaited'));
      }
    } catch (error) {
      this.report(error);
    }
    this.#end();
    for (const failure of this.#failures ?? []) this.report(failure);
  }

  #end(): void {
    this.#isOver = true;
    this.#controller?.abort(overError(this.route));
  }
}

/** The stage that an event came through. */
export function addressOf({ apiId, stage }: RequestContext): StageAddress {
  return { apiId, stage, region: process.env['AWS_REGION'] ?? '' };
}

function timeLeftMs(lambdaContext: LambdaContext | undefined): number {
  if (typeof lambdaContext?.getRemainingTimeInMillis !== 'function') return Infinity;
  return lambdaContext.getRemainingTimeInMillis();
}

function overError(what: string): Error {
  return makeError('ERR_INVOCATION_OVER', { what });
}
