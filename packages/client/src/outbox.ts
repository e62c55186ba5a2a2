import { deferred } from './deferred.js';
import { ClientRequestError, clientError } from './errors.js';
import type { RequestTable } from './request-table.js';
import type { Subscriptions } from './subscriptions.js';
import type { Supervisor } from './supervisor.js';
import { ANSWERED_WITHIN_MS, clamp } from './timers.js';

/** A request on its way to the server. */
export interface OutgoingRequest {
  readonly id: string;
  /** Requests of one line go one after the other: the channel for its messages, an id of its own for a read. */
  readonly line: string;
  /** The frame, as JSON. */
  readonly frame: string;
  /**
   * Longest until it is written, and again until it is answered. Without, it waits for a connection, and then
   * goes again for as long as the server knows it.
   */
  readonly timeoutMs?: number | undefined;
  /** Whether it changes nothing. */
  readonly isRead?: boolean;
}

interface Waiting extends Pick<OutgoingRequest, 'line' | 'frame'> {
  /** Its answer. */
  readonly promise: Promise<unknown>;
}

/** Most requests without an answer, in flight or not. */
export const MAX_UNANSWERED = 100;
/** How long the server knows a message that is sent again, unless it says otherwise. */
export const RESEND_WITHIN_MS = 300_000;

/**
 * The messages and reads that have no answer yet. They go again under their ids, on the next connection and on
 * this one. Each channel has one message in flight: API Gateway starts a Lambda invocation for every frame, and two
 * of them may overtake each other.
 */
export class Outbox {
  /** In the order of sending. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #supervisor: Supervisor;
  readonly #requests: RequestTable;
  readonly #subscriptions: Subscriptions;
  #resendWithinMs = RESEND_WITHIN_MS;

  constructor(supervisor: Supervisor, requests: RequestTable, subscriptions: Subscriptions) {
    this.#supervisor = supervisor;
    this.#requests = requests;
    this.#subscriptions = subscriptions;
  }

  /** Sends a request as soon as it is its turn. The promise is the data of the answer. */
  add({ id, line, frame, timeoutMs = Infinity, isRead }: OutgoingRequest): Promise<unknown> {
    // A page that was left and shown again may not know that it has sent the message.
    const known = this.#waiting.get(id);
    if (known?.frame === frame) return known.promise;
    const { promise, resolve, reject, rejectQuietly } = deferred<unknown>();
    const answeredMs = Math.min(timeoutMs, this.#resendWithinMs);
    if (this.#supervisor.state === 'closed') reject(clientError('ERR_CLOSED'));
    else if (this.#waiting.size >= MAX_UNANSWERED) reject(clientError('ERR_QUEUE_FULL'));
    else if (known) {
      const message =
        'Another message with this id waits for its answer. Give each an id of its own.';
      reject(new ClientRequestError({ code: 'ERR_MESSAGE_INVALID', message }));
    } else {
      this.#waiting.set(id, { line, frame, promise });
      this.#requests.add({
        id,
        frame,
        writtenMs: timeoutMs,
        answeredMs,
        unanswered: answeredMs === timeoutMs ? 'ERR_TIMEOUT' : 'ERR_OUTCOME_UNKNOWN',
        isResent: true,
        isRead,
        settle: (error, data) => {
          this.#waiting.delete(id);
          if (!error) resolve(data);
          else if (this.#supervisor.state === 'closed') rejectQuietly(error);
          else reject(error);
          this.flush();
        },
      });
      this.flush();
    }
    return promise;
  }

  /** The server says for how long, in milliseconds, it knows a message that is sent again. */
  setResendWithin(ms: unknown): void {
    this.#resendWithinMs = clamp(ms, [ANSWERED_WITHIN_MS, Infinity]) ?? this.#resendWithinMs;
  }

  /** Writes what may be written now: the first request of each line, unless it is in flight. */
  flush(): void {
    const seen = new Set<string>();
    for (const [id, { line }] of this.#waiting) {
      if (seen.has(line)) continue;
      seen.add(line);
      // A message that overtook the subscription could lead to an event that the sender misses.
      if (!this.#requests.isIdle(id) || this.#subscriptions.isUnderWay(line)) continue;
      if (!this.#requests.write(id)) return;
    }
  }
}
