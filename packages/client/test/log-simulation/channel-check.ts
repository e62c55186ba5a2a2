import type { Position } from '@gatecast/protocol';
import type { LogChannel, LogEvent, ResetAnswer } from './client-under-test.js';
import type { Connection } from './connection.js';
import type { TrueLog } from './true-log.js';
import { LogView, type Memory, NOTHING, type Subscribed } from './view.js';
import type { LogWorld } from './world.js';

/** Another listener of a channel, besides the first one. */
export interface Listener {
  isOff: boolean;
  /** How many events the first one had heard when this one heard its last. */
  upTo: number;
  last: string | undefined;
}

/** An outcome of a subscribe frame. */
export interface Answer {
  readonly channel: string;
  readonly outcome: Subscribed;
  /** The position that it was asked with. */
  readonly from: Position | undefined;
  readonly writtenMs: number;
}

/** API Gateway gives an answer no longer than that. */
const INTEGRATION_MS = 29_000;

/** An event without a position, as it was sent. */
interface Sent {
  readonly n: number;
  readonly event: string;
  isHeard: boolean;
}

/** The rules for one channel of a page. */
export class ChannelCheck {
  readonly name: string;
  readonly log: TrueLog | undefined;
  /** What the application has seen, as long as it is subscribed. */
  view: LogView | undefined;
  isWanted = false;
  /** Whether the server has accepted the subscription at some time. */
  isAnswered = false;
  /** Whether the application knows of it. */
  #isTold = false;
  hasLeft = false;
  readonly #world: LogWorld;
  readonly #listeners: Listener[] = [];
  readonly #outcomes: Subscribed[] = [];
  readonly #sent = new Map<string, Sent>();
  readonly #due: string[] = [];
  readonly #expected = new Set<string>();
  #api: LogChannel | undefined;
  /** How many events the first listener has heard, and the latest of them. */
  #count = 0;
  #latest: string | undefined;
  #isHandling = false;
  /** Resets that have been answered and not told. */
  readonly #resets: string[] = [];
  /** Whether the application has yet to be told that the channel was without a connection. */
  mustTell = false;
  #liveOn: Connection | undefined;
  /** The connection before that, if there were two. */
  #first: Connection | undefined;
  #toldReason: string | undefined;
  /** Events came of a subscription that was refused, in any order: what is handed over then is not looked at. */
  #hasStrays = false;
  #isBlind = false;

  constructor(world: LogWorld, name: string, log: TrueLog | undefined) {
    this.#world = world;
    this.name = name;
    this.log = log;
  }

  set api(api: LogChannel) {
    this.#api = api;
  }

  // From the application

  /** The first part of the page subscribes. */
  joins(memory: Memory): void {
    const { name, log } = this;
    this.#isBlind = this.#hasStrays;
    this.#hasStrays = false;
    this.isWanted = true;
    this.isAnswered = false;
    this.#isTold = false;
    this.hasLeft = false;
    this.#outcomes.length = 0;
    this.#resets.length = 0;
    this.#liveOn = undefined;
    this.#toldReason = undefined;
    this.view = this.#isBlind ? undefined : log && new LogView(this.#world, { name, log }, memory);
  }

  /** The last part leaves, or the server has ended the subscription, or has never made it. */
  leaves(isForgotten: boolean): void {
    this.isWanted = false;
    this.hasLeft = isForgotten;
    this.mustTell = false;
    this.#due.length = 0;
    this.#expected.clear();
    for (const listener of this.#listeners) {
      listener.upTo = this.#count;
      listener.last = undefined;
    }
  }

  /** The page is gone. */
  forget(): void {
    this.leaves(false);
    this.view = undefined;
    this.#listeners.length = 0;
    this.#api = undefined;
  }

  /** What is left of it to the next page, which has the position from the storage. */
  remember(position: string | undefined): Memory {
    if (position === undefined || !this.view) return NOTHING;
    if (this.isWanted) this.checkPosition(position, 'is kept for the next page');
    return { seen: this.view.seen, position, mayBegin: false };
  }

  listen(): Listener {
    const listener = { isOff: false, upTo: this.#count, last: undefined };
    this.#listeners.push(listener);
    return listener;
  }

  /** A listener is called; without one, the first of the page. */
  heard(listener: Listener | undefined, data: unknown, event: LogEvent): void {
    const key = event.position ?? event.id;
    this.#world.note('heard', this.name, key);
    if (this.#isHandling) this.#fails('an event within a handler', `${key} of "${this.name}".`);
    if (listener) {
      this.#heardToo(listener, key);
      return;
    }
    if (!this.isWanted) {
      // After a refusal the server may have the subscription for a moment.
      if (this.hasLeft) this.#fails('an event after leaving', `${key} of "${this.name}".`);
      this.#hasStrays = true;
      const sent = this.#sent.get(event.id);
      if (sent) sent.isHeard = true;
      this.#latest = key;
      for (const other of this.#listeners) other.upTo = this.#count;
      return;
    }
    this.#checkOthers();
    this.settle();
    this.#count += 1;
    this.#latest = key;
    this.#checkContent(data, event);
    this.#checkPosition();
  }

  /** Runs what a handler does. */
  handle<T>(work: () => T): T {
    const outer = this.#isHandling;
    this.#isHandling = true;
    try {
      return work();
    } finally {
      this.#isHandling = outer;
    }
  }

  told(reason: string): void {
    this.#world.note('onReset', this.name, reason);
    const index = this.#resets.indexOf(reason);
    // The client may not have taken the answer that came while the first of two connections was open.
    const wasLate = reason === 'no-history' && this.#first?.isOpen === false;
    this.#first = undefined;
    if (index < 0 && !wasLate)
      this.#fails('a reset without a reason', `${reason} of "${this.name}".`);
    if (index >= 0) this.#resets.splice(index, 1);
    this.settle();
    this.mustTell = false;
    this.#toldReason = reason;
    this.view?.told();
  }

  /** subscribe() is resolved. */
  resolved(answer: ResetAnswer): void {
    this.#isTold = true;
    const { result, reason } = answer;
    const outcome = this.#outcomes.find(
      (one) => one.result === result && (one.result !== 'reset' || one.reason === reason),
    );
    if (!outcome || answer.channel !== this.name || JSON.stringify(answer.data) !== '"hello"') {
      this.#fails('a wrong answer', `subscribe() to "${this.name}": ${JSON.stringify(answer)}`);
    } else if (result === 'reset' && this.#toldReason === undefined) {
      this.#fails('a reset that is not told', `"${this.name}" is ${result}: ${reason}.`);
    }
  }

  // From the network

  /** An outcome of a subscribe frame arrives. */
  outcome(connection: Connection, { outcome, from, writtenMs }: Answer): void {
    if (!this.isWanted) return;
    this.settle();
    this.#outcomes.push(outcome);
    if (outcome.result === 'reset') this.#resets.push(outcome.reason);
    if (this.log) this.view?.offer(outcome, from);
    else this.#move(connection, writtenMs);
    this.isAnswered = true;
  }

  /** Events without a position are published. */
  publishes(id: string, event: string, n: number): void {
    this.#sent.set(id, { n, event, isHeard: false });
  }

  /** One of them is sent to a connection. */
  sends(id: string): void {
    if (this.isWanted && this.isAnswered) this.#expected.add(id);
  }

  /** An event without a position that was sent, and has not been heard. */
  get unheard(): string | undefined {
    return [...this.#expected].find((id) => {
      const sent = this.#sent.get(id);
      return sent?.event === 'message' && !sent.isHeard;
    });
  }

  /** One of them arrives at an open connection. */
  arrives(id: string): void {
    if (this.isWanted && this.isAnswered) this.#due.push(id);
  }

  // At the end of a step

  step(): void {
    this.#checkOthers();
    this.settle();
    for (const id of this.#due.splice(0)) {
      const sent = this.#sent.get(id);
      if (sent?.event !== 'message' || sent.isHeard) continue;
      this.#fails('an event lost', `${id} of "${this.name}" arrived, and nobody heard of it.`);
    }
    this.#checkPosition();
  }

  /** Whether nothing is being handed over any more. */
  settle(): void {
    const isHeard = this.#listeners.every(({ isOff, upTo }) => isOff || upTo === this.#count);
    if (!this.#isHandling && isHeard) this.view?.end();
  }

  /** A position is kept, or sent. */
  checkPosition(position: string, where: string): void {
    this.settle();
    if (this.#isBlind || this.view?.allows(position)) return;
    const isAhead = this.view?.isAhead(position) ?? false;
    const kind = isAhead ? 'a position ahead of the handlers' : 'a wrong position';
    this.#fails(kind, `${position} of "${this.name}" ${where}.`);
  }

  #checkPosition(): void {
    const position = this.#api?.position;
    if (position === undefined || this.#isBlind) return;
    if (!this.isWanted && !this.hasLeft) return;
    if (!this.isWanted) {
      this.#fails('a position that is not forgotten', `"${this.name}" is at ${position}.`);
    } else if (this.view?.allows(position) !== true) {
      const isAhead = this.view?.isAhead(position) ?? false;
      const kind = isAhead ? 'a position ahead of the handlers' : 'a wrong position';
      this.#fails(kind, `"${this.name}" is at ${position}.`);
    }
  }

  #heardToo(listener: Listener, key: string): void {
    if (listener.isOff) this.#fails('a call after its end', `${key} of "${this.name}".`);
    if (listener.last === key && listener.upTo === this.#count) {
      this.#fails('an event twice', `Another listener got ${key} of "${this.name}" again.`);
    } else if (key !== this.#latest) {
      this.#fails('an event out of order', `Another listener got ${key} of "${this.name}".`);
    }
    listener.last = key;
    listener.upTo = this.#count;
    this.#checkPosition();
  }

  #checkOthers(): void {
    const deaf = this.#listeners.some(({ isOff, upTo }) => !isOff && upTo !== this.#count);
    if (deaf) this.#fails('an event lost', `Not all listeners got ${this.#latest}.`);
  }

  #checkContent(data: unknown, { id, position, event, at }: LogEvent): void {
    const { n } = Object(data) as { readonly n?: unknown };
    if (position === undefined) {
      const sent = this.#sent.get(id);
      if (sent?.isHeard) this.#fails('an event twice', `${id} of "${this.name}".`);
      if (!sent || sent.n !== n || event !== sent.event) {
        this.#fails('an event of no use', `${id} of "${this.name}".`);
      } else sent.isHeard = true;
      return;
    }
    const entry = this.log?.entryAt(position);
    const body = entry?.body;
    const isSame =
      body?.id === id &&
      body.event === event &&
      body.op === undefined &&
      (body.data as { readonly n: number }).n === n &&
      at.getTime() === body.at;
    if (!entry || !isSame) {
      this.#fails(
        'an event of no use',
        `${position} of "${this.name}" as ${JSON.stringify(data)}.`,
      );
    } else this.view?.begin(entry);
  }

  /** A channel without history is subscribed to: whether the application has to be told. */
  #move(connection: Connection, writtenMs: number): void {
    const previous = this.#liveOn;
    // Of two that are open, the later one counts.
    if (previous && previous.number >= connection.number) return;
    this.#liveOn = connection;
    if (!previous) return;
    const hasOverlapped = connection.others.includes(previous);
    this.#first = hasOverlapped && previous.isOpen ? previous : undefined;
    if (this.#first) return;
    this.#resets.push('no-history');
    // After a sleep, what comes so late does not count as an answer.
    const isLate = this.#world.time.nowMs - writtenMs > INTEGRATION_MS;
    if (!hasOverlapped && !isLate && this.#isTold) this.mustTell = true;
  }

  #fails: LogWorld['fails'] = (kind, text) => this.#world.fails(kind, text);
}
