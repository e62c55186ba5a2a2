import {
  eventId,
  formatPosition,
  type HistoryReply,
  parsePosition,
  type SyncOutcome,
  type WireError,
} from '@gatecast/protocol';
import type { SimulatedWebSocket } from '../simulation/web-socket.js';
import type { LogChecks } from './checks.js';
import { type AskedChannel, Connection, type Frame } from './connection.js';
import { Publisher } from './publisher.js';
import { channelNames, LOGS, type ServerStep } from './steps.js';
import { positionOf, TrueLog } from './true-log.js';
import type { Subscribed } from './view.js';
import type { LogWorld } from './world.js';

/** API Gateway waits so long for an integration, and ends a connection after so long. */
const INTEGRATION_MS = 29_000;
const LIFETIME_MS = 7_200_000;

/** What API Gateway says in place of an answer, and whether the handler runs all the same. */
const gatewayErrors = [
  { message: 'Internal server error', runs: true },
  { message: 'Internal server error', runs: false },
  { message: 'Too Many Requests', runs: false },
] as const;

/** Errors that pass. The last one is of messages alone. */
const transientErrors: readonly WireError[] = [
  { code: 'ERR_INTERNAL', message: 'Passing.' },
  { code: 'ERR_RATE_LIMIT', message: 'Passing.', retryAfterMs: 1_000 },
];

/** What is said to a client, and what the checks are to know when it arrives. */
interface Reply {
  readonly frame: object;
  readonly onArrival?: () => void;
}

/** An app behind API Gateway, with a log for each of its channels but the last. */
export class LogServer {
  readonly connections: Connection[] = [];
  readonly logs: ReadonlyMap<string, TrueLog>;
  readonly world: LogWorld;
  readonly checks: LogChecks;
  readonly publisher: Publisher;
  /** The messages that have been handled, by their ids. */
  readonly #handled = new Set<string>();
  #refusesUntilMs = 0;

  constructor(world: LogWorld, checks: LogChecks) {
    this.world = world;
    this.checks = checks;
    const { hasPrev } = world.plan.setting;
    this.logs = new Map(
      channelNames.slice(0, LOGS).map((name) => [name, new TrueLog(world.random, hasPrev)]),
    );
    this.publisher = new Publisher(this);
  }

  refuses(): boolean {
    return !this.world.isCalm && this.world.time.nowMs < this.#refusesUntilMs;
  }

  connect(webSocket: SimulatedWebSocket): Connection {
    const connection = new Connection(this, webSocket);
    this.connections.push(connection);
    this.world.time.after(LIFETIME_MS, () => {
      if (connection.isOpen) this.checks.expires();
      connection.cut(1001);
    });
    return connection;
  }

  /** From now on nothing goes wrong. */
  calm(): void {
    for (const connection of this.connections) connection.isUnknown = false;
  }

  /** Does what the plan says that a server does. */
  perform(step: ServerStep): void {
    const { world } = this;
    const open = this.connections.filter(({ isOpen }) => isOpen);
    const current = open.at(-1);
    switch (step.do) {
      case 'publish':
        this.publisher.perform(step);
        return;
      case 'cut':
        current?.cut(step.code);
        return;
      case 'go silent':
        if (current) current.isSilent = true;
        return;
      case 'say bye': {
        const { afterMs, cutInMs } = step;
        const bye = { type: 'bye', code: 'ERR_DEPLOY', reason: 'Planned.', reconnect: true };
        current?.push({ ...bye, afterMs });
        world.time.after(cutInMs, () => current?.cut(1000));
        return;
      }
      case 'end subscription':
        this.#endSubscription(channelNames[step.channel] as string);
        return;
      case 'refuse':
        this.#refusesUntilMs = world.time.nowMs + step.forMs;
        return;
      case 'forget member':
        for (const { members } of open) members.delete(channelNames[step.channel] as string);
        return;
      case 'trim':
        this.#logAt(step.channel).trim(step.kept);
        return;
      case 'begin anew':
        this.#logAt(step.channel).begin();
        return;
      case 'forget events':
        this.#logAt(step.channel).forget(step.count);
    }
  }

  /** Takes a frame from the wire. */
  take(connection: Connection, frame: Frame): void {
    const { world } = this;
    const { time, random } = world;
    if (world.draw('loseRequest')) {
      world.note('lost on the way', frame.id);
      return;
    }
    const handleMs =
      random.between(5, 150) + (world.draw('slowHandler') ? random.between(1_000, 40_000) : 0);
    const isReplaced = world.draw('gatewayError');
    const { message, runs } = random.pick(gatewayErrors);
    const gatewayError = (text: string): void =>
      connection.push({ message: text, connectionId: 'c', requestId: 'r' });
    if (isReplaced && !runs) {
      gatewayError(message);
      return;
    }
    if (handleMs > INTEGRATION_MS) {
      time.after(INTEGRATION_MS, () => gatewayError('Endpoint request timed out'));
    }
    time.after(handleMs, () => {
      const finish = this.#handle(connection, frame);
      // What is read comes after what is written, and events may be published between.
      time.after(random.between(0, 100), () => {
        const reply = finish();
        if (handleMs > INTEGRATION_MS) return;
        if (isReplaced) gatewayError(message);
        else this.#answer(connection, reply);
      });
    });
  }

  #answer(connection: Connection, { frame, onArrival }: Reply): void {
    const { world } = this;
    const { random } = world;
    if (world.draw('loseAnswer')) {
      world.note('answer lost', frame);
      return;
    }
    const lateMs = world.draw('reorderAnswer') ? random.between(10, 3_000) : undefined;
    let isFirst = true;
    const arrive = (): void => {
      if (isFirst) onArrival?.();
      isFirst = false;
    };
    connection.push(frame, { onArrival: arrive, lateMs });
    if (!world.draw('doubleAnswer')) return;
    connection.push(frame, { onArrival: arrive, lateMs: random.between(0, 15_000) });
  }

  /** Handles a frame; returns what reads and answers, a little later. */
  #handle(connection: Connection, frame: Frame): () => Reply {
    const { id, action } = frame;
    const fail = (error: WireError) => (): Reply => ({ frame: { type: 'error', id, error } });
    if (!connection.isLive || connection.isUnknown) {
      return fail({ code: 'ERR_CONNECTION_UNKNOWN', message: 'Unknown.' });
    }
    const isRefused = this.world.draw('refuse');
    const error = this.world.random.pick(transientErrors);
    const isWhole = action !== 'subscribe' || this.world.random.chance(0.5);
    if (isRefused && isWhole) {
      if (action === 'subscribe') this.#leave(connection, frame);
      return fail(error);
    }
    switch (action) {
      case 'subscribe':
        return this.#subscribe(connection, frame, isRefused ? error : undefined);
      case 'unsubscribe':
        this.#leave(connection, frame);
        return () =>
          this.#reply(
            id,
            (frame.channels ?? []).map((name) => ({ channel: nameOf(name) })),
          );
      case 'history':
        return () => ({ frame: { type: 'reply', id, data: this.#history(frame) } });
      case 'sync':
        return () => this.#reply(id, this.#compare(connection, frame));
      default:
        return this.#handleMessage(frame);
    }
  }

  #leave({ members }: Connection, { channels = [] }: Frame): void {
    for (const channel of channels) members.delete(nameOf(channel));
  }

  #subscribe(connection: Connection, frame: Frame, error: WireError | undefined): () => Reply {
    const { channels = [], id, writtenMs } = frame;
    const asked = channels as readonly AskedChannel[];
    const refused = new Set(error && asked.filter(() => this.world.random.chance(0.5)));
    for (const entry of asked) {
      if (refused.has(entry)) connection.members.delete(entry.channel);
      else connection.members.add(entry.channel);
    }
    return () => {
      const outcomes = asked.map((entry) =>
        refused.has(entry) ? { channel: entry.channel, error } : this.#outcome(entry),
      );
      const onArrival = (): void => {
        for (const [index, { channel, position }] of asked.entries()) {
          const outcome = outcomes[index] as Subscribed;
          if ('result' in outcome) {
            const from = parsePosition(position);
            this.checks.answered(connection, { channel, outcome, from, writtenMs });
          }
        }
      };
      return { ...this.#reply(id, outcomes), onArrival };
    };
  }

  #outcome({ channel, position, rewind = 0 }: AskedChannel): Subscribed {
    const { tailCheck, pageSize } = this.world.plan.setting;
    const log = this.logs.get(channel);
    const data = 'hello';
    if (!log) {
      if (position === undefined) return { channel, data, result: 'live' };
      return { channel, data, result: 'reset', reason: 'no-history' };
    }
    const all = {
      channel,
      data,
      position: formatPosition(log.head),
      ...(tailCheck && { tailCheck }),
    };
    const latest = rewind > 0 ? log.readBefore(undefined, Math.min(rewind, pageSize)) : undefined;
    const rest = latest && 'events' in latest ? written(latest) : {};
    if (position === undefined) return { ...all, result: 'live', ...rest };
    const missed = log.readAfter(positionOf(position), pageSize);
    if ('reset' in missed) return { ...all, result: 'reset', reason: missed.reset, ...rest };
    return { ...all, result: 'resumed', ...written(missed) };
  }

  #history({ channel = '', after, before, limit = 100 }: Frame): HistoryReply {
    const log = this.logs.get(channel) as TrueLog;
    const most = Math.min(limit, this.world.plan.setting.pageSize);
    const page =
      after === undefined
        ? log.readBefore(before === undefined ? undefined : positionOf(before), most)
        : log.readAfter(positionOf(after), most);
    const position = formatPosition(log.head);
    if ('reset' in page) return { result: 'reset', reason: page.reset, position };
    if (page.more) this.checks.called('history');
    return { result: 'page', position, ...written(page) };
  }

  #compare({ members }: Connection, { positions = {} }: Frame): SyncOutcome[] {
    return Object.entries(positions).map(([channel, text]) => {
      const log = this.logs.get(channel);
      if (!members.has(channel)) return { channel, result: 'not-subscribed' };
      const position = positionOf(text);
      const problem = log?.problemOf(position);
      if (problem && problem !== 'trimmed') return { channel, result: 'resubscribe' };
      const isBehind = position.offset < (log?.head.offset ?? 0);
      if (isBehind) this.checks.isBehind(channel);
      return { channel, result: isBehind ? 'behind' : 'current' };
    });
  }

  #handleMessage({ id, channel = '', data = { n: 0 } }: Frame): () => Reply {
    if (!this.#handled.has(id)) {
      this.#handled.add(id);
      this.checks.messages.handled(data.n);
      const content = { event: 'message', data: { n: data.n }, id: eventId(channel, id, 0) };
      this.publisher.publish(channel, [content]);
    }
    // As after a write to the store of which nobody knows what became.
    if (this.world.draw('refuse')) {
      const error = { code: 'ERR_OUTCOME_UNKNOWN', message: 'Unknown.' };
      return () => ({ frame: { type: 'error', id, error } });
    }
    return () => ({ frame: { type: 'reply', id, data: { echo: data.n } } });
  }

  #reply(id: string, channels: readonly object[]): Reply {
    const now = Date.now();
    const settings = { keepAliveMs: 240_000, reconnectWithinMs: 500, resendWithinMs: 300_000, now };
    return { frame: { type: 'reply', id, data: { channels }, server: settings } };
  }

  /** Only when nothing is asked about the channel: else the client could not know which came later. */
  #endSubscription(channel: string): void {
    const connections = this.connections.filter(({ isOpen }) => isOpen);
    const [connection] = connections;
    if (connections.length > 1 || !connection?.members.has(channel)) return;
    if (this.checks.isAsking(connection)) return;
    connection.members.delete(channel);
    const frame = { type: 'unsubscribed', channel, code: 'ERR_REMOVED', reason: 'Planned.' };
    connection.push(frame);
  }

  #logAt(index: number): TrueLog {
    return this.logs.get(channelNames[index] as string) as TrueLog;
  }
}

function nameOf(entry: string | AskedChannel): string {
  return typeof entry === 'string' ? entry : entry.channel;
}

function written<E>({ events, more }: { readonly events: readonly E[]; readonly more: boolean }): {
  readonly events: readonly E[];
  readonly more?: true;
} {
  return { events, ...(more && { more }) };
}
