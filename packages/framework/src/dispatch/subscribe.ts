import { channelNameProblem } from '@gatecast/protocol';
import { ClientError } from '../errors/client-error.js';
import { makeError } from '../errors/gatecast-error.js';
import { type RawFrame, requireId, textResponse, writeError } from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { authorizeChannel, type ChannelMatch } from './authorize-channel.js';
import { echoOf, readChannels, reportEach } from './channel-list.js';
import { subscribeContext } from './contexts.js';
import { Joins } from './joins.js';
import { tellOfLeaving } from './leave.js';
import { serverSettings } from './server-settings.js';

/** Handles a subscribe frame. The reply has one outcome for each channel, in the same order. */
export async function handleSubscribe(
  invocation: EventInvocation,
  frame: RawFrame,
): Promise<ProxyResponse> {
  const id = requireId(frame);
  const names = readChannels(frame).map((entry) =>
    typeof entry === 'object' && entry !== null ? (entry as RawFrame)['channel'] : entry,
  );
  const wanted = [...new Set(names)];
  const joins = new Joins(invocation, wanted.length);
  const attempts = new Map(wanted.map((name) => [name, new Attempt(invocation, name, joins)]));
  const all = [...attempts.values()];
  await Promise.all(all.map((attempt) => attempt.run()));
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
    const outcomes = names.map((name) => attempts.get(name)?.outcome()).join(',');
    const server = JSON.stringify(serverSettings(invocation.core.now()));
    const head = `{"type":"reply","id":${JSON.stringify(id)}`;
    const reply = `${head},"data":{"channels":[${outcomes}]},"server":${server}}`;
    return textResponse(reply, invocation.route);
  } catch (error) {
    // The client is told that the frame failed, so it must not stay a member of any of the channels.
    await leave(invocation, all);
    throw error;
  }
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
  readonly #joins: Joins;
  #hasAsked = false;
  #data: string | undefined;

  constructor(invocation: EventInvocation, name: unknown, joins: Joins) {
    this.#invocation = invocation;
    this.name = name;
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

  /** The channel's part of the reply, as JSON. */
  outcome(): string {
    const channel = JSON.stringify(echoOf(this.name));
    if (this.refusal) {
      return `{"channel":${channel},"error":${writeError(this.refusal.error)}}`;
    }
    const data = this.#data === undefined ? '' : `,"data":${this.#data}`;
    return `{"channel":${channel},"result":"live"${data}}`;
  }

  async #subscribe(): Promise<void> {
    const match = await authorizeChannel(this.#invocation, this.name, 'subscribe');
    this.match = match;
    this.#invocation.checkTime('an access rule');
    const { onSubscribe } = this.#invocation.core.hooks;
    const name = this.name as string;
    const ctx = subscribeContext(this.#invocation, { name, params: match.params });
    let isLive = false;
    const enter = async (): Promise<void> => {
      this.#invocation.checkTime('a plugin');
      this.#hasAsked = true;
      // The membership is written first, so that no event is lost between the data that the handler reads
      // and the first delivery.
      ctx.isRepeated = await this.#joins.join(name);
      this.isMember = true;
      this.hasEntered = ctx.isRepeated;
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
      const route = `subscribe to "${this.name as string}"`;
      throw makeError('ERR_REPLY_DATA', { route, reason: (error as Error).message }, error);
    }
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
    // The client is told the channel's own error, not this one.
    invocation.report(error);
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
