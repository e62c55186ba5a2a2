import { parsePosition } from '@gatecast/protocol';
import { ApplicationError } from '../simulation/world.js';
import type { ChannelCheck, Listener } from './channel-check.js';
import type { LogChecks } from './checks.js';
import type { HistoryPage, HistoryRange, LogChannel, LogClient } from './client-under-test.js';
import { type ApplicationStep, type Behaviour, channelNames } from './steps.js';
import type { Entry, TrueLog } from './true-log.js';
import { type Memory, NOTHING } from './view.js';

/** How often a listener does more than to listen. */
const MAX_DEEDS = 2;
const MAX_USERS = 2;

/** One subscribe() of a part of the page. */
interface Stay {
  isHeld: boolean;
  isAnswered: boolean;
}

interface OpenChannel {
  readonly api: LogChannel;
  readonly check: ChannelCheck;
  readonly stays: Stay[];
  readonly listeners: { readonly listener: Listener; readonly off: () => void }[];
  /** What the page knows before it subscribes. */
  memory: Memory;
}

/** The application of one page: it subscribes, listens, sends and reads, as a plan says. */
export class LogApplication {
  readonly #checks: LogChecks;
  readonly #client: LogClient;
  readonly #channels: ReadonlyMap<string, OpenChannel>;
  readonly #rewind: number;
  #isOver = false;

  constructor(checks: LogChecks, client: LogClient, memories: ReadonlyMap<string, Memory>) {
    this.#checks = checks;
    this.#client = client;
    this.#rewind = checks.world.plan.setting.rewind;
    client.onState((state) => !this.#isOver && checks.entered(state));
    client.onRefused(() => {});
    this.#channels = new Map(
      channelNames.map((name) => [name, this.#open(name, memories.get(name) ?? NOTHING)]),
    );
  }

  /** Does what the plan says that an application does. */
  perform(step: ApplicationStep): void {
    const channel = this.#at(step.channel);
    switch (step.do) {
      case 'subscribe':
        this.#subscribe(channel);
        return;
      case 'unsubscribe':
        this.#unsubscribe(channel);
        return;
      case 'send':
        for (let count = 0; count < step.times; count += 1) this.#send(channel);
        return;
      case 'listen':
        this.#listen(channel, step.behaviour);
        return;
      case 'stop listening':
        this.#stopListening(channel);
        return;
      case 'read history':
        this.#readHistory(channel, step.from, step.limit);
    }
  }

  /** The page is gone; what it has seen is remembered where its positions are. */
  leave(stored: (channel: string) => string | undefined): ReadonlyMap<string, Memory> {
    this.#isOver = true;
    const memories = new Map<string, Memory>();
    for (const [name, { check }] of this.#channels) {
      memories.set(name, check.remember(stored(name)));
      check.forget();
    }
    return memories;
  }

  position(channel: string): string | undefined {
    return this.#channels.get(channel)?.api.position;
  }

  /** Whether something waits for its answer although it should have it. */
  get waitsFor(): string | undefined {
    const pending = [...this.#channels.values()].find(({ stays }) =>
      stays.some(({ isAnswered }) => !isAnswered),
    );
    return pending && `subscribe() to "${pending.check.name}".`;
  }

  close(): void {
    this.#isOver = true;
    for (const { check } of this.#channels.values()) check.forget();
    this.#client.close();
  }

  /** Every part of the page leaves. */
  leaveAll(): void {
    for (const channel of this.#channels.values()) {
      while (channel.stays.length > 0) this.#unsubscribe(channel);
    }
  }

  #open(name: string, memory: Memory): OpenChannel {
    const check = this.#checks.of(name);
    const api = this.#client.channel(name);
    const channel: OpenChannel = { api, check, stays: [], listeners: [], memory };
    check.api = api;
    api.on('message', (data, event) => {
      if (!this.#isOver) check.heard(undefined, data, event);
    });
    api.onReset(({ reason }) => {
      if (!this.#isOver) check.told(reason);
    });
    api.onEnd(({ code }) => {
      if (this.#isOver) return;
      this.#checks.world.note('onEnd', name, code);
      channel.stays.length = 0;
      this.#left(channel);
    });
    return channel;
  }

  #subscribe(channel: OpenChannel): void {
    const { api, check, stays } = channel;
    if (stays.length >= MAX_USERS || this.#isOver) return;
    const { world } = this.#checks;
    world.note('subscribe()', check.name);
    this.#checks.called('subscribe');
    if (stays.length === 0) check.joins(channel.memory);
    const { view } = check;
    const stay: Stay = { isHeld: true, isAnswered: false };
    stays.push(stay);
    api.subscribe({ rewind: this.#rewind }).then(
      (answer) => {
        stay.isAnswered = true;
        if (this.#isOver || !stay.isHeld || view !== check.view) return;
        world.note('subscribed', check.name, answer.result, answer.reason ?? '');
        check.resolved(answer);
      },
      (error: unknown) => {
        const { code } = Object(error) as { readonly code?: unknown };
        world.note('subscribe() rejected', check.name, String(code));
        if (this.#isOver) return;
        const index = stays.indexOf(stay);
        if (index < 0) return;
        stays.splice(index, 1);
        if (stays.length > 0) return;
        // Unless it was ever answered, it goes on from where the page was.
        if (check.isAnswered) channel.memory = NOTHING;
        check.leaves(false);
      },
    );
  }

  #unsubscribe(channel: OpenChannel): void {
    const { api, check, stays } = channel;
    const stay = stays.pop();
    if (!stay || this.#isOver) return;
    stay.isHeld = false;
    this.#checks.world.note('unsubscribe()', check.name);
    this.#checks.called('unsubscribe');
    if (stays.length === 0) this.#left(channel);
    api.unsubscribe().catch(() => {});
  }

  #left(channel: OpenChannel): void {
    channel.memory = NOTHING;
    channel.check.leaves(true);
  }

  #send({ api, check }: OpenChannel): void {
    if (this.#isOver) return;
    this.#checks.messages.send(check.name, (data) => api.send('post', data));
  }

  #listen(channel: OpenChannel, behaviour: Behaviour): void {
    const { api, check, listeners } = channel;
    const listener = check.listen();
    let deeds = 0;
    const end = api.on('message', (data, event) => {
      if (this.#isOver) return undefined;
      check.heard(listener, data, event);
      if (deeds >= MAX_DEEDS) return undefined;
      deeds += 1;
      return check.handle(() => this.#behave(channel, behaviour, off));
    });
    const off = (): void => {
      listener.isOff = true;
      end();
    };
    listeners.push({ listener, off });
  }

  #behave(channel: OpenChannel, behaviour: Behaviour, off: () => void): unknown {
    if (behaviour !== 'nothing') this.#checks.world.note('a listener does', behaviour);
    const deeds: Readonly<Record<Behaviour, () => unknown>> = {
      nothing: () => {},
      throw: () => {
        throw new ApplicationError('A listener throws.');
      },
      reject: async () => Promise.reject(new ApplicationError('A listener rejects.')),
      send: () => channel.check.log && this.#send(channel),
      subscribe: () => this.#subscribe(channel),
      unsubscribe: () => this.#unsubscribe(channel),
      'read history': () => channel.check.log && this.#readHistory(channel, 'end', 5),
      'stop listening': off,
    };
    return deeds[behaviour]();
  }

  #stopListening({ listeners }: OpenChannel): void {
    listeners.find(({ listener }) => !listener.isOff)?.off();
  }

  #readHistory(
    { api, check }: OpenChannel,
    from: 'end' | 'after' | 'before',
    limit: number | undefined,
  ): void {
    const { log } = check;
    const position = api.position;
    if (!log || this.#isOver) return;
    this.#checks.called('history');
    const range = {
      ...(from !== 'end' && position !== undefined && { [from]: position }),
      ...(limit !== undefined && { limit }),
    };
    this.#checks.world.note('history()', check.name, range);
    api.history(range).then(
      (page) => this.#checkPage(check, log, page, range),
      (error: unknown) => {
        const { code } = Object(error) as { readonly code?: unknown };
        this.#checks.world.note('history() rejected', check.name, String(code));
      },
    );
  }

  // oxlint-disable-next-line max-params -- the page, and what it was asked for.
  #checkPage({ name }: ChannelCheck, log: TrueLog, page: HistoryPage, range: HistoryRange): void {
    const { events, reset } = page;
    const entries = events.map(({ position = '' }) => log.entryAt(position));
    const isRow = entries.every(
      (entry, index) => index === 0 || knownBefore(entry) === entries[index - 1],
    );
    const isSame = events.every(({ id, at, position }) => {
      const body = log.entryAt(position ?? '')?.body;
      return body?.id === id && at instanceof Date && at.getTime() === body.at;
    });
    const { after, before, limit = 100 } = range;
    const afterOffset = parsePosition(after)?.offset ?? 0;
    const [first] = entries;
    const isAfter = after === undefined || (knownBefore(first)?.offset ?? 0) <= afterOffset;
    const isBefore = before === undefined || !isHole(entries.at(-1), log.entryAt(before));
    const isInPlace = events.length === 0 || (isAfter && isBefore);
    const isPosition = parsePosition(page.position) !== undefined;
    if (isRow && isSame && isInPlace && isPosition && events.length <= limit) return;
    const text = `history(${JSON.stringify(range)}) of "${name}": ${JSON.stringify(events)} ${reset}`;
    this.#checks.world.fails('a wrong answer', text);
  }

  #at(index: number): OpenChannel {
    return this.#channels.get(channelNames[index] as string) as OpenChannel;
  }
}

/** The event before another one, but for those that only newer clients know. */
function knownBefore(entry: Entry | undefined): Entry | undefined {
  let one = entry?.before;
  while (one?.body.op !== undefined) one = one.before;
  return one;
}

/** Whether an event lies between two. */
function isHole(first: Entry | undefined, last: Entry | undefined): boolean {
  return last !== undefined && knownBefore(last) !== first;
}
