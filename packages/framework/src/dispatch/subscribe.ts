import { channelNameProblem, formatPosition, MAX_FRAME_BYTES } from '@gatecast/protocol';
import { reasonOf } from '../errors/check-options.js';
import { ClientError } from '../errors/client-error.js';
import { makeError, StoreError } from '../errors/gatecast-error.js';
import {
  type RawFrame,
  requireId,
  textResponse,
  writeError,
  writeShortError,
} from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { authorizeChannel, type ChannelMatch } from './authorize-channel.js';
import { type CaughtUp, catchUp, readWish } from './catch-up.js';
import { echoOf, LIST_MESSAGE, readChannels, reportEach } from './channel-list.js';
import { subscribeContext } from './contexts.js';
import { type EventList, fillFrame } from './event-list.js';
import { fitOutcomes } from './fit-outcomes.js';
import { Joins } from './joins.js';
import { tellOfLeaving } from './leave.js';
import { serverSettings } from './server-settings.js';
import { tailCheckOf } from './tail-check.js';

/**
 * Bytes of events that are read for each channel, even if more channels could not all send as much: usually only a
 * few of them have missed anything.
 */
const LEAST_BYTES = 8_192;
/** Bytes that an outcome may grow by: an empty list of events, or the refusal of a channel that was left meanwhile. */
const GROWS_BY = 100;

/** Handles a subscribe frame. The reply has one outcome for each channel, in the same order. */
export async function handleSubscribe(
  invocation: EventInvocation,
  frame: RawFrame,
): Promise<ProxyResponse> {
  const id = requireId(frame);
  const asked = readChannels(frame).map((entry) =>
    typeof entry === 'object' && entry !== null ? (entry as RawFrame) : { channel: entry },
  );
  const joins = new Joins(invocation, new Set(asked.map(({ channel }) => channel)).size);
  const shares = asked.filter(({ position, rewind }) => position ?? rewind).length;
  const maxBytes = Math.max(LEAST_BYTES, Math.floor(MAX_FRAME_BYTES / Math.max(1, shares)));
  const attempts = new Map<unknown, Attempt>();
  for (const entry of asked) {
    const { channel } = entry;
    if (attempts.has(channel)) continue;
    attempts.set(channel, new Attempt(invocation, { entry, maxBytes }, joins));
  }
  const all = [...attempts.values()];
  await Promise.all(all.map((attempt) => attempt.run()));
  const server = (): string => JSON.stringify(serverSettings(invocation.core.now()));
  const used = Buffer.byteLength(writeReply(id, [], server()));
  const named = asked.map(({ channel }) => attempts.get(channel) as Attempt);
  fitOutcomes(named, MAX_FRAME_BYTES - used, {
    bytesOf: (attempt) => attempt.bytes,
    shorten: (attempt) => attempt.shorten(used),
  });
  await leave(
    invocation,
    all.filter(({ refusal }) => refusal),
  );
  await noticeThoseThatLeft(invocation, all);
  reportEach(
    invocation,
    all.flatMap(({ refusal }) => (refusal ? [refusal.error] : [])),
    true,
  );
  try {
    // If the connection is unknown, the whole frame is refused, so that the client reconnects.
    const unknown = all.find(isUnknown)?.refusal;
    if (unknown) throw unknown.error;
    const outcomes = named.map((attempt) => attempt.outcome());
    return textResponse(writeReply(id, outcomes, server()), invocation.route);
  } catch (error) {
    // The client is told that the frame failed, so it must not stay a member of any of the channels.
    await leave(invocation, all);
    throw error;
  }
}

/** One channel's part of the reply: a JSON object without its end, and the events that follow. */
interface Outcome {
  readonly head: string;
  readonly events: EventList | undefined;
}

function writeReply(id: string, outcomes: readonly Outcome[], server: string): string {
  const start = `{"type":"reply","id":${JSON.stringify(id)},"data":{"channels":[`;
  const end = `]},"server":${server}}`;
  const texts = [start, end, ...outcomes.map(({ head }) => `${head}},`)];
  // A channel that the frame names twice has two outcomes, but there is room for its events only once.
  const lists = new Set(outcomes.flatMap(({ events }) => events ?? []));
  if (lists.size > 0) fillFrame([...lists], Buffer.byteLength(texts.join('')));
  const channels = outcomes.map(({ head, events }) => {
    const isFirst = events !== undefined && lists.delete(events);
    return `${head}${isFirst ? events.write() : ''}}`;
  });
  return `${start}${channels.join(',')}${end}`;
}

/** An entry of a subscribe frame, and how many bytes of events its channel may get. */
interface AskedChannel {
  readonly entry: RawFrame;
  readonly maxBytes: number;
}

/** One channel of a subscribe frame. */
class Attempt {
  readonly name: unknown;
  /** The reason if it is refused: any thrown value. */
  refusal: { readonly error: unknown } | undefined;
  /** Whether the connection is a member, through this frame or an earlier one. */
  isMember = false;
  /**
   * Whether the subscribe handler has completed, now or for an earlier frame. If so, `@OnUnsubscribe`
   * must follow.
   */
  hasEntered = false;
  match: ChannelMatch | undefined;
  readonly #invocation: EventInvocation;
  readonly #asked: AskedChannel;
  readonly #joins: Joins;
  #hasAsked = false;
  #caughtUp: CaughtUp = { result: 'live' };
  #data: string | undefined;
  #isShort = false;

  constructor(invocation: EventInvocation, asked: AskedChannel, joins: Joins) {
    this.#invocation = invocation;
    this.name = asked.entry['channel'];
    this.#asked = asked;
    this.#joins = joins;
  }

  /** Does not reject: an error becomes the {@link refusal} of this channel. */
  async run(): Promise<void> {
    try {
      const label = `@OnSubscribe of ${echoOf(this.name)}`;
      await this.#invocation.inTime(this.#subscribe(), label);
    } catch (error) {
      this.refusal = { error };
    }
    if (!this.#hasAsked) this.#joins.giveUp();
  }

  /** Bytes that the reply needs for it, without its events. */
  get bytes(): number {
    return Buffer.byteLength(this.outcome().head) + GROWS_BY;
  }

  /**
   * Makes the outcome shorter, if it can be: a refusal loses its details. A channel with data is refused, and the
   * client asks again, in another frame, unless no frame has room for the data.
   *
   * @param used - Bytes of a reply without any channel.
   */
  shorten(used: number): void {
    if (this.refusal) this.#isShort = true;
    else if (this.#data !== undefined) {
      const bytes = used + this.bytes;
      const error =
        bytes > MAX_FRAME_BYTES
          ? makeError('ERR_REPLY_TOO_LARGE', { route: this.#route, bytes })
          : new ClientError('ERR_INTERNAL', 'The reply had no room for this channel. Ask again.', {
              retryAfterMs: 1,
            });
      this.refusal = { error };
    }
  }

  outcome(): Outcome {
    const start = `{"channel":${JSON.stringify(echoOf(this.name))}`;
    if (this.refusal) {
      const { error } = this.refusal;
      const text = this.#isShort ? writeShortError(error, LIST_MESSAGE) : writeError(error);
      return { head: `${start},"error":${text}`, events: undefined };
    }
    const { result, reason, head, events } = this.#caughtUp;
    const tailCheck = head && tailCheckOf(head);
    const parts = [
      `${start},"result":"${result}"`,
      reason && `"reason":"${reason}"`,
      head && `"position":"${formatPosition(head.position)}"`,
      tailCheck && `"tailCheck":${JSON.stringify(tailCheck)}`,
      this.#data && `"data":${this.#data}`,
    ];
    return { head: parts.filter((part) => part).join(','), events };
  }

  async #subscribe(): Promise<void> {
    const wish = readWish(this.#asked.entry, this.#asked.maxBytes);
    const match = await authorizeChannel(this.#invocation, this.name, 'subscribe');
    this.match = match;
    this.#invocation.checkTime('an access rule');
    const { onSubscribe } = this.#invocation.core.hooks;
    const name = this.name as string;
    const ctx = subscribeContext(this.#invocation, { name, params: match.params });
    ctx.isResume = wish.position !== undefined;
    let isLive = false;
    const enter = async (): Promise<void> => {
      this.#invocation.checkTime('a plugin');
      this.#hasAsked = true;
      // The membership is written first, then the log is read, then the handler runs. So every event that
      // neither the log nor the handler's data contains is delivered.
      ctx.isRepeated = await this.#joins.join(name);
      this.isMember = true;
      this.hasEntered = ctx.isRepeated;
      this.#invocation.checkTime('the store');
      this.#caughtUp = await catchUp(this.#invocation, name, wish);
      this.#invocation.checkTime('the store');
      const data = await match.value.subscribe?.call(ctx);
      this.hasEntered = true;
      this.#data = this.#write(data);
      isLive = true;
    };
    await (onSubscribe ? onSubscribe(ctx, enter) : enter());
    // A plugin may swallow the error of a refusal, but that must not grant access.
    if (!isLive) throw new ClientError('ERR_FORBIDDEN', 'You may not use this channel.');
  }

  // Data that JSON cannot express fails this channel, not the whole frame.
  #write(data: unknown): string | undefined {
    try {
      return JSON.stringify(data);
    } catch (error) {
      throw makeError('ERR_REPLY_DATA', { route: this.#route, reason: reasonOf(error) }, error);
    }
  }

  /** For errors. */
  get #route(): string {
    return `subscribe to "${this.name as string}"`;
  }
}

/**
 * Ends the memberships of refused channels, including earlier ones, so that the answer and the store
 * agree.
 */
async function leave(invocation: EventInvocation, refused: readonly Attempt[]): Promise<void> {
  const attempts = refused.filter(({ name }) => isLegal(name));
  if (attempts.length === 0) return;
  const { connection, event, connections } = invocation;
  let were: readonly boolean[] = [];
  try {
    const names = attempts.map(({ name }) => name as string);
    were = await connections.unsubscribe(connection.id, names, invocation.cleanUpLimit);
  } catch (error) {
    // The client is told the channel's own error, not this one. If that is the store's, too, it is one failure.
    const isKnown = attempts.some(({ refusal }) => StoreError.is(refusal?.error));
    if (!isKnown || !StoreError.is(error)) invocation.report(error);
  }
  const left = attempts.filter((attempt, index) => {
    // If it was refused before it could join but was a member, its handler has run for an earlier frame.
    return were[index] === true && (attempt.hasEntered || !attempt.isMember);
  });
  for (const attempt of attempts) attempt.isMember = false;
  const names = left.map(({ name }) => name as string);
  await tellOfLeaving(invocation, names, { connection, cause: 'refused', event });
}

/**
 * Finds channels that were left while their subscribe handler or a plugin was running: the connection has
 * ended or unsubscribed, or the server ended the subscription. The unsubscribe handler ran too early, so
 * it runs again, and the data for the client is not sent.
 */
async function noticeThoseThatLeft(
  invocation: EventInvocation,
  attempts: readonly Attempt[],
): Promise<void> {
  const { connection, event, connections, core } = invocation;
  const entered = attempts.filter(
    ({ isMember, match }) => isMember && (match?.value.subscribe || core.hooks.onSubscribe),
  );
  if (entered.length === 0) return;
  let channels: ReadonlySet<string>;
  try {
    channels = new Set(await connections.channels(connection.id, invocation.cleanUpLimit));
  } catch (error) {
    invocation.report(error);
    return;
  }
  const gone = entered.filter(({ name }) => !channels.has(name as string));
  for (const attempt of gone) {
    const error = new ClientError('ERR_REMOVED', 'The subscription has ended meanwhile.');
    attempt.refusal = { error };
  }
  const names = gone.map(({ name }) => name as string);
  await tellOfLeaving(invocation, names, { connection, cause: 'refused', event });
}

function isLegal(name: unknown): boolean {
  return typeof name === 'string' && channelNameProblem(name) === undefined;
}

function isUnknown({ refusal }: Attempt): boolean {
  return ClientError.is(refusal?.error) && refusal.error.code === 'ERR_CONNECTION_UNKNOWN';
}
