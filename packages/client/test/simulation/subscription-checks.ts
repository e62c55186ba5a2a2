import type { WireError } from '@gatecast/protocol';
import type { Application } from './application.js';
import type { Checks } from './checks.js';
import type { Connection, Frame, Request } from './connection.js';
import { DOUBTS } from './message-checks.js';
import type { Answer } from './server.js';
import { channelNames } from './steps.js';

/** How long the client waits for an answer. */
const ANSWER_MS = 10_000;
const MARGIN_MS = 500;
/** How long a call may take on a connection that is fine: retries of 30 s, with an answer each. */
const CALL_MS = 75_000;
/** API Gateway gives an answer no longer than that. */
const INTEGRATION_MS = 29_000;
/** How long back refusals count as one row. */
const ROW_MS = 60_000;

type Action = 'subscribe' | 'unsubscribe';

interface WrittenFrame {
  readonly action: Action;
  readonly id: string;
  readonly writtenMs: number;
  /** The same without the machine's sleep. */
  readonly awakeMs: number;
  isAnswered: boolean;
  /** When it was, without the machine's sleep. */
  answeredMs?: number;
}

interface Refused {
  readonly connection: Connection;
  readonly atMs: number;
  readonly action: Action;
  readonly error: WireError;
}

/** The rules for subscribe() and unsubscribe(). */
export class SubscriptionChecks {
  readonly #checks: Checks;
  /** By connection and channel. */
  readonly #frames = new Map<string, WrittenFrame[]>();
  /** By channel. */
  readonly #refusals = new Map<string, Refused[]>();
  /** When the application last wanted something of a channel. */
  readonly #calledMs = new Map<string, number>();
  /** Channels about which something came that may be understood in any way. */
  readonly #vague = new Set<string>();
  /** How many errors may have been about a channel. */
  readonly #doubts = new Map<string, number>();
  /** When something came that may be an answer to anything, by connection. */
  readonly #confusedMs = new Map<Connection, number>();

  constructor(checks: Checks) {
    this.#checks = checks;
  }

  /** Waits for the outcome of a call. `isGivenUp`: the application has called unsubscribe() since. */
  follow(
    action: Action,
    call: { channel: string; promise: Promise<unknown>; isGivenUp?: () => boolean },
  ): void {
    const { channel, promise, isGivenUp = () => false } = call;
    const { world } = this.#checks;
    this.#calledMs.set(channel, world.time.nowMs);
    const startedMs = world.time.awakeMs;
    const calledMs = world.time.nowMs;
    const name = `${action}() of "${channel}", called at ${world.time.nowMs} ms`;
    const isOverdue = (): boolean => this.#isOverdue({ action, channel, startedMs });
    const settled = this.#checks.wait({ name, isOverdue });
    promise.then(
      (answer) => {
        settled();
        const { channel: found } = Object(answer) as { readonly channel?: unknown };
        if (action === 'unsubscribe' || found === channel) return;
        world.fails('a wrong answer', `subscribe() of "${channel}": ${JSON.stringify(answer)}`);
      },
      (error: unknown) => {
        settled();
        const { code } = Object(error) as { readonly code?: unknown };
        world.note('rejected', name, String(code));
        const isMine = code === 'ERR_UNSUBSCRIBED' && action === 'subscribe' && isGivenUp();
        // What is under way about the channel may hold back a frame for as long as an answer may take.
        const isLate = action === 'unsubscribe' && this.#nowMs - calledMs >= ANSWER_MS - 1;
        const mayBe = isMine || (code === 'ERR_TIMEOUT' && isLate);
        const problem = mayBe ? undefined : this.#problem(action, channel, code);
        if (problem) world.fails(problem, `${name}: ${String(error)}`);
      },
    );
  }

  written(connection: Connection, { action, id, channels = [] }: Frame): void {
    if (action !== 'subscribe' && action !== 'unsubscribe') {
      this.#checks.world.fails('a frame of no use', `The action is "${action}".`);
      return;
    }
    for (const entry of channels) {
      const channel = typeof entry === 'string' ? entry : entry.channel;
      const frames = this.#of(connection, channel);
      const other = frames.find((frame) => frame.id !== id && this.#isFresh(connection, frame));
      if (other) {
        const text = `${action} of "${channel}", while ${other.action} of ${other.writtenMs} ms is.`;
        this.#checks.world.fails('two requests of a channel in flight', text);
      }
      if (action === 'subscribe') this.#checkPatience(connection, channel);
      const { nowMs: writtenMs, awakeMs } = this.#checks.world.time;
      frames.push({ action, id, writtenMs, awakeMs, isAnswered: false });
    }
  }

  answered({ connection, frame, channels }: Request, answer: Answer): void {
    const action = frame.action as Action;
    for (const channel of channels) {
      const frames = this.#of(connection, channel).filter(({ id }) => id === frame.id);
      // The same answer may come twice.
      const isFirst = frames.some(({ isAnswered }) => !isAnswered);
      for (const written of frames) {
        written.isAnswered = true;
        written.answeredMs = this.#checks.world.time.awakeMs;
      }
      if (answer.isVague) this.#vague.add(channel);
      const error = answer.error ?? answer.outcomes?.get(channel);
      if (!error || !isFirst) continue;
      this.#refused({ connection, atMs: this.#nowMs, action, error }, channel);
    }
  }

  /** The server tells that it has ended a subscription. */
  ends(connection: Connection, channel: string, error: WireError): void {
    this.#refused({ connection, atMs: this.#nowMs, action: 'subscribe', error }, channel);
  }

  /** An error arrives that names no request, and is the answer to none. */
  strayError(connection: Connection): void {
    for (const channel of channelNames) {
      if (!this.isAsking(connection, channel)) continue;
      this.#vague.add(channel);
      connection.unknowable.add(channel);
    }
    this.#confusedMs.set(connection, this.#nowMs);
  }

  /** An error arrives that may be the answer to any request, and is that to one. */
  doubt(connection: Connection): void {
    for (const channel of channelNames) {
      if (!this.isAsking(connection, channel)) continue;
      const doubts = (this.#doubts.get(channel) ?? 0) + 1;
      this.#doubts.set(channel, doubts);
      const refusals = this.#refusals.get(channel) ?? [];
      if (doubts + refusals.length >= DOUBTS) this.#vague.add(channel);
    }
    this.#confusedMs.set(connection, this.#nowMs);
  }

  /** Whether something is asked about a channel, or may be. */
  isAsking(connection: Connection, channel: string): boolean {
    const { awakeMs: nowMs } = this.#checks.world.time;
    return this.#of(connection, channel).some(
      ({ isAnswered, awakeMs }) => !isAnswered && nowMs - awakeMs < 4 * ANSWER_MS,
    );
  }

  /** Since when nothing is asked about a channel, without the machine's sleep; `undefined` while it is. */
  restsSince(connection: Connection, channel: string): number | undefined {
    if (this.isAsking(connection, channel)) return undefined;
    return Math.max(0, ...this.#of(connection, channel).map(({ answeredMs = 0 }) => answeredMs));
  }

  /** Whether an answer to a subscribe frame is awaited. */
  isJoining(connection: Connection, channel: string): boolean {
    if (this.#checks.application?.wants(channel) === 'no') return false;
    return this.#of(connection, channel).some(
      (frame) => frame.action === 'subscribe' && this.#isFresh(connection, frame),
    );
  }

  /** Nothing has gone wrong for long: what the application has been told is what the server has. */
  agree(connection: Connection, application: Application): void {
    const { world } = this.#checks;
    for (const channel of channelNames) {
      if (connection.unknowable.has(channel)) continue;
      const wants = application.wants(channel);
      const isMember = connection.members.has(channel);
      if (wants === 'yes' && !isMember && !connection.postponed.has(channel)) {
        world.fails('subscribed, but not on the server', `Channel "${channel}".`);
      }
      if (wants === 'no' && isMember && !connection.kept.has(channel)) {
        world.fails('on the server, but not wanted', `Channel "${channel}".`);
      }
    }
  }

  #refused(refused: Refused, channel: string): void {
    this.#refusals.set(channel, [...(this.#refusals.get(channel) ?? []), refused]);
  }

  /** A refusal says when to ask again, which is so unless the application itself asks sooner. */
  #checkPatience(connection: Connection, channel: string): void {
    const latest = this.#refusals.get(channel)?.at(-1);
    if (latest?.connection !== connection || latest.action !== 'subscribe') return;
    // After a sleep, what comes so late does not count as an answer.
    const frame = this.#of(connection, channel).at(-1);
    if (frame && latest.atMs - frame.writtenMs > INTEGRATION_MS) return;
    const hasAsked = (this.#calledMs.get(channel) ?? 0) >= latest.atMs;
    if (hasAsked || this.#confusedMs.has(connection)) return;
    const waitMs = latest.error.retryAfterMs ?? 0;
    if (typeof waitMs !== 'number' || this.#nowMs - latest.atMs >= waitMs - 1) return;
    const text = `"${channel}" is asked for again, ${this.#nowMs - latest.atMs} ms after a refusal.`;
    this.#checks.world.fails('a retry before its time', text);
  }

  #isOverdue(call: { action: Action; channel: string; startedMs: number }): boolean {
    const { connections, world } = this.#checks;
    const { action, channel, startedMs } = call;
    if (!connections.open) return false;
    const { connection, openedMs } = connections.open;
    const nowMs = world.time.awakeMs;
    if (nowMs - Math.max(startedMs, openedMs) > CALL_MS) return true;
    const latest = this.#of(connection, channel).at(-1);
    if (latest?.action !== action || latest.isAnswered) return false;
    if (this.#vague.has(channel) || this.#isConfused(connection, latest)) return false;
    return nowMs - Math.max(startedMs, latest.awakeMs) > ANSWER_MS + MARGIN_MS;
  }

  #problem(
    action: Action,
    channel: string,
    code: unknown,
  ): Parameters<Checks['world']['fails']>[0] | undefined {
    if (this.#vague.has(channel)) return undefined;
    if (code === 'ERR_CLOSED' && this.#checks.isClosing) return undefined;
    if (code === 'ERR_TIMEOUT') {
      const isOld = [...this.#frames].some(
        ([key, frames]) =>
          key.endsWith(` ${channel}`) &&
          frames.some(
            (frame) => frame.action === action && this.#nowMs - frame.writtenMs >= ANSWER_MS - 1,
          ),
      );
      return isOld ? undefined : 'a time-out before its time';
    }
    const refusals = (this.#refusals.get(channel) ?? []).filter(
      (refused) => refused.action === action && this.#nowMs - refused.atMs < ROW_MS,
    );
    const latest = refusals.at(-1);
    if (latest?.error.code !== code || code === 'ERR_CONNECTION_UNKNOWN') {
      return refusals.some(({ error }) => error.code === code)
        ? undefined
        : 'a reason that nobody gave';
    }
    const waitMs = Number(latest?.error.retryAfterMs);
    const passes = code === 'ERR_RATE_LIMIT' || code === 'ERR_INTERNAL';
    const isFinal = action === 'subscribe' && passes && waitMs > 0 && waitMs <= 5_000;
    return isFinal && refusals.length === 1 ? 'a refusal that passes is final' : undefined;
  }

  #isFresh(connection: Connection, { isAnswered, writtenMs }: WrittenFrame): boolean {
    if (isAnswered || this.#nowMs - writtenMs >= ANSWER_MS - 1) return false;
    return !this.#isConfused(connection, { writtenMs });
  }

  /** Whether something has come since that may have been the answer. */
  #isConfused(connection: Connection, { writtenMs }: Pick<WrittenFrame, 'writtenMs'>): boolean {
    return (this.#confusedMs.get(connection) ?? -1) >= writtenMs;
  }

  #of(connection: Connection, channel: string): WrittenFrame[] {
    const key = `${connection.number} ${channel}`;
    const frames = this.#frames.get(key) ?? [];
    this.#frames.set(key, frames);
    return frames;
  }

  get #nowMs(): number {
    return this.#checks.world.time.nowMs;
  }
}
