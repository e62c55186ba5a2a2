import { type Position, parsePosition } from '@gatecast/protocol';
import type { Connection } from '../app/api-gateway.js';
import type { Report } from './violation.js';

/** Longest time that a frame is handled before API Gateway gives up. */
const LONGEST_FRAME_MS = 29_000;
const POSITION = /"position":"([^"]*)"/;

interface Subscribed {
  readonly connection: Connection;
  /** Where the log ended, as the first reply to its subscribe frames said. */
  readonly position: Position;
  /** From when on its subscription may have ended. */
  endsAt: number;
}

interface Published {
  readonly id: string;
  readonly position: Position;
  readonly at: number;
}

/**
 * Checks that live and history meet: when a publish has been acknowledged, its event has been pushed to every
 * connection whose subscription was answered with a position below it.
 */
export class LiveCheck {
  readonly #now: () => number;
  readonly #report: Report;
  readonly #subscribed = new Map<string, Subscribed>();
  readonly #disturbed = new Set<string>();
  /** When each connection was posted the event of a position for the first time. */
  readonly #posted = new Map<string, number>();
  readonly #published: Published[] = [];

  constructor(now: () => number, report: Report) {
    this.#now = now;
    this.#report = report;
  }

  posted(connectionId: string, frame: string): void {
    const position = parsePosition(POSITION.exec(frame)?.[1]);
    if (!position) return;
    const key = keyOf(connectionId, position);
    if (!this.#posted.has(key)) this.#posted.set(key, this.#now());
  }

  /** The function has answered a subscribe frame. */
  subscribed(connection: Connection, position: Position): void {
    if (this.#subscribed.has(connection.id) || this.#disturbed.has(connection.id)) return;
    this.#subscribed.set(connection.id, { connection, position, endsAt: Infinity });
  }

  /**
   * A frame has failed, so that its subscription is taken back, perhaps some seconds later: then a subscription
   * that was made meanwhile ends, too, and the client learns of it by its next sync.
   */
  disturbed(connection: Connection): void {
    this.#disturbed.add(connection.id);
    const subscribed = this.#subscribed.get(connection.id);
    if (!subscribed) return;
    subscribed.endsAt = Math.min(subscribed.endsAt, this.#now() - LONGEST_FRAME_MS);
  }

  /** A publish has been acknowledged, and nothing was reported about its delivery. */
  published(id: string, position: Position): void {
    this.#published.push({ id, position, at: this.#now() });
  }

  checkAll(): void {
    for (const published of this.#published) {
      for (const subscribed of this.#subscribed.values()) this.#check(published, subscribed);
    }
  }

  #check({ id, position, at }: Published, { connection, position: end, endsAt }: Subscribed): void {
    const isDue =
      position.epoch === end.epoch &&
      position.offset > end.offset &&
      at < Math.min(endsAt, connection.closedAt);
    if (!isDue) return;
    const postedAt = this.#posted.get(keyOf(connection.id, position)) ?? Infinity;
    if (postedAt <= at) return;
    this.#report(
      'live',
      `${id} was acknowledged at ${position.offset} and not pushed to ${connection.peer.name} (${connection.id}), which was answered ${end.offset}.`,
    );
  }
}

function keyOf(connectionId: string, { epoch, offset }: Position): string {
  return `${connectionId} ${epoch}:${offset}`;
}
