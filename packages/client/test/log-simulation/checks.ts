import { formatPosition } from '@gatecast/protocol';
import type { SimulatedWebSocket } from '../simulation/web-socket.js';
import { ApplicationError } from '../simulation/world.js';
import { type Answer, ChannelCheck } from './channel-check.js';
import type { AskedChannel, Connection, Frame } from './connection.js';
import { MessageRules } from './messages.js';
import type { LogServer } from './server.js';
import { channelNames, isPlain, isRough } from './steps.js';
import type { LogWorld } from './world.js';

/** Most frames of a kind, and handshakes, within 10 s, besides those that the application asks for. */
const LIMITS: Readonly<Record<string, number>> = {
  handshake: 15,
  ping: 20,
  subscribe: 25,
  unsubscribe: 25,
  history: 40,
  sync: 20,
};
const WINDOW_MS = 10_000;
/** How long the server may still have a frame. */
const LONGEST_MS = 45_000;

/** Looks at everything that happens, and says what must not. */
export class LogChecks {
  readonly world: LogWorld;
  readonly messages: MessageRules;
  readonly webSockets: SimulatedWebSocket[] = [];
  readonly #channels = new Map<string, ChannelCheck>();
  readonly #times = new Map<string, number[]>();
  readonly #allowances = new Map<string, number>();
  /** When each connection was last asked about a subscription. */
  readonly #askedMs = new Map<Connection, number>();
  /** Whether a connection has to last until another has taken its place. */
  readonly #isSmooth: boolean;
  /** Whether nothing goes wrong at all, so that nothing has to be asked for. */
  readonly #isPerfect: boolean;
  /** Whether nothing is lost but deliveries, so that no event may be when connections are replaced. */
  readonly #keepsAll: boolean;
  #server: LogServer | undefined;
  #hasConnected = false;
  readonly #behind = new Set<string>();

  constructor(world: LogWorld) {
    this.world = world;
    this.messages = new MessageRules(world);
    const { rates, steps, setting } = world.plan;
    const faults = Object.keys(rates);
    this.#isSmooth =
      !faults.some((fault) => /handshake|unknown/.test(fault)) && !steps.some(isRough);
    this.#keepsAll = this.#isSmooth && faults.every((fault) => fault.endsWith('Push'));
    this.#isPerfect =
      faults.length === 0 && steps.every(isPlain) && setting.ending !== 'tail check';
  }

  /** Begins with the logs of a server. */
  watch(server: LogServer): void {
    const { logs } = server;
    this.#server = server;
    for (const name of channelNames) {
      this.#channels.set(name, new ChannelCheck(this.world, name, logs.get(name)));
    }
  }

  of(channel: string): ChannelCheck {
    return this.#channels.get(channel) as ChannelCheck;
  }

  get all(): readonly ChannelCheck[] {
    return [...this.#channels.values()];
  }

  // From the network

  handshake(webSocket: SimulatedWebSocket): void {
    this.world.note('handshake');
    const isSecond = this.webSockets.some(({ readyState }) => readyState === 1);
    if (isSecond && this.world.plan.setting.isBusy) this.#server?.publisher.burst();
    this.webSockets.push(webSocket);
    this.#count('handshake');
  }

  opened(): void {
    for (const check of this.all) check.settle();
  }

  closing(): void {
    for (const check of this.all) check.settle();
  }

  written(connection: Connection, text: string): void {
    const frame = JSON.parse(text) as Frame;
    const { action } = frame;
    this.#count(action);
    if (action === 'subscribe') {
      this.#askedMs.set(connection, this.world.time.nowMs);
      for (const entry of frame.channels as readonly AskedChannel[]) {
        const { channel, position } = entry;
        if (position !== undefined && this.of(channel).isWanted) {
          this.of(channel).checkPosition(position, 'is sent');
        }
      }
    } else if (action === 'unsubscribe') {
      this.#askedMs.set(connection, this.world.time.nowMs);
    } else if (action === 'sync') {
      for (const [channel, position] of Object.entries(frame.positions ?? {})) {
        if (this.of(channel).isWanted) this.of(channel).checkPosition(position, 'is synced');
      }
    } else if (action === 'history') this.#checkNeed(frame);
  }

  /** An outcome of a subscribe frame arrives. */
  answered(connection: Connection, answer: Answer): void {
    this.of(answer.channel).outcome(connection, answer);
  }

  /** A sync frame is answered with a place behind the end of the log. */
  isBehind(channel: string): void {
    this.#behind.add(channel);
  }

  /** Whether the server may still be about to handle a frame about a subscription. */
  isAsking(connection: Connection): boolean {
    return this.world.time.nowMs - (this.#askedMs.get(connection) ?? -LONGEST_MS) < LONGEST_MS;
  }

  /** API Gateway ends a connection that has lasted for 2 h. */
  expires(): void {
    if (!this.#isSmooth) return;
    this.world.fails('a hand-over that is seen', 'A connection was open for 2 h.');
  }

  // From the application

  /** The application asks for something that leads to frames. */
  called(action: string): void {
    this.#allowances.set(action, (this.#allowances.get(action) ?? 0) + 1);
  }

  entered(state: string): void {
    this.world.note('state', state);
    if (this.#isSmooth && this.#hasConnected) {
      this.world.fails('a hand-over that is seen', `The state is "${state}".`);
    }
    if (state === 'connected') this.#hasConnected = true;
  }

  /** The page is loaded again. */
  forget(): void {
    this.#hasConnected = false;
    this.messages.forget();
  }

  /** An error came out of the client that nothing has caught. */
  escaped(error: unknown, origin: 'exception' | 'rejection'): void {
    this.world.note('escaped', origin, error);
    if (error instanceof ApplicationError) return;
    if (origin === 'exception') {
      const where = error instanceof Error ? error.stack?.split('\n', 3).join(' ') : '';
      this.world.fails('an uncaught exception', `${String(error)} ${where}`);
    } else {
      this.world.fails('an unhandled rejection', String(error));
    }
  }

  step(): void {
    for (const check of this.all) check.step();
  }

  /** Nothing has gone wrong for long: everything has come. */
  complete(position: (channel: string) => string | undefined): void {
    for (const { name, log, isWanted, mustTell } of this.all) {
      if (!isWanted) continue;
      if (mustTell) {
        this.world.fails('a reset that is not told', `"${name}" was without a connection.`);
      }
      const unheard = this.#keepsAll ? this.of(name).unheard : undefined;
      if (unheard !== undefined) {
        this.world.fails(
          'an event lost',
          `${unheard} of "${name}" was sent, and nobody heard of it.`,
        );
      }
      if (!log) continue;
      const end = formatPosition(log.head);
      if (position(name) === end) continue;
      const text = `"${name}" is at ${position(name)}, and its log ends at ${end}.`;
      this.world.fails('not everything came', text);
    }
  }

  #checkNeed({ after, channel = '' }: Frame): void {
    const { isWanted } = this.of(channel);
    if (!this.#isPerfect || !isWanted || after === undefined) return;
    // It was answered when another event had just been published.
    if (this.#behind.delete(channel)) return;
    this.world.fails('a request of no need', `history of "${channel}" after ${after}.`);
  }

  #count(action: string): void {
    const limit = LIMITS[action];
    if (limit === undefined) return;
    const times = this.#times.get(action) ?? [];
    this.#times.set(action, times);
    times.push(this.world.time.nowMs);
    const most = limit + (this.#allowances.get(action) ?? 0);
    const first = times[times.length - 1 - most];
    if (first === undefined || this.world.time.nowMs - first >= WINDOW_MS) return;
    this.world.fails('a storm', `More than ${most} of "${action}" within 10 s.`);
  }
}
