import { randomUUID } from 'node:crypto';
import { channelNameProblem, formatPosition } from '@gatecast/protocol';
import type {
  DeliveryCount,
  HistoryEventOf,
  HistoryPage,
  HistoryRange,
  Member,
  MemberRange,
  PublishOptions,
  PublishResult,
  ServerChannel,
} from '../channel/publishing.js';
import { checkKnown } from '../channel/unknown-names.js';
import { isOwn } from '../deliver/apigw/endpoint.js';
import { deliver } from '../deliver/deliver.js';
import { checkOptions, describeValue, type OptionTypes, option } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
import type { Invocation } from '../invocation/invocation.js';
import type { DeliverContext, Next } from '../invocation/plugin.js';
import type { Page } from '../store/connections.js';
import type { LogOfChannel } from '../store/log.js';
import type { TimeLimit } from '../time/time-limit.js';
import { append, checkOrder, type PublishOrigin } from './append.js';
import { logOf, purgeHistory, readHistory } from './channel-history.js';
import {
  checkEntrySize,
  frameOf,
  idOfEvent,
  type PublishRequest,
  type WrittenEvent,
  writeEvent,
  writeFrame,
} from './event-frame.js';

/** The frame that is being handled while something is published. */
export interface PublishScope {
  /** The connection whose frame is being handled. */
  readonly sender?: string;
  /**
   * The message that the ids of events are derived from, with the number of events on each channel so
   * far.
   */
  readonly source?: {
    readonly frameId: string;
    /** The user who sent it. */
    readonly userId: string | undefined;
    readonly ordinals: Map<string, number>;
  };
  /** Channels of a connection that is still being opened, so that it would miss its own events. */
  readonly unopened?: readonly string[];
}

const OPTIONS: OptionTypes<PublishOptions> = {
  id: { takes: 'a string of 1 to 64 characters', fits: (value) => typeof value === 'string' },
  ephemeral: option.flag,
  except: option.oneOf('sender'),
  timeoutMs: option.milliseconds(1),
};
const RANGE: OptionTypes<MemberRange> = { after: option.text, limit: option.integer(1, 1_000) };
const NOBODY: DeliveryCount = Object.freeze({ delivered: 0, gone: 0, failed: 0 });

/** One publish while it runs. */
interface PublishRun {
  readonly ctx: DeliverContext & { position?: string; delivery: DeliveryCount };
  /** When it has to end, in milliseconds since 1970. */
  readonly endsAt: number;
  position?: string;
  duplicate: boolean;
}

interface EventToAppend {
  readonly log: LogOfChannel;
  readonly event: WrittenEvent;
  readonly origin: PublishOrigin;
  readonly options: PublishOptions;
}

/** One channel, to publish on within an invocation. */
export class ChannelOfServer implements ServerChannel {
  readonly name: string;
  readonly #invocation: Invocation;
  readonly #scope: PublishScope;

  constructor(invocation: Invocation, name: string, scope: PublishScope = {}) {
    this.name = name;
    this.#invocation = invocation;
    this.#scope = scope;
  }

  publish(event: string, data: unknown, options: PublishOptions = {}): Promise<PublishResult> {
    return this.#invocation.delayAnswer(
      this.#publish({ channel: this.name, event, data, options }),
    );
  }

  members(range: MemberRange = {}): Promise<Page<Member>> {
    return this.#invocation.delayAnswer(this.#members(range));
  }

  history<V extends object>(range: HistoryRange = {}): Promise<HistoryPage<HistoryEventOf<V>>> {
    // The store returns what was published, which only the developer's types describe.
    const page = this.#history(range) as Promise<HistoryPage<HistoryEventOf<V>>>;
    return this.#invocation.delayAnswer(page);
  }

  // It takes none, but must not delete everything if it is given some.
  purge(options: object = {}): Promise<void> {
    return this.#invocation.delayAnswer(this.#purge(options));
  }

  async #publish(request: PublishRequest): Promise<PublishResult> {
    const invocation = this.#invocation;
    const { channel, options } = request;
    checkOptions('publish()', options, OPTIONS);
    checkChannel(invocation, channel);
    invocation.limit(`publish() on "${channel}"`);
    this.#checkSender(options);
    const { ephemeral = false, timeoutMs = Infinity } = options;
    const log = ephemeral ? undefined : logOf(invocation, channel);
    const origin = this.#origin(options);
    const event = writeEvent(request, idOf(channel, origin));
    const ctx = { channel, event: event.event, id: event.id, ephemeral };
    const run: PublishRun = {
      ctx: { ...ctx, delivery: NOBODY },
      endsAt: Date.now() + timeoutMs,
      duplicate: false,
    };
    const send = log
      ? this.#appendAndDeliver(run, { log, event, origin, options })
      : this.#deliverOnly(run, event, options);
    const { onPublish } = invocation.core.hooks;
    await (onPublish ? onPublish(ctx, send) : send());
    const { position, duplicate } = run;
    const { delivery } = run.ctx;
    return { id: event.id, duplicate, delivery, ...(position !== undefined && { position }) };
  }

  #deliverOnly(run: PublishRun, event: WrittenEvent, options: PublishOptions): Next {
    const frame = frameOf(event, this.#invocation.core.now());
    return () => this.#deliver(run, frame, options);
  }

  #appendAndDeliver(run: PublishRun, { log, event, origin, options }: EventToAppend): Next {
    const invocation = this.#invocation;
    const { channel } = event;
    checkEntrySize(event);
    // An event that cannot be delivered to anybody, because the endpoint is not known, must not be kept.
    invocation.stage();
    return async () => {
      const { entry, isDuplicate, finish } = await append(invocation, log, {
        event,
        origin,
        limit: this.#limit(run),
      });
      run.position = formatPosition(entry.position);
      run.ctx.position = run.position;
      run.duplicate = isDuplicate;
      const report = (error: unknown): void => invocation.report(error);
      // Whoever appended a duplicate may have died before delivering it, and clients drop what they have.
      const delivering =
        entry.payload === undefined
          ? Promise.resolve()
          : this.#deliver(run, writeFrame(channel, entry.payload, entry), options);
      const audience = delivering.then(
        () => audienceOf(run.ctx.delivery),
        () => undefined,
      );
      // Whatever fails now: the event is in the log, where its subscribers find it.
      await Promise.all([finish?.(audience).catch(report), delivering.catch(report)]);
      checkOrder(event, entry.payload, origin);
    };
  }

  #deliver(run: PublishRun, frame: string, options: PublishOptions): Promise<void> {
    const { ctx } = run;
    const { onDeliver } = this.#invocation.core.hooks;
    const post = async (): Promise<void> => {
      ctx.delivery = await this.#post(frame, options, this.#limit(run));
    };
    return onDeliver ? onDeliver(ctx, post) : post();
  }

  // Nothing is read from the context, which plugins may change.
  #post(
    frame: string,
    { except, ephemeral = false }: PublishOptions,
    limit: TimeLimit,
  ): Promise<DeliveryCount> {
    const invocation = this.#invocation;
    const { name: channel } = this;
    const { sender } = this.#scope;
    return deliver(
      { channel, frame, ephemeral, ...(except && sender !== undefined && { except: sender }) },
      {
        connections: invocation.connections,
        stage: invocation.stage(),
        limit,
        now: invocation.core.now,
        report: (error) => invocation.report(error),
      },
    );
  }

  #limit({ endsAt }: PublishRun): TimeLimit {
    const limit = this.#invocation.limit(`publish() on "${this.name}"`);
    return { ...limit, endsAt: Math.min(limit.endsAt ?? Infinity, endsAt) };
  }

  #checkSender({ except }: PublishOptions): void {
    const { sender, unopened } = this.#scope;
    if (except === 'sender' && sender === undefined) {
      throw makeError('ERR_PUBLISH_SENDER', { channel: this.name });
    }
    if (except !== 'sender' && unopened?.includes(this.name)) {
      throw makeError('ERR_SEND_IN_CONNECT', {});
    }
  }

  #origin({ id }: PublishOptions): PublishOrigin {
    const { source } = this.#scope;
    if (id !== undefined) return { id };
    if (!source) return undefined;
    const { frameId, userId, ordinals } = source;
    const ordinal = ordinals.get(this.name) ?? 0;
    ordinals.set(this.name, ordinal + 1);
    return { frameId, userId, ordinal };
  }

  async #history(range: HistoryRange): Promise<HistoryPage> {
    checkChannel(this.#invocation, this.name);
    return readHistory(this.#invocation, this.name, range);
  }

  async #purge(options: object): Promise<void> {
    checkOptions('purge()', options, {});
    checkChannel(this.#invocation, this.name);
    await purgeHistory(this.#invocation, this.name);
  }

  async #members(range: MemberRange): Promise<Page<Member>> {
    checkOptions('members()', range, RANGE);
    checkChannel(this.#invocation, this.name);
    const limit = this.#invocation.limit(`members() of "${this.name}"`);
    const { address, connections } = this.#invocation;
    const { items, next } = await connections.subscribers(this.name, range, limit);
    const own = items.filter((subscriber) => isOwn(subscriber, address));
    return {
      items: own.map(({ connectionId, userId }) => ({
        connectionId,
        ...(userId !== undefined && { userId }),
      })),
      ...(next !== undefined && { next }),
    };
  }
}

/** The id that an event shows. If a message is sent again, its events get the same ids again. */
function idOf(channel: string, origin: PublishOrigin): string {
  if (origin === undefined) return randomUUID();
  return 'id' in origin ? origin.id : idOfEvent(channel, origin.frameId, origin.ordinal);
}

/** An estimate of the subscribers of a channel; `undefined` if nothing was delivered. */
function audienceOf(delivery: DeliveryCount): number | undefined {
  return delivery === NOBODY ? undefined : delivery.delivered + delivery.failed;
}

/**
 * Throws if no client could subscribe to the name, because it is misspelt or contains unescaped user
 * input.
 */
function checkChannel({ core: { table } }: Invocation, channel: string): void {
  checkName(channel);
  if (table) checkKnown(table, channel);
}

/** Throws unless a value is a legal channel name, whether or not it belongs to a class. */
export function checkName(channel: unknown): void {
  const isText = typeof channel === 'string';
  const problem = isText ? channelNameProblem(channel) : 'is not a string';
  if (problem === undefined) return;
  throw makeError('ERR_PUBLISH_CHANNEL', {
    channel: isText ? channel : describeValue(channel),
    problem,
  });
}
