import type { Checks } from './checks.js';
import type { Connection, Frame, Request } from './connection.js';
import type { Answer } from './server.js';
import { channelNames } from './steps.js';

const MARGIN_MS = 1_000;
/** How long the first message of a channel may wait to be written although nothing is in its way. */
const WAITING_MS = 15_000;
const INTEGRATION_MS = 29_000;
/** For so long a message without an answer goes again: afterwards the server would not know it any more. */
const RESEND_MS = 300_000;
/** How often it goes again after an error of API Gateway that passes. */
const MAX_DOUBTS = 5;
const MAX_MESSAGES = 100;
/** The longest pause before another try, besides what the server asks for. */
const LONGEST_PAUSE_MS = 20_000;
/** The server's errors after which a message may go again. */
const PUTS_OFF = ['ERR_OUTCOME_UNKNOWN', 'ERR_RATE_LIMIT'];
/** After so many errors without a name a request may be given up. */
export const DOUBTS = 3;

/** A message that the application sends. */
export interface SentMessage {
  /** Names it, in its data. */
  readonly n: number;
  readonly channel: string;
  /** Longest until it is written, and again until it is answered; `undefined`: for as long as it takes. */
  readonly timeoutMs: number | undefined;
  readonly isOneWay: boolean;
  /** Whether the application hears of its outcome. */
  readonly isAwaited: boolean;
  readonly sentMs: number;
  /** The same without the machine's sleep. */
  readonly sentAwakeMs: number;
  /** How many messages had no outcome when it was sent. */
  readonly ahead: number;
  /** The id of the event that it leads to, as the client says. */
  eventId?: string;
  frameId?: string;
  firstWrittenMs?: number;
  firstWrittenAwakeMs?: number;
  /** Where it was written last, and when; without the machine's sleep. */
  latest?: { readonly connection: Connection; readonly awakeMs: number; readonly nowMs: number };
  /** Since when API Gateway has refused that, without the machine's sleep. */
  refusedMs?: number | undefined;
  attempts: number;
  /** How many errors it might have been meant by. */
  doubts: number;
  /** What has arrived for it. */
  readonly answers: Answer[];
  isHandled: boolean;
  outcome?: 'resolved' | 'rejected';
}

/** The rules for messages. */
export class MessageChecks {
  readonly #checks: Checks;
  readonly #all: SentMessage[] = [];
  /** Written, resolved and handed to the server in the latest step. */
  readonly #written: SentMessage[] = [];
  readonly #told: SentMessage[] = [];
  #lastHandled = new Map<string, SentMessage>();

  constructor(checks: Checks) {
    this.#checks = checks;
  }

  begin(
    what: Pick<SentMessage, 'channel' | 'isOneWay' | 'isAwaited'> & {
      readonly timeoutMs?: number | undefined;
    },
  ): SentMessage {
    const message: SentMessage = {
      ...what,
      n: this.#all.length + 1,
      timeoutMs: what.timeoutMs,
      sentMs: this.#nowMs,
      sentAwakeMs: this.#checks.world.time.awakeMs,
      ahead: this.#all.filter(({ isOneWay, outcome }) => !isOneWay && !outcome).length,
      attempts: 0,
      doubts: 0,
      answers: [],
      isHandled: false,
    };
    this.#all.push(message);
    return message;
  }

  /** Waits for the outcome. */
  follow(message: SentMessage, sending: Promise<unknown>): void {
    const { time } = this.#checks.world;
    const { timeoutMs = Infinity } = message;
    const isOverdue = (): boolean => {
      const { firstWrittenAwakeMs: writtenMs } = message;
      if (writtenMs === undefined)
        return time.awakeMs > message.sentAwakeMs + timeoutMs + MARGIN_MS;
      return time.awakeMs > writtenMs + Math.min(timeoutMs, RESEND_MS) + MARGIN_MS;
    };
    const name = `send() of message ${message.n}, sent at ${message.sentMs} ms`;
    const settled = this.#checks.wait({ name, isOverdue });
    sending.then(
      (value) => {
        settled();
        this.#resolved(message, value);
      },
      (error: unknown) => {
        settled();
        this.#rejected(message, error);
      },
    );
  }

  /** Whether there are messages of which nobody hears what has become. */
  get areOpen(): boolean {
    return this.#all.some(({ outcome }) => !outcome);
  }

  /** The event that a message of ours led to. */
  eventIdOf(n: number): string | undefined {
    return this.#all[n - 1]?.eventId;
  }

  written(connection: Connection, { id, action, channel, data, attempt }: Frame): void {
    const message = this.#all[(data?.n ?? 0) - 1];
    if (!message || channel !== message.channel || action !== actionOf(message)) {
      this.#fails('a frame of no use', `Nobody has sent ${action} to "${channel}".`);
      return;
    }
    message.attempts += 1;
    if (message.frameId !== undefined && message.frameId !== id) {
      this.#fails('a message under two ids', `${message.n}: ${message.frameId}, then ${id}.`);
    }
    if (message.attempts > 1 && (message.isOneWay || attempt !== message.attempts)) {
      const text = `Message ${message.n} is written for the ${message.attempts}. time.`;
      this.#fails('an attempt without its number', text);
    }
    if (message.outcome) {
      this.#fails('a frame at a bad time', `Message ${message.n} was ${message.outcome}.`);
    }
    message.frameId = id;
    message.firstWrittenMs ??= this.#nowMs;
    message.firstWrittenAwakeMs ??= this.#checks.world.time.awakeMs;
    const { awakeMs, nowMs } = this.#checks.world.time;
    message.latest = { connection, awakeMs, nowMs };
    message.refusedMs = undefined;
    this.#written.push(message);
    // One that waits for nothing does not wait for a subscription either.
    if (!message.isOneWay && this.#checks.subscriptions.isJoining(connection, message.channel)) {
      const text = `Message ${message.n} of "${message.channel}".`;
      this.#fails('a message overtakes its subscription', text);
    }
  }

  answered({ connection, frame }: Request, answer: Answer): void {
    const message = this.#all[(frame.data?.n ?? 0) - 1];
    if (!message) return;
    message.answers.push(answer);
    const isOpen = answer.isOfGateway || answer.error?.code === 'ERR_OUTCOME_UNKNOWN';
    if (!isOpen || message.latest?.connection !== connection) return;
    message.refusedMs ??= this.#checks.world.time.awakeMs;
  }

  /** When the oldest of the messages was written that wait for an answer on a connection. */
  oldestOn(connection: Connection): number | undefined {
    const waiting = this.#inFlight().filter(
      ({ latest, isAwaited, isOneWay }) =>
        latest?.connection === connection &&
        isAwaited &&
        !isOneWay &&
        // Later, no answer can come, so nothing is to be gained by a ping.
        this.#checks.world.time.awakeMs - latest.awakeMs <= INTEGRATION_MS,
    );
    return waiting[0] && Math.min(...waiting.map(({ latest }) => latest?.awakeMs ?? Infinity));
  }

  /** An error arrives that names no request, and is the answer to none. */
  strayError(): void {
    for (const { answers } of this.#inFlight()) answers.push({ isVague: true });
  }

  /** An error arrives that may be the answer to any request, and is that to one. */
  doubt(): void {
    for (const message of this.#inFlight()) {
      message.doubts += 1;
      if (message.doubts >= DOUBTS) message.answers.push({ isVague: true });
    }
  }

  /** The server handles a message for the first time. */
  handled(n: number): void {
    const message = this.#all[n - 1];
    if (!message || message.isOneWay) return;
    message.isHandled = true;
    const latest = this.#lastHandled.get(message.channel);
    if (latest && latest.n > n && message.isAwaited && message.outcome !== 'rejected') {
      this.#fails('messages out of order', `${latest.n} was handled before ${n}.`);
    }
    if (!latest || latest.n < n) this.#lastHandled.set(message.channel, message);
  }

  step(): void {
    for (const message of this.#written.splice(0)) {
      if (message.isOneWay) continue;
      const ahead = this.#all.find(
        (other) =>
          other.n < message.n &&
          other.channel === message.channel &&
          !other.isOneWay &&
          other.isAwaited &&
          !other.outcome,
      );
      if (ahead) {
        this.#fails(
          'messages out of order',
          `${message.n} was written, ${ahead.n} has no outcome.`,
        );
      }
    }
    for (const channel of channelNames) this.#checkWaiting(channel);
    for (const message of this.#told.splice(0)) {
      if (message.attempts === 1) continue;
      this.#fails('a wrong word on what was written', `${message.n} has not been written.`);
    }
  }

  /** The first message of a channel is on its way, where nothing stands in it. */
  #checkWaiting(channel: string): void {
    const { connections, subscriptions, application, world } = this.#checks;
    const { connection, openedMs } = connections.open ?? {};
    const message = this.#all.find(
      (other) => other.channel === channel && !other.isOneWay && !other.outcome,
    );
    if (!connection || openedMs === undefined || !message?.isAwaited) return;
    const { latest, refusedMs } = message;
    // The connection before this one may still bring the answer.
    const isElsewhere = latest && latest.connection !== connection;
    if (isElsewhere && latest.connection.webSocket.readyState === 1) return;
    const isAsked = latest?.connection === connection && refusedMs === undefined;
    // Nothing comes later than that, so it goes again.
    const lostMs = isAsked ? latest.awakeMs + INTEGRATION_MS : 0;
    const restMs = subscriptions.restsSince(connection, channel);
    if (restMs === undefined || application?.wants(channel) === 'maybe') return;
    const sinceMs = Math.max(openedMs, restMs, message.sentAwakeMs, refusedMs ?? 0, lostMs);
    // One that was asked for again may still be answered within the time of an integration.
    const waitingMs = WAITING_MS + (message.doubts > 1 ? INTEGRATION_MS : 0);
    if (world.time.awakeMs - sinceMs < waitingMs || connection.isSilent) return;
    this.#fails('a message is left lying', `Message ${message.n} of "${channel}".`);
  }

  #inFlight(): SentMessage[] {
    return this.#all.filter(({ attempts, outcome }) => attempts > 0 && !outcome);
  }

  #resolved(message: SentMessage, value: unknown): void {
    message.outcome = 'resolved';
    if (message.isOneWay) {
      this.#told.push(message);
      return;
    }
    const text = JSON.stringify(value);
    const isGiven = message.answers.some(
      ({ isVague, error, data }) => isVague || (!error && JSON.stringify(data) === text),
    );
    if (!isGiven) this.#fails('a wrong answer', `Message ${message.n} is resolved with ${text}.`);
  }

  #rejected(message: SentMessage, error: unknown): void {
    message.outcome = 'rejected';
    const { code } = Object(error) as { readonly code?: unknown };
    this.#checks.world.note('rejected', `message ${message.n}`, String(code));
    const problem = this.#problem(message, code);
    if (problem) this.#fails(problem, `Message ${message.n} is rejected: ${String(error)}`);
  }

  #problem(
    message: SentMessage,
    code: unknown,
  ): Parameters<Checks['world']['fails']>[0] | undefined {
    const { answers, attempts, sentMs, firstWrittenMs = this.#nowMs } = message;
    const { timeoutMs = Infinity } = message;
    const isLimited = timeoutMs < RESEND_MS;
    const waitedMs = this.#nowMs - firstWrittenMs;
    const endMs = Math.min(timeoutMs, RESEND_MS) - 1;
    // It is also over when the next try would come too late.
    const putOff = answers.findLast(
      ({ isVague, error }) => isVague || PUTS_OFF.includes(error?.code ?? ''),
    );
    const nextMs = putOff ? (putOff.error?.retryAfterMs ?? 0) + LONGEST_PAUSE_MS : 0;
    const isEarly = waitedMs + nextMs < endMs;
    const vague = answers.filter(({ isVague }) => isVague);
    if (vague.length > 0) {
      const isGiven = answers.some(({ error }) => error?.code === code);
      const isShort = !isGiven && vague.length <= MAX_DOUBTS && vague.every(({ passes }) => passes);
      return isShort && isOfGateway(code) && isEarly ? 'a refusal that passes is final' : undefined;
    }
    switch (code) {
      case 'ERR_CLOSED':
        return this.#checks.isClosing ? undefined : 'a reason that nobody gave';
      case 'ERR_QUEUE_FULL':
        return message.ahead >= MAX_MESSAGES ? undefined : 'a reason that nobody gave';
      case 'ERR_NOT_CONNECTED':
        if (!message.isOneWay) return 'a reason that nobody gave';
        return attempts > 0 ? 'a wrong word on what was written' : undefined;
      case 'ERR_NOT_SENT':
        if (attempts > 0) return 'a wrong word on what was written';
        return this.#nowMs - sentMs < timeoutMs - 1 ? 'a time-out before its time' : undefined;
      case 'ERR_TIMEOUT':
      case 'ERR_OUTCOME_UNKNOWN':
        if (attempts === 0) return 'a wrong word on what was written';
        if (isLimited !== (code === 'ERR_TIMEOUT')) return 'a reason that nobody gave';
        return isEarly ? 'a time-out before its time' : undefined;
      default: {
        const isGiven =
          code !== 'ERR_CONNECTION_UNKNOWN' && answers.some(({ error }) => error?.code === code);
        return isGiven ? undefined : 'a reason that nobody gave';
      }
    }
  }

  get #nowMs(): number {
    return this.#checks.world.time.nowMs;
  }

  #fails: Checks['world']['fails'] = (kind, text) => this.#checks.world.fails(kind, text);
}

/** The action that a message is sent with. */
export function actionOf({ channel, isOneWay }: { channel: string; isOneWay: boolean }): string {
  return `${channel.split('/', 1)[0]}.${isOneWay ? 'tell' : 'post'}`;
}

/** Whether an error may be one of API Gateway that passes. */
function isOfGateway(code: unknown): boolean {
  return code === 'ERR_INTERNAL' || code === 'ERR_RATE_LIMIT' || code === 'ERR_TIMEOUT';
}
