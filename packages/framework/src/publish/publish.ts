import { channelNameProblem } from '@gatecast/protocol';
import type {
  DeliveryCount,
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
import type { DeliverContext } from '../invocation/plugin.js';
import type { Page } from '../store/connections.js';
import { type EventToDeliver, idOfEvent, type PublishRequest, writeEvent } from './event-frame.js';

/** The frame that is being handled while something is published. */
export interface PublishScope {
  /** The connection whose frame is being handled. */
  readonly sender?: string;
  /**
   * The message that the ids of events are derived from, with the number of events on each channel so
   * far.
   */
  readonly source?: { readonly frameId: string; readonly ordinals: Map<string, number> };
  /** Channels of a connection that is still being opened, so that it would miss its own events. */
  readonly unopened?: readonly string[];
}

const OPTIONS: OptionTypes<PublishOptions> = {
  id: { takes: 'a string of 1 to 64 characters', fits: (value) => typeof value === 'string' },
  ephemeral: option.flag,
  except: option.oneOf('sender'),
};
const RANGE: OptionTypes<MemberRange> = { after: option.text, limit: option.integer(1, 1_000) };
const NOBODY: DeliveryCount = Object.freeze({ delivered: 0, gone: 0, failed: 0 });

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

  async #publish(request: PublishRequest): Promise<PublishResult> {
    const { core } = this.#invocation;
    const { channel, options } = request;
    checkOptions('publish()', options, OPTIONS);
    checkChannel(this.#invocation, channel);
    this.#invocation.limit(`publish() on "${channel}"`);
    this.#checkSender(options);
    const id = options.id ?? this.#deriveId();
    const event = writeEvent(request, { id, at: core.now() });
    const { event: name, ephemeral } = event;
    const ctx: DeliverContext & { delivery: DeliveryCount } = {
      channel,
      event: name,
      id: event.id,
      ephemeral,
      delivery: NOBODY,
    };
    const post = async (): Promise<void> => {
      ctx.delivery = await this.#deliver(event, options);
    };
    const { onPublish, onDeliver } = core.hooks;
    const send = onDeliver ? (): Promise<void> => onDeliver(ctx, post) : post;
    await (onPublish ? onPublish({ channel, event: name, id: event.id, ephemeral }, send) : send());
    return { id: event.id, delivery: ctx.delivery };
  }

  #deliver(
    { channel, frame, ephemeral }: EventToDeliver,
    { except }: PublishOptions,
  ): Promise<DeliveryCount> {
    const invocation = this.#invocation;
    const { sender } = this.#scope;
    return deliver(
      { channel, frame, ephemeral, ...(except && sender !== undefined && { except: sender }) },
      {
        connections: invocation.connections,
        stage: invocation.stage(),
        limit: invocation.limit(`publish() on "${channel}"`),
        now: invocation.core.now,
        report: (error) => invocation.report(error),
      },
    );
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

  // If a message is sent again, its events get the same ids again.
  #deriveId(): string | undefined {
    const { source } = this.#scope;
    if (!source) return undefined;
    const { frameId, ordinals } = source;
    const ordinal = ordinals.get(this.name) ?? 0;
    ordinals.set(this.name, ordinal + 1);
    return idOfEvent(this.name, frameId, ordinal);
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
