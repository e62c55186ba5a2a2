import { eventId, type WireError } from '@gatecast/protocol';
import type { Checks } from './checks.js';
import { Connection, type Frame, type Request } from './connection.js';
import { garbageAnswer, garbageFrames, settings } from './garbage.js';
import { channelNames, type ServerStep } from './steps.js';
import type { SimulatedWebSocket } from './web-socket.js';
import type { World } from './world.js';

/** What an answer says, for the checks. */
export interface Answer {
  /** It may be understood in any way: a frame of API Gateway itself, or garbage. */
  readonly isVague?: boolean;
  readonly isOfGateway?: boolean;
  /** Whether API Gateway says something that may be otherwise the next time. */
  readonly passes?: boolean;
  /** Why the whole request is refused. */
  readonly error?: WireError;
  /** Outcomes of channels; `undefined` where all is well. */
  readonly outcomes?: ReadonlyMap<string, WireError | undefined>;
  readonly data?: unknown;
}

/** An event, for the checks. */
export interface PublishedEvent {
  readonly channel: string;
  readonly event: string;
  readonly id: string;
  readonly data: { readonly n: number };
  readonly op?: string;
}

/** What API Gateway says in place of an answer, and whether the handler runs all the same. */
const gatewayErrors = [
  { message: 'Internal server error', runs: true },
  { message: 'Internal server error', runs: false },
  { message: 'Forbidden', runs: false },
  { message: 'Too Many Requests', runs: false },
] as const;

/** API Gateway waits so long for an integration; the function may go on. */
const INTEGRATION_MS = 29_000;

/** An app behind API Gateway: each frame is an invocation of its own, and may overtake others. */
export class Server {
  readonly connections: Connection[] = [];
  readonly world: World;
  readonly checks: Checks;
  readonly #refusesUntilMs = { handshakes: 0, connections: 0 };
  /** Channels that let nobody in for a while. */
  readonly #bans = new Map<string, { readonly untilMs: number; readonly error: WireError }>();
  /** The answers to messages by id: the same id gets the same answer. */
  readonly #answers = new Map<string, Answer>();
  #events = 0;

  constructor(world: World, checks: Checks) {
    this.world = world;
    this.checks = checks;
  }

  /** The latest connection, if it is open at both ends. */
  get current(): Connection | undefined {
    const connection = this.connections.at(-1);
    const isOpen = connection?.isLive && connection.webSocket.readyState === 1;
    return isOpen && !connection.isSilent ? connection : undefined;
  }

  refuses(what: 'handshakes' | 'connections'): boolean {
    return !this.world.isCalm && this.world.time.nowMs < this.#refusesUntilMs[what];
  }

  connect(webSocket: SimulatedWebSocket): Connection {
    const connection = new Connection(this, webSocket);
    this.connections.push(connection);
    return connection;
  }

  /** From now on nothing goes wrong. */
  calm(): void {
    for (const connection of this.connections) {
      connection.isUnknown = false;
      if (!this.checks.connections.hasNonsense || !connection.isSilent) continue;
      connection.silentSinceMs = undefined;
      connection.cut(1006);
    }
  }

  /** Does what the plan says that a server does. */
  perform(step: ServerStep): void {
    const { current, world } = this;
    switch (step.do) {
      case 'refuse':
        this.#refusesUntilMs[step.what] = world.time.nowMs + step.forMs;
        return;
      case 'ban':
        this.#ban(step);
        return;
      case 'publish':
        this.#publishAsPlanned(step);
        return;
      case 'cut':
        current?.cut(step.code);
        return;
      case 'go silent':
        if (current) current.silentSinceMs = world.time.awakeMs;
        return;
      case 'say bye':
        this.#sayBye(step);
        return;
      case 'end subscription':
        this.#endSubscription(channelNames[step.channel] as string);
        return;
      case 'say garbage':
        this.#sayGarbage(garbageFrames[step.index % garbageFrames.length]);
    }
  }

  /** Takes a frame from the wire. */
  take(request: Request): void {
    const { world } = this;
    const isOneWay = request.frame.action.endsWith('.tell');
    if (world.draw('loseRequest')) {
      world.note('lost on the way', request.frame.id);
      return;
    }
    const slow = world.draw('slowHandler') ? world.random.between(1_000, 40_000) : 0;
    const handleMs = world.random.between(5, 150) + slow;
    const gatewayError = !isOneWay && world.draw('gatewayError');
    const error = world.random.pick(gatewayErrors);
    if (gatewayError && !error.runs) {
      this.#sayAsGateway(request, error.message);
      return;
    }
    if (handleMs > INTEGRATION_MS && !isOneWay) {
      world.time.after(INTEGRATION_MS, () =>
        this.#sayAsGateway(request, 'Endpoint request timed out'),
      );
    }
    world.time.after(handleMs, () => {
      const overtaken = request.connection.overtaken(request);
      const answer = this.#handle(request);
      const isHeard = !isOneWay && handleMs <= INTEGRATION_MS;
      if (isHeard && gatewayError) this.#sayAsGateway(request, error.message);
      const isAnswered = isHeard && !gatewayError && this.#answer(request, answer);
      const { repeated, unknowable } = request.connection;
      if (isAnswered && !repeated.has(request.frame.id)) return;
      for (const channel of overtaken) unknowable.add(channel);
    });
  }

  #handle(request: Request): Answer {
    const { connection, frame } = request;
    const isUnknown = !connection.isLive || connection.isUnknown || this.refuses('connections');
    if (isUnknown) return { error: { code: 'ERR_CONNECTION_UNKNOWN', message: 'Unknown.' } };
    if (frame.action === 'subscribe' || frame.action === 'unsubscribe') {
      return this.#changeMembership(request);
    }
    return this.#handleMessage(frame);
  }

  #changeMembership({ connection, frame, channels }: Request): Answer {
    const { world } = this;
    const joins = frame.action === 'subscribe';
    const error = world.draw('refuse') ? this.#drawError() : undefined;
    const isWhole = error !== undefined && world.random.chance(0.3);
    const outcomes = new Map<string, WireError | undefined>();
    for (const channel of channels) {
      const isRefused = isWhole || world.random.chance(0.7);
      const refusal = (isRefused ? error : undefined) ?? (joins ? this.#banOf(channel) : undefined);
      outcomes.set(channel, refusal);
      connection.postponed.delete(channel);
      if (joins && !refusal) connection.members.add(channel);
      else if (joins || !refusal) connection.members.delete(channel);
      if (joins && Number(refusal?.retryAfterMs) > 30_000) connection.postponed.add(channel);
      if (!joins && refusal) connection.kept.add(channel);
      else connection.kept.delete(channel);
    }
    return isWhole ? { error } : { outcomes };
  }

  #banOf(channel: string): WireError | undefined {
    const ban = this.#bans.get(channel);
    return ban && !this.world.isCalm && this.world.time.nowMs < ban.untilMs ? ban.error : undefined;
  }

  #handleMessage({ id, channel = '', data = { n: 0 } }: Frame): Answer {
    let answer = this.#answers.get(id);
    if (!answer && this.world.draw('unknownOutcome')) {
      return { error: { code: 'ERR_OUTCOME_UNKNOWN', message: 'Unknown.' } };
    }
    if (!answer) {
      const error = this.world.draw('refuse') ? this.#drawError() : undefined;
      answer = error ? { error } : { data: { echo: data.n } };
      this.#answers.set(id, answer);
      this.checks.handled(data.n);
    }
    if (!answer.error) {
      this.#publish([{ channel, event: 'message', id: eventId(channel, id, 0), data }]);
    }
    return answer;
  }

  /** Sends an answer, unless it gets lost. */
  #answer(request: Request, answer: Answer): boolean {
    const { world } = this;
    const { connection } = request;
    if (world.draw('loseAnswer')) {
      world.note('answer lost', request.frame.id);
      return false;
    }
    const garbage = world.draw('garbageAnswer') ? garbageAnswer(request, world.random) : undefined;
    const text = garbage?.text ?? this.#write(request, answer);
    const said = garbage ? { isVague: true } : answer;
    // Who is refused cannot know that it is a member all the same.
    const refused = garbage?.isRefusal ? request.channels : [];
    for (const channel of refused) connection.unknowable.add(channel);
    const send = (reordered: boolean): void =>
      connection.push(text, () => this.checks.answered(request, said), reordered);
    const leftMs = request.writtenMs + INTEGRATION_MS - world.time.nowMs;
    const delayMs = world.draw('delay') ? Math.min(world.random.between(500, 28_000), leftMs) : 0;
    world.time.after(Math.max(delayMs, 0), () => send(world.draw('reorder')));
    if (world.draw('doubleAnswer')) {
      world.time.after(delayMs + world.random.between(0, 15_000), () => send(true));
    }
    return !garbage;
  }

  #write({ frame, channels }: Request, { error, outcomes, data }: Answer): string {
    const { id, action } = frame;
    if (error) {
      const isNameless = error.code === 'ERR_CONNECTION_UNKNOWN' && this.world.random.chance(0.3);
      return JSON.stringify({ type: 'error', ...(!isNameless && { id }), error });
    }
    if (!outcomes) return JSON.stringify({ type: 'reply', id, data });
    const list = channels.map((channel) => {
      const refusal = outcomes.get(channel);
      if (refusal) return { channel, error: refusal };
      return action === 'subscribe' ? { channel, result: 'live', data: { channel } } : { channel };
    });
    const server = this.world.draw('settings') ? this.world.random.pick(settings) : undefined;
    if (Number(server?.keepAliveMs) > 300_000) this.checks.connections.hasNonsense = true;
    return JSON.stringify({ type: 'reply', id, data: { channels: list }, server });
  }

  #sayAsGateway(request: Request, message: string): void {
    const text = JSON.stringify({ message, connectionId: 'c', requestId: 'r' });
    const answer = { isVague: true, isOfGateway: true, passes: message !== 'Forbidden' };
    request.connection.push(text, () => this.checks.answered(request, answer));
  }

  #drawError(): WireError {
    const { random } = this.world;
    const code = random.pick(['ERR_FORBIDDEN', 'ERR_RATE_LIMIT', 'ERR_INTERNAL', 'OUT_OF_STOCK']);
    const error = { code, message: 'Refused.' };
    if (random.chance(0.3)) return error;
    const waits: readonly unknown[] = [1, 2_000, 5_000, 20_000, 2 ** 31, 2 ** 45, -1, 'soon', null];
    return { ...error, retryAfterMs: random.pick(waits) as number };
  }

  #ban({ channel, retryAfterMs, forMs, cuts }: ServerStep & { readonly do: 'ban' }): void {
    const error = { code: 'ERR_RATE_LIMIT', message: 'Banned.', retryAfterMs };
    const untilMs = this.world.time.nowMs + forMs;
    this.#bans.set(channelNames[channel] as string, { untilMs, error });
    if (cuts) this.current?.cut(1000);
  }

  #sayBye({ reconnect, afterMs, cuts }: ServerStep & { readonly do: 'say bye' }): void {
    const bye = { type: 'bye', code: 'ERR_DEPLOY', reason: 'Planned.', reconnect, afterMs };
    const { current } = this;
    current?.push(JSON.stringify(bye), () => this.checks.connections.leaves(current, bye));
    if (cuts) current?.cut(1000);
  }

  #sayGarbage(frame: unknown): void {
    const { current } = this;
    const isError = typeof frame === 'string' && /^."type":"error"(?!.*"id")/.test(frame);
    current?.push(frame, () => isError && this.checks.strayError(current));
  }

  /** In order, and only when nothing about the channel is under way: else the client could not know. */
  #endSubscription(channel: string): void {
    const connection = this.current;
    if (!connection?.members.has(channel) || this.checks.isAsking(connection, channel)) return;
    connection.members.delete(channel);
    const frame = { type: 'unsubscribed', channel, code: 'ERR_REMOVED', reason: 'Planned.' };
    const error = { code: frame.code, message: frame.reason };
    connection.push(JSON.stringify(frame), () => this.checks.ends(connection, channel, error));
  }

  #publishAsPlanned(step: ServerStep & { readonly do: 'publish' }): void {
    const channel = channelNames[step.channel] as string;
    const events = Array.from({ length: step.times }, (): PublishedEvent => {
      this.#events += 1;
      return {
        channel,
        event: step.kind === 'other name' ? 'other' : 'message',
        id: `event-${this.#events}`,
        data: { n: -this.#events },
        ...(step.kind === 'op' && { op: 'append' }),
      };
    });
    if (step.kind === 'events') this.#publish(events);
    else for (const event of events) this.#publish([event]);
  }

  /** Pushes events to the subscribers, which may go wrong for each. */
  #publish(events: readonly PublishedEvent[]): void {
    const { world } = this;
    const channel = events[0]?.channel ?? '';
    const bodies = events.map((event) => ({ ...event, channel: undefined, at: 1_700_000_000_000 }));
    const frame =
      bodies.length === 1
        ? { type: 'event', ...bodies[0], channel }
        : { type: 'events', channel, events: bodies };
    for (const connection of this.connections) {
      if (!connection.members.has(channel) || world.draw('loseAnswer')) continue;
      const text = JSON.stringify(frame);
      const push = (reordered: boolean): void =>
        connection.push(text, () => this.checks.eventsArrive(connection, events), reordered);
      push(world.draw('reorder'));
      if (world.draw('doubleAnswer')) {
        world.time.after(world.random.between(0, 15_000), () => push(true));
      }
    }
  }
}
