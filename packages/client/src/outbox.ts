import { deferred } from './deferred.js';
import { clientError } from './errors.js';
import type { RequestTable } from './request-table.js';
import type { Subscriptions } from './subscriptions.js';
import type { Supervisor } from './supervisor.js';
import { clamp } from './timers.js';

/** A message on its way to the server. */
export interface OutgoingMessage {
  readonly id: string;
  readonly channel: string;
  /** The frame, as JSON. */
  readonly frame: string;
  /** Longest until it is written, and again until it is answered. */
  readonly timeoutMs?: number;
}

/** Most messages without an answer, in flight or not. */
export const MAX_MESSAGES = 100;
/** API Gateway waits 29 s for an integration: after this, no answer will come. */
export const TIMEOUT_MS = 30_000;

/** How long the server knows a message that is sent again, unless it says otherwise. */
export const RESEND_WITHIN_MS = 300_000;

/**
 * The messages that have no answer yet. Each channel has one in flight: API Gateway starts a Lambda
 * invocation for every frame, and two of them may overtake each other.
 */
export class Outbox {
  /** The channel of each message, in the order of sending. */
  readonly #messages = new Map<string, string>();
  readonly #supervisor: Supervisor;
  readonly #requests: RequestTable;
  readonly #subscriptions: Subscriptions;
  #resendWithinMs = RESEND_WITHIN_MS;

  constructor(supervisor: Supervisor, requests: RequestTable, subscriptions: Subscriptions) {
    this.#supervisor = supervisor;
    this.#requests = requests;
    this.#subscriptions = subscriptions;
  }

  /** Sends a message as soon as it is its turn. The promise is the handler's answer. */
  add({ id, channel, frame, timeoutMs = TIMEOUT_MS }: OutgoingMessage): Promise<unknown> {
    const { promise, resolve, reject, rejectQuietly } = deferred<unknown>();
    if (this.#supervisor.state === 'closed') reject(clientError('ERR_CLOSED'));
    else if (this.#messages.size >= MAX_MESSAGES) reject(clientError('ERR_QUEUE_FULL'));
    else {
      this.#messages.set(id, channel);
      this.#requests.add({
        id,
        frame,
        timeoutMs: Math.min(timeoutMs, this.#resendWithinMs),
        isResent: true,
        settle: (error, data) => {
          this.#messages.delete(id);
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
    this.#resendWithinMs = clamp(ms, [TIMEOUT_MS, Infinity]) ?? this.#resendWithinMs;
  }

  /** Writes what may be written now: the first message of each channel, unless it is in flight. */
  flush(): void {
    const seen = new Set<string>();
    for (const [id, channel] of this.#messages) {
      if (seen.has(channel)) continue;
      seen.add(channel);
      // A message that overtook the subscription could lead to an event that the sender misses.
      if (this.#requests.isInFlight(id) || this.#subscriptions.isUnderWay(channel)) continue;
      if (!this.#requests.write(id)) return;
    }
  }
}
