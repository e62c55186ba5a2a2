import type { ErrorFrame, ReplyFrame } from '@gatecast/protocol';
import { MAX_DELAY_MS } from './backoff.js';
import type { Connection } from './connection.js';
import { type Deferred, deferred } from './deferred.js';
import { ClientRequestError, clientError } from './errors.js';
import { withAttempt } from './message-frame.js';
import type { Subscriptions } from './subscriptions.js';

/** A message on its way to the server. */
export interface OutgoingMessage {
  readonly id: string;
  readonly channel: string;
  /** The frame of the first attempt, as JSON. */
  readonly frame: string;
  readonly timeoutMs: number | undefined;
}

interface Waiting extends OutgoingMessage {
  readonly answer: Deferred<unknown>;
  readonly timer: ReturnType<typeof setTimeout>;
  attempts: number;
  isInFlight: boolean;
}

/** Most messages without an answer, in flight or not. */
const MAX_MESSAGES = 100;
/** API Gateway waits 29 s for an integration: after this, no answer will come. */
const TIMEOUT_MS = 30_000;

/**
 * The messages that have no answer yet. Each channel has one in flight: API Gateway starts a Lambda
 * invocation for every frame, and two of them may overtake each other.
 */
export class Outbox {
  /** In the order of sending. */
  readonly #messages = new Map<string, Waiting>();
  readonly #connection: Connection;
  readonly #subscriptions: Subscriptions;

  constructor(connection: Connection, subscriptions: Subscriptions) {
    this.#connection = connection;
    this.#subscriptions = subscriptions;
  }

  /** Sends a message as soon as it is its turn. The promise is the handler's answer. */
  add(message: OutgoingMessage): Promise<unknown> {
    if (this.#connection.state === 'closed') return Promise.reject(clientError('ERR_CLOSED'));
    if (this.#messages.size >= MAX_MESSAGES) return Promise.reject(clientError('ERR_QUEUE_FULL'));
    const answer = deferred<unknown>();
    const timer = setTimeout(
      () => {
        this.#messages.delete(message.id);
        answer.reject(clientError('ERR_TIMEOUT'));
        this.flush();
      },
      Math.min(message.timeoutMs ?? TIMEOUT_MS, MAX_DELAY_MS),
    );
    this.#messages.set(message.id, { ...message, answer, timer, attempts: 0, isInFlight: false });
    this.flush();
    return answer.promise;
  }

  /** Takes an answer, if it is one to a message. */
  settle(frame: ReplyFrame | ErrorFrame): void {
    const message = this.#messages.get(frame.id ?? '');
    if (!message) return;
    this.#messages.delete(message.id);
    clearTimeout(message.timer);
    if (frame.type === 'reply') message.answer.resolve(frame.data);
    else message.answer.reject(new ClientRequestError(frame.error));
    this.flush();
  }

  /** Writes what may be written now: the first message of each channel, unless it is in flight. */
  flush(): void {
    const seen = new Set<string>();
    for (const message of this.#messages.values()) {
      if (seen.has(message.channel)) continue;
      seen.add(message.channel);
      // A message that overtook the subscription could lead to an event that the sender misses.
      if (message.isInFlight || this.#subscriptions.isUnderWay(message.channel)) continue;
      if (!this.#connection.ask(withAttempt(message.frame, message.attempts + 1))) return;
      message.attempts += 1;
      message.isInFlight = true;
    }
  }

  /** The connection is gone: what was in flight goes again, with the same id, when there is another. */
  lose(): void {
    for (const message of this.#messages.values()) message.isInFlight = false;
  }

  close(error: ClientRequestError): void {
    for (const message of this.#messages.values()) {
      clearTimeout(message.timer);
      message.answer.reject(error);
    }
    this.#messages.clear();
  }
}
