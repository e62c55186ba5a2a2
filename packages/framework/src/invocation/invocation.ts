import { setMaxListeners } from 'node:events';
import type { MessageRoute, RouteTable } from '../channel/route-table.js';
import type { StageAddress } from '../deliver/apigw/endpoint.js';
import type { Stage, Stages } from '../deliver/stage.js';
import { makeError } from '../errors/gatecast-error.js';
import type { ConnectionStore } from '../store/connections.js';
import type { LogSettings, MessageLog } from '../store/log.js';
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

/** Reserved at the end of an invocation, so that its answer is still sent, in milliseconds. */
export const ANSWER_MS = 500;
/** Part of it that may be spent on cleaning up after a handler that hangs. */
export const CLEAN_UP_MS = 250;
/** Part of that which the store may use. */
const STORE_CLEAN_UP_MS = 200;
/** Time for aborted work to end, which it does unless it hangs in a plugin, a store or a gateway. */
const STOP_MS = 100;

/** The dependencies of publishing. Those of an app extend it. */
export interface PublishCore {
  readonly store: Store;
  readonly stages: Stages;
  readonly hooks: Hooks;
  readonly report: Report;
  /** The clock for the expiry of identities and the time of events, in milliseconds since 1970. */
  readonly now: () => number;
  /** Shared by all invocations that this environment handles at once. */
  readonly deadlines: Deadlines;
  /** The history of a channel by its name. Absent if no channel has any. */
  readonly historyOf?: (channel: string) => LogSettings | undefined;
  /** The app's channel classes; absent in a publisher. */
  readonly table?: RouteTable;
}

/** An event that an invocation is for. */
export type InvocationEvent = WebSocketEvent | AuthorizerRequestEvent;

/** What an invocation has if it has an event. */
type IfEvent<E, T> = E extends undefined ? undefined : T;

/**
 * One call of the Lambda function: its time limit, its connection, and everything that it may use until
 * it has been answered. Code outside of any event has an invocation without an event and without a time
 * limit.
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
  /** The connection of the event, set by `identify` or `connect`. */
  connection!: IfEvent<E, Connection>;
  /** The frame of a message event, once it has been read. */
  frame: RawFrame | undefined;
  /** The route of the frame's action, if it is a message. */
  messageRoute: MessageRoute | undefined;
  /** The route key for errors; for a message, the action of its frame once that has been read. */
  route: string;
  #endsAt: number | undefined;
  #controller: AbortController | undefined;
  #isOver = false;
  #hasEnded = false;
  #pending: Set<Promise<void>> | undefined;
  #failures: Failure[] | undefined;
  #reported: WeakSet<object> | undefined;

  /** @param lambdaContext - Lambda's context; without it there is no time limit. */
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

  /** When the answer must be sent, in milliseconds since 1970: 500 ms before the invocation ends. */
  get endsAt(): number {
    this.#endsAt ??= Date.now() + timeLeftMs(this.lambdaContext) - ANSWER_MS;
    return this.#endsAt;
  }

  /** Aborted when the invocation has been answered or its time is over. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      // Each running call adds a listener, and Node would take many listeners for a leak.
      setMaxListeners(0, this.#controller.signal);
    }
    if (this.#isOver) this.#controller.abort(overError(this.route));
    return this.#controller.signal;
  }

  /** The store's connections. Pass {@link limit} or {@link cleanUpLimit} to each call. */
  get connections(): ConnectionStore {
    return this.core.store.connections;
  }

  /** The store's log, which an app with history always has. */
  get log(): MessageLog {
    return this.core.store.log as MessageLog;
  }

  /**
   * The time limit of work for this invocation.
   *
   * @param what - The work that begins, as it appears in the error: `publish() on "rooms/42"`.
   *
   * @throws UsageError - ERR_INVOCATION_OVER.
   */
  limit(what: string = this.route): TimeLimit {
    if (this.#isOver) throw overError(what);
    return { endsAt: this.endsAt, signal: this.signal };
  }

  /** The time limit for cleaning up, which also has time left when handlers ran out of theirs. */
  get cleanUpLimit(): TimeLimit {
    return { endsAt: this.endsAt + STORE_CLEAN_UP_MS };
  }

  /**
   * Throws if the time is over. Call it after waiting for code of the app or a plugin, so that no further
   * step begins too late.
   *
   * @param label - The code that took the time, as it appears in the error.
   *
   * @throws UsageError - ERR_HANDLER_TIMEOUT.
   */
  checkTime(label: string): void {
    if (this.#isOver) throw this.#timeOut(label);
  }

  /** The stage of the event; outside of any event, the stage in the environment. */
  stage(): Stage {
    return this.core.stages.of(this.request && addressOf(this.request));
  }

  /** The address of {@link stage}; `undefined` if it is not known. */
  get address(): StageAddress | undefined {
    return this.core.stages.address(this.request && addressOf(this.request));
  }

  /** Reports an error to the plugins, with the place where it happened. Each error is reported once. */
  report(
    error: unknown,
    { isAnswered = false, count = 1 }: { isAnswered?: boolean; count?: number } = {},
  ): void {
    // Outside of any event the invocation never ends, so the same error may really happen again.
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
   * Delays the answer until some work of the framework has ended, even if the handler does not await it.
   * If it fails and the handler did not await it, the failure is reported.
   */
  delayAnswer<T>(work: Promise<T>): Promise<T> {
    // Outside of any event there is neither an answer to delay nor an end at which to report.
    if (this.request === undefined) return work;
    const pending = (this.#pending ??= new Set());
    const watched = new WatchedPromise<T>((resolve, reject) => {
      work.then(resolve, reject);
    });
    const ended: Promise<void> = work.then(
      () => {
        pending.delete(ended);
      },
      (error: unknown) => {
        pending.delete(ended);
        this.#failures ??= [];
        this.#failures.push({ error, of: watched });
        // Wait, because an `await` is only noticed some microtasks after the call.
        if (this.#hasEnded) setImmediate(() => this.#reportFailures());
      },
    );
    pending.add(ended);
    return watched;
  }

  /**
   * Waits for work that may hang until the time is over. Then the invocation is over, too, and all its
   * work is aborted.
   *
   * @param label - The work that is awaited, as it appears in the error.
   * @param moreMs - Extra time after {@link endsAt}, for work that cleans up after itself.
   *
   * @throws UsageError - ERR_HANDLER_TIMEOUT, if the time is over.
   */
  inTime<T>(work: Promise<T>, label: string, moreMs: number = 0): Promise<T> {
    const at = this.endsAt + moreMs;
    if (at === Infinity) return work;
    // Neither `Promise.race` nor async, for speed: this runs for every message that is not answered at
    // once.
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
   * Ends the invocation once its answer is known. First waits for the work of {@link delayAnswer};
   * returns a promise only if there is any.
   */
  end(): void | Promise<void> {
    if (this.#pending === undefined) {
      this.#stop();
      this.#hasEnded = true;
      return undefined;
    }
    return this.#drain(this.#pending);
  }

  async #drain(pending: ReadonlySet<Promise<void>>): Promise<void> {
    const allEnded = async (): Promise<void> => {
      while (pending.size > 0) await Promise.all(pending);
    };
    try {
      if (!this.#isOver) await this.inTime(allEnded(), 'a publish that was not awaited');
    } catch (error) {
      this.report(error);
    }
    this.#stop();
    const limit = atMost({ endsAt: this.endsAt + CLEAN_UP_MS }, STOP_MS);
    if (pending.size > 0) await withinTime(allEnded(), limit, () => undefined).catch(() => {});
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

/** The stage of an event. */
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
