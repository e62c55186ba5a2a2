import type { DeliveryCount } from '../channel/publishing.js';
import { makeError } from '../errors/gatecast-error.js';
import type { ConnectionStore, Subscriber } from '../store/connections.js';
import { type TimeLimit, timeLeftMs } from '../time/time-limit.js';
import { sayFarewell, TOKEN_EXPIRED } from './farewell.js';
import type { PostOutcome } from './gateway.js';
import { onAbort } from './on-abort.js';
import { Reader } from './reader.js';
import { Reaper } from './reaper.js';
import type { Stage } from './stage.js';
import { deliveryTimes } from './times.js';

/** With this many subscribers or more, it is suspicious when all of them are gone. */
const SUSPICIOUS_GONE = 20;
/** After the last post, removing subscribers may take this long, or half as long as the posts took if that is longer. */
const LEAST_REMOVING_MS = 50;

const OVER = 'The delivery is over.';

/** One event on its way to the subscribers of its channel. */
export interface Delivery {
  readonly channel: string;
  /** The whole frame, as it is posted. */
  readonly frame: string;
  /** A connection that is left out. */
  readonly except?: string;
  /** Tried once, and dropped when that fails. */
  readonly ephemeral: boolean;
}

/** What one delivery works with, and until when. */
export interface DeliveryOptions {
  readonly connections: ConnectionStore;
  readonly stage: Stage;
  /** When the invocation is over; the delivery ends some time before. */
  readonly limit: TimeLimit;
  /** The app's clock, by which identities end and connections grow old. */
  readonly now: () => number;
  /** Told once of posts that failed, and of a store that failed to remove connections. */
  readonly report: (error: unknown) => void;
}

/**
 * Posts an event to every subscriber of its channel and forgets those that are gone. Ends before the
 * time limit, and after 25 s at the latest. When it has ended, nothing of it goes on.
 *
 * @throws StoreError - when the subscribers cannot be read; those that were read have been posted to.
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
  /** When an attempt is given up. */
  readonly #limit: TimeLimit;
  /** After it no page is read and no post begins. */
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
  /** Whether the endpoint has proved to be that of open connections. */
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
      // The store is not to blame when the time is over, unless even its first page had not come.
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

  /** Ends the waiting when the time is over, whatever the gateway and the store do. */
  #makeCut(): { readonly isCut: Promise<void>; readonly clear: () => void } {
    let clear = (): void => {};
    const isCut = new Promise<void>((resolve) => {
      const end = (): void => {
        this.#stop.abort(OVER);
        resolve();
      };
      const timer = setTimeout(end, timeLeftMs({ endsAt: this.#cutAt }));
      const stopListening = onAbort(this.#limit.signal, end);
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
      if (this.#hasEnded && !hasTurn) return;
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
      ? await sayFarewell(connectionId, TOKEN_EXPIRED, { poster: stage.poster, ...options })
      : await stage.poster.post(connectionId, frame, { ...options, ephemeral });
    if (this.#hasEnded) return;
    this.#underWay -= 1;
    this.#take(outcome, subscriber, isExpired);
    if (this.#underWay === 0) this.#onIdle();
  }

  #take(outcome: PostOutcome, subscriber: Subscriber, isExpired: boolean): void {
    const count = this.#count;
    if (outcome.result === 'delivered') {
      // A connection that was closed did not get the event.
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

  /** Counts what was not reached, and starts nothing more. */
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
