import {
  type ChannelEventBody,
  formatPosition,
  type HistoryReply,
  type Position,
  parsePosition,
  type SubscribeOutcome,
  type SubscribeReply,
  type SyncReply,
  type TailCheck,
} from '@gatecast/protocol';

/** The outcome of a subscription that was made. */
export type Subscribed = Exclude<SubscribeOutcome, { readonly error: unknown }>;

/** What a reader needs: a connection for its requests, a clock, and somebody who takes the events. */
export interface ReaderHost {
  readonly channel: string;
  /** How many of the latest events it wants when it comes for the first time. */
  readonly rewind: number;
  /**
   * Sends a request on the connection that is open now. `answer` gets the data of the reply, or nothing if it is
   * refused; if the connection ends before, it is not called.
   */
  request(frame: Readonly<Record<string, unknown>>, answer: (data: unknown) => void): void;
  after(delayMs: number, work: () => void): { isCancelled: boolean };
  /** A random integer of at least 0, less than `end`. */
  below(end: number): number;
  deliver(position: Position, event: ChannelEventBody): void;
  /** The reader is told that it has missed something. */
  reset(reason: string, position: Position): void;
  /** It begins at a position. */
  begin(position: Position): void;
}

const GAP_MS = { least: 150, range: 300 };
const AGAIN_MS = 2_000;
const LARGEST_BUFFER = 256;

/**
 * One subscription of a client, as docs/history.md describes it: pushes are hints, and the position decides. It takes events in order, drops those that it has, fills gaps by `history`, and comes back with its
 * position.
 */
export class Reader {
  readonly #host: ReaderHost;
  readonly #buffer = new Map<number, ChannelEventBody>();
  #position: Position | undefined;
  #isLive = false;
  #isFilling = false;
  /** Number of the last subscribe frame. */
  #asked = 0;
  #tailCheck: TailCheck | undefined;
  #gapTimer: { isCancelled: boolean } | undefined;
  #tailTimer: { isCancelled: boolean } | undefined;

  constructor(host: ReaderHost) {
    this.#host = host;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  /** A connection is open. */
  connected(): void {
    this.#subscribe();
  }

  /** The connection has ended: answers to its requests will not come. */
  disconnected(): void {
    this.#isLive = false;
    this.#isFilling = false;
    this.#stop('gap');
    this.#stop('tail');
  }

  /** Events were pushed. */
  receive(events: readonly ChannelEventBody[]): void {
    for (const event of events) {
      const position = parsePosition(event.position);
      if (!position) continue;
      if (!this.#isLive) this.#buffer.set(position.offset, event);
      else if (position.epoch !== this.#position?.epoch) this.#subscribe();
      else this.#offer(position, event);
    }
  }

  /** Asks whether the end was missed. */
  sync(): void {
    const position = this.#position;
    if (!this.#isLive || !position) return;
    const { channel } = this.#host;
    const positions = { [channel]: formatPosition(position) };
    this.#host.request({ action: 'sync', positions }, (data) => {
      const [outcome] = (data as SyncReply | undefined)?.channels ?? [];
      const result = outcome && 'result' in outcome ? outcome.result : undefined;
      if (result === 'behind') this.#fill();
      else if (result !== 'current') this.#subscribe();
    });
  }

  #subscribe(): void {
    this.#isLive = false;
    this.#isFilling = false;
    this.#asked += 1;
    const asked = this.#asked;
    const { channel, rewind } = this.#host;
    const entry = this.#position
      ? { channel, position: formatPosition(this.#position) }
      : { channel, rewind };
    this.#host.request({ action: 'subscribe', channels: [entry] }, (data) => {
      const [outcome] = (data as SubscribeReply | undefined)?.channels ?? [];
      // Only the answer to the last question knows the position.
      if (asked !== this.#asked) return;
      if (outcome && 'result' in outcome) this.#subscribed(outcome);
      else this.#host.after(AGAIN_MS, () => this.#subscribe());
    });
  }

  #subscribed(outcome: Subscribed): void {
    const { result, position, events = [], more, tailCheck } = outcome;
    const end = parsePosition(position);
    if (!end) return;
    this.#tailCheck = tailCheck;
    // They may belong to an earlier log, with the same offsets.
    const buffered = [...this.#buffer.values()];
    this.#buffer.clear();
    if (result === 'reset') this.#host.reset(outcome.reason, end);
    if (result === 'resumed') for (const event of events) this.#offerAny(event);
    else this.#beginWith(end, events);
    this.#isLive = true;
    this.receive(buffered);
    if (result === 'resumed' && more) this.#fill();
  }

  /** Begins at the end of the log, or with the latest events, which end there. */
  #beginWith(end: Position, events: readonly ChannelEventBody[]): void {
    this.#position = { ...end, offset: end.offset - events.length, tag: '' };
    if (events.length === 0) this.#position = end;
    this.#host.begin(this.#position);
    for (const event of events) this.#offerAny(event);
  }

  #offerAny(event: ChannelEventBody): void {
    const position = parsePosition(event.position);
    // The answer to a question of before a reset.
    if (position && position.epoch === this.#position?.epoch) this.#offer(position, event);
  }

  #offer(position: Position, event: ChannelEventBody): void {
    const next = (this.#position?.offset ?? 0) + 1;
    if (position.offset < next) return;
    if (position.offset > next) {
      this.#buffer.set(position.offset, event);
      if (this.#buffer.size > LARGEST_BUFFER) this.#fill();
      else this.#gapTimer ??= this.#host.after(this.#gapMs(), () => this.#fill());
      return;
    }
    this.#take(position, event);
    this.#drain();
  }

  #take(position: Position, event: ChannelEventBody): void {
    this.#position = position;
    this.#host.deliver(position, event);
    this.#startTailCheck();
  }

  #drain(): void {
    for (;;) {
      const offset = (this.#position?.offset ?? 0) + 1;
      const event = this.#buffer.get(offset);
      const position = parsePosition(event?.position);
      if (!event || !position) break;
      this.#buffer.delete(offset);
      this.#take(position, event);
    }
    for (const offset of this.#buffer.keys()) {
      if (offset <= (this.#position?.offset ?? 0)) this.#buffer.delete(offset);
    }
    if (this.#buffer.size === 0) this.#stop('gap');
  }

  /** Reads what is missing, page by page. */
  #fill(): void {
    this.#stop('gap');
    const position = this.#position;
    if (this.#isFilling || !this.#isLive || !position) return;
    this.#isFilling = true;
    const { channel } = this.#host;
    const after = formatPosition(position);
    this.#host.request({ action: 'history', channel, after }, (data) => {
      this.#isFilling = false;
      const page = data as HistoryReply | undefined;
      if (page?.result === 'page') {
        for (const event of page.events) this.#offerAny(event);
        if (page.more || this.#buffer.size > 0) this.#fill();
      } else if (page) this.#subscribe();
      else this.#gapTimer ??= this.#host.after(AGAIN_MS, () => this.#fill());
    });
  }

  #gapMs(): number {
    return GAP_MS.least + this.#host.below(GAP_MS.range);
  }

  #startTailCheck(): void {
    this.#stop('tail');
    if (!this.#tailCheck) return;
    const { afterMs, windowMs } = this.#tailCheck;
    this.#tailTimer = this.#host.after(afterMs + this.#host.below(windowMs), () => this.sync());
  }

  #stop(timer: 'gap' | 'tail'): void {
    const stopped = timer === 'gap' ? this.#gapTimer : this.#tailTimer;
    if (stopped) stopped.isCancelled = true;
    if (timer === 'gap') this.#gapTimer = undefined;
    else this.#tailTimer = undefined;
  }
}
