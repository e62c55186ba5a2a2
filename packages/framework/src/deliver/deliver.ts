import type { DeliveryCount } from '../channel/publishing.js';
import { makeError } from '../errors/gatecast-error.js';
import type { ConnectionStore, Subscriber } from '../store/connections.js';
import { type TimeLimit, timeLeftMs } from '../time/time-limit.js';
import { sayFarewell, TOKEN_EXPIRED } from './farewell.js';
import type { PostOutcome } from './gateway.js';
import { onAbort } from './on-abort.js';
import type { PostOptions } from './poster.js';
import { Reader } from './reader.js';
import { Reaper } from './reaper.js';
import type { Stage } from './stage.js';
import { deliveryTimes } from './times.js';

/** With at least this many subscribers, all of them being gone points to a wrong endpoint. */
const SUSPICIOUS_GONE = 20;
/**
 * Time for removing subscribers after the last post, in milliseconds, or half the time of the posts if
 * that is longer.
 */
const LEAST_REMOVING_MS = 50;

const OVER = 'The delivery is over.';

/** One event to deliver to the subscribers of its channel. */
export interface Delivery {
  readonly channel: string;
  /** The whole frame to post. */
  readonly frame: string;
  /** A connection to leave out. */
  readonly except?: string;
  /** Whether to post only once to each subscriber, without retries. */
  readonly ephemeral: boolean;
}

/** The dependencies and the time limit of one delivery. */
export interface DeliveryOptions {
  readonly connections: ConnectionStore;
  readonly stage: Stage;
  /** The time limit of the invocation. The delivery ends some time before. */
  readonly limit: TimeLimit;
  /** The app's clock, for the expiry of identities and the age of connections. */
  readonly now: () => number;
  /** Called once for failed posts, and once if the store failed to remove connections. */
  readonly report: (error: unknown) => void;
}

/**
 * Posts an event to every subscriber of its channel and removes those that are gone. Ends before the time
 * limit, and after 25 s at the latest. After that none of its work is still running.
 *
 * @throws StoreError - if the subscribers cannot be read. Subscribers that were read have got their
 * posts.
 * @throws unknown - the `reason` of the signal, once it is aborted.
 */
export function deliver(delivery: Delivery, options: DeliveryOptions): Promise<DeliveryCount> {
  return new DeliveryRun(delivery, options).run();
}

class DeliveryRun {
  readonly #delivery: Delivery;
  readonly #options: DeliveryOptions;
  readonly #reader: Reader;
  readonly #reaper: Reaper;
  readonly #cutAt: number;
  /** When a running attempt is aborted. */
  readonly #limit: TimeLimit;
  /** When the last read or post may begin. */
  readonly #begin: TimeLimit & { readonly endsAt: number };
  readonly #stop = new AbortController();
  readonly #startedAt = Date.now();
  readonly #count = { delivered: 0, gone: 0, failed: 0 };
  #read = 0;
  #underWay = 0;
  #notBegun = 0;
  #hasEnded = false;
  #failure: unknown;
  #readFailure: { readonly error: unknown } | undefined;
  /** Whether a successful post has proved that the endpoint is right. */
  #isProven: boolean;
  #isRefused = false;
  #onIdle = (): void => {};

  constructor(delivery: Delivery, options: DeliveryOptions) {
    const { connections, stage, limit, now, report } = options;
    const { beginUntil, cutAt } = deliveryTimes(limit, stage.poster.p99Ms);
    this.#delivery = delivery;
    this.#options = options;
    this.#cutAt = cutAt;
    this.#limit = { endsAt: cutAt, ...(limit.signal && { signal: limit.signal }) };
    this.#begin = { endsAt: beginUntil, signal: this.#stop.signal };
    this.#reader = new Reader({
      connections,
      channel: delivery.channel,
      except: delivery.except,
      address: stage.address,
      limit: this.#begin,
    });
    this.#reaper = new Reaper({ connections, now, report });
    this.#isProven = stage.poster.hasDelivered;
    this.#allowRemoving();
  }

  async run(): Promise<DeliveryCount> {
    const { signal } = this.#options.limit;
    const cut = this.#makeCut();
    const reading = this.#postToAll().catch((error: unknown) => {
      // If time ran out, it is not the store's fault, unless it did not return even the first page.
      if (this.#read === 0 || timeLeftMs(this.#begin) > 0) this.#readFailure = { error };
    });
    await Promise.race([reading.then(() => this.#idle()), cut.isCut]);
    cut.clear();
    const left = this.#end();
    await this.#removeGone();
    this.#reportFailures(left);
    signal?.throwIfAborted();
    if (this.#readFailure) throw this.#readFailure.error;
    return this.#count;
  }

  /** Ends the delivery when the time is over, even if the gateway or the store hangs. */
  #makeCut(): { readonly isCut: Promise<void>; readonly clear: () => void } {
    let clear = (): void => {};
    const isCut = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeLeftMs({ endsAt: this.#cutAt }));
      const stopListening = onAbort(this.#limit.signal, resolve);
      clear = () => {
        clearTimeout(timer);
        stopListening();
      };
    });
    return { isCut, clear };
  }

  async #postToAll(): Promise<void> {
    const { poster } = this.#options.stage;
    for (;;) {
      const subscriber = await this.#reader.next();
      if (!subscriber || this.#hasEnded) return;
      this.#read += 1;
      this.#underWay += 1;
      const hasTurn = await poster.turn(this.#begin);
      if (!hasTurn) {
        this.#underWay -= 1;
        this.#notBegun += 1;
        return;
      }
      void this.#post(subscriber);
    }
  }

  async #post(subscriber: Subscriber): Promise<void> {
    const { frame, ephemeral } = this.#delivery;
    const { stage, now } = this.#options;
    const { connectionId, identityExpiresAt = Infinity } = subscriber;
    const options = { limit: this.#limit, begin: this.#begin, hasTurn: true };
    const isExpired = identityExpiresAt <= now();
    const outcome = isExpired
      ? await this.#endExpired(connectionId, options)
      : await stage.poster.post(connectionId, frame, { ...options, ephemeral });
    if (this.#hasEnded) return;
    this.#underWay -= 1;
    this.#take(outcome, subscriber, isExpired);
    if (this.#underWay === 0) this.#onIdle();
  }

  async #endExpired(connectionId: string, options: PostOptions): Promise<PostOutcome> {
    const { poster } = this.#options.stage;
    const ended = await sayFarewell(connectionId, TOKEN_EXPIRED, { poster, ...options });
    // A function that only publishes has no permission to close connections. Who is told closes by itself.
    return ended.isTold && ended.result === 'refused' ? { result: 'delivered' } : ended;
  }

  #take(outcome: PostOutcome, subscriber: Subscriber, isExpired: boolean): void {
    const count = this.#count;
    if (outcome.result === 'delivered') {
      // A connection that was closed for its expired token did not get the event.
      if (isExpired) count.gone += 1;
      else count.delivered += 1;
      this.#isProven = true;
      this.#allowRemoving();
      return;
    }
    if (outcome.result === 'gone') {
      count.gone += 1;
      this.#reaper.add(subscriber);
      return;
    }
    count.failed += 1;
    if (outcome.result === 'refused' && !this.#isRefused) {
      this.#isRefused = true;
      this.#failure = outcome.error;
      this.#stop.abort(OVER);
    }
    this.#failure ??= outcome.error;
  }

  #idle(): Promise<void> | undefined {
    if (this.#underWay === 0) return undefined;
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Stops starting work, and counts the subscribers that were not reached. */
  #end(): number {
    this.#hasEnded = true;
    this.#stop.abort(OVER);
    this.#read += this.#reader.left;
    const left = this.#underWay + this.#notBegun + this.#reader.left;
    this.#count.failed += left;
    return left;
  }

  #allowRemoving(): void {
    if (this.#isProven && this.#options.stage.mayPrune) this.#reaper.allow();
  }

  async #removeGone(): Promise<void> {
    const { stage, report, limit } = this.#options;
    const { count } = this.#reaper;
    if (!this.#isProven && count >= SUSPICIOUS_GONE) {
      const { channel } = this.#delivery;
      const { endpoint } = stage.poster;
      report(makeError('ERR_DELIVERY_ALL_GONE', { channel, count, endpoint }));
    } else {
      this.#isProven = true;
      this.#allowRemoving();
    }
    const tookMs = Date.now() - this.#startedAt;
    const mostMs = Math.min(
      Math.max(LEAST_REMOVING_MS, tookMs / 2),
      timeLeftMs({ endsAt: this.#cutAt }),
    );
    await this.#reaper.finish(mostMs, limit.signal);
  }

  #reportFailures(left: number): void {
    const { report } = this.#options;
    const isFinished = left === 0 && this.#reader.isAtEnd;
    if (this.#isRefused || isFinished || this.#readFailure) {
      if (this.#failure !== undefined) report(this.#failure);
      return;
    }
    const { channel } = this.#delivery;
    const unread = this.#reader.isAtEnd ? 'all had been read' : 'more were not read';
    const values = { channel, read: this.#read, left, unread };
    report(makeError('ERR_DELIVERY_UNFINISHED', values, this.#failure));
  }
}
