import { setMaxListeners } from 'node:events';
import type { MessageRoute, RouteTable } from '../channel/route-table.js';
import type { StageAddress } from '../deliver/apigw/endpoint.js';
import type { Stage, Stages } from '../deliver/stage.js';
import { makeError } from '../errors/gatecast-error.js';
import type { ConnectionStore } from '../store/connections.js';
import type { Store } from '../store/store.js';
import type { Deadlines } from '../time/deadlines.js';
import { atMost, type TimeLimit, withinTime } from '../time/time-limit.js';
import { WatchedPromise } from '../time/watched-promise.js';
import type { Connection } from '../wire/connection.js';
import type { RawFrame } from '../wire/frame.js';
import type {
  AuthorizerRequestEvent,
  LambdaContext,
  RequestContext,
  WebSocketEvent,
} from '../wire/lambda-events.js';
import type { Hooks } from './hooks.js';
import type { Report } from './report.js';

/** Left at the end of an invocation, so that its answer still gets out. */
export const ANSWER_MS = 500;
/** Of that, how long an answer may wait for what cleans up after a handler that hangs. */
export const CLEAN_UP_MS = 250;
/** Of that, how long the store may take for it. */
const STORE_CLEAN_UP_MS = 200;
/** Work that is stopped ends within this, unless it hangs in a plugin, a store or a gateway. */
const STOP_MS = 100;

/** What publishing works with. An app has more. */
export interface PublishCore {
  readonly store: Store;
  readonly stages: Stages;
  readonly hooks: Hooks;
  readonly report: Report;
  /** The clock by which identities end and events are dated, in milliseconds since 1970. */
  readonly now: () => number;
  /** Those of all invocations that this environment handles at once. */
  readonly deadlines: Deadlines;
  /** The app's channel classes; a publisher knows none. */
  readonly table?: RouteTable;
}

/** An event that an invocation is for. */
export type InvocationEvent = WebSocketEvent | AuthorizerRequestEvent;

/** What an invocation has if it has an event. */
type IfEvent<E, T> = E extends undefined ? undefined : T;

/**
 * One call of the Lambda function: its time, whom it is about, and what it may use until it has been
 * answered. Code outside of any event works for an invocation without an event and without an end.
 */
// One class for all of them: with a class for events that extends it, calling super() would be a tenth of
// what the dispatch of a message costs.
export class Invocation<
  C extends PublishCore = PublishCore,
  E extends InvocationEvent | undefined = InvocationEvent | undefined,
> {
  readonly core: C;
  /** The event as API Gateway sent it. */
  readonly event: E;
  /** What API Gateway says of the connection. */
  readonly request: IfEvent<E, RequestContext>;
  readonly lambdaContext: LambdaContext | undefined;
  /** Whom it is about; there once that is known. */
  connection!: IfEvent<E, Connection>;
  /** The frame of a message event, once it has been read. */
  frame: RawFrame | undefined;
  /** The route of the frame's action, where it is a message. */
  messageRoute: MessageRoute | undefined;
  /** The route key; for a message the action of its frame, once that has been read. For errors. */
  route: string;
  #endsAt: number | undefined;
  #controller: AbortController | undefined;
  #isOver = false;
  #hasEnded = false;
  #held: Set<Promise<void>> | undefined;
  #failures: Failure[] | undefined;
  #reported: WeakSet<object> | undefined;

  /** @param lambdaContext - What Lambda says of the call; without it there is no end. */
  constructor(core: C, event: E, lambdaContext?: LambdaContext) {
    this.core = core;
    this.event = event;
    this.request = event?.requestContext as IfEvent<E, RequestContext>;
    this.lambdaContext = lambdaContext;
    this.route = event?.requestContext.routeKey ?? 'publish';
  }

  /** Whether the client gets an answer. */
  get isTwoWay(): boolean {
    return this.messageRoute?.twoWay ?? true;
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
   * The time limit of work for this invocation.
   *
   * @param what - What begins to work, as the error names it: `publish() on "rooms/42"`.
   *
   * @throws UsageError - ERR_INVOCATION_OVER.
   */
  limit(what: string = this.route): TimeLimit {
    if (this.#isOver) throw overError(what);
    return { endsAt: this.endsAt, signal: this.signal };
  }

  /** The time to clean up in, also after handlers have run out of theirs. */
  get cleanUpLimit(): TimeLimit {
    return { endsAt: this.endsAt + STORE_CLEAN_UP_MS };
  }

  /**
   * Throws when the time is over. Each step that follows a wait for somebody else's code begins with
   * it, so that nothing begins too late.
   *
   * @param label - What took the time, in the error.
   *
   * @throws UsageError - ERR_HANDLER_TIMEOUT.
   */
  checkTime(label: string): void {
    if (this.#isOver) throw this.#timeOut(label);
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
    // Outside of any event it never ends: the same error may come again, and is news then.
    if (this.request && typeof error === 'object' && error !== null) {
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
   * Delays the answer until some work of ours has ended, even if the handler does not await it. A
   * failure that the handler does not await is reported.
   */
  hold<T>(work: Promise<T>): Promise<T> {
    // Outside of any event there is no answer to wait with, and no end to report at.
    if (this.request === undefined) return work;
    const held = (this.#held ??= new Set());
    const watched = new WatchedPromise<T>((resolve, reject) => {
      work.then(resolve, reject);
    });
    const ended: Promise<void> = work.then(
      () => {
        held.delete(ended);
      },
      (error: unknown) => {
        held.delete(ended);
        this.#failures ??= [];
        this.#failures.push({ error, of: watched });
        // An `await` is noticed only some microtasks after the call.
        if (this.#hasEnded) setImmediate(() => this.#reportFailures());
      },
    );
    held.add(ended);
    return watched;
  }

  /**
   * Waits for work that may hang, until the time is over. Then the invocation is over as well, and all that
   * still works for it is stopped.
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
      const deadline = deadlines.add({
        at,
        onTime: (): void => {
          reject(this.#timeOut(label));
          this.#stop();
        },
      });
      work.then(
        (value) => {
          deadlines.remove(deadline);
          resolve(value);
        },
        (error: unknown) => {
          deadlines.remove(deadline);
          reject(error);
        },
      );
    });
  }

  /**
   * Ends the invocation, once its answer is known. Waits first for work that was held, and returns a promise
   * only if there is any.
   */
  end(): void | Promise<void> {
    if (this.#held === undefined) {
      this.#stop();
      this.#hasEnded = true;
      return undefined;
    }
    return this.#drain(this.#held);
  }

  async #drain(held: ReadonlySet<Promise<void>>): Promise<void> {
    const allEnded = async (): Promise<void> => {
      while (held.size > 0) await Promise.all(held);
    };
    try {
      if (!this.#isOver) await this.inTime(allEnded(), 'a publish that was not awaited');
    } catch (error) {
      this.report(error);
    }
    this.#stop();
    const limit = atMost({ endsAt: this.endsAt + CLEAN_UP_MS }, STOP_MS);
    if (held.size > 0) await withinTime(allEnded(), limit, () => undefined).catch(() => {});
    this.#hasEnded = true;
    this.#reportFailures();
  }

  #reportFailures(): void {
    for (const { error, of } of this.#failures?.splice(0) ?? []) {
      if (!of.isAwaited) this.report(error);
    }
  }

  #stop(): void {
    this.#isOver = true;
    this.#controller?.abort(overError(this.route));
  }

  #timeOut(label: string): Error {
    return makeError('ERR_HANDLER_TIMEOUT', { route: this.route, label });
  }
}

interface Failure {
  readonly error: unknown;
  readonly of: WatchedPromise<unknown>;
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
