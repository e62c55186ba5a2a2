import { channelName, MAX_CHANNELS_PER_CONNECTION } from '@gatecast/protocol';
import type { CompiledChannel } from '../channel/route-table.js';
import { reasonOf } from '../errors/check-options.js';
import { ClientError } from '../errors/client-error.js';
import { makeError, StoreError } from '../errors/gatecast-error.js';
import { addressOf, CLEAN_UP_MS } from '../invocation/invocation.js';
import type { ConnectionRecord } from '../store/connections.js';
import { isPromiseLike } from '../time/maybe-promise.js';
import type { Identity } from '../wire/connection.js';
import {
  checkOrigin,
  chooseSubprotocol,
  type Handshake,
  readHandshake,
} from '../wire/handshake.js';
import { decodeIdentity, encodeIdentity, IDENTITY_KEY, makeConnection } from '../wire/identity.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { authorizeChannel } from './authorize-channel.js';
import { askAuthorizer } from './authorizer.js';
import { connectContext } from './contexts.js';

/**
 * How long a row is kept, in milliseconds: API Gateway closes a connection after 2 h (row 5.21), and
 * clocks may differ.
 */
export const ROW_LIFETIME_MS: number = (2 * 60 + 15) * 60_000;

/** Opens a connection, or refuses it. */
export async function handleConnect(invocation: EventInvocation): Promise<ProxyResponse> {
  const { core, event, request } = invocation;
  const handshake = readHandshake(event);
  checkOrigin(handshake, core.origins);
  const subprotocol = chooseSubprotocol(handshake);
  const opening = new Opening(invocation, handshake);
  try {
    const label = 'the authorizer, an access rule, a connect handler or a plugin';
    await invocation.inTime(opening.open(), label);
  } catch (error) {
    // After a refused handshake there is no $disconnect.
    if (opening.isStored) await removeQuietly(invocation, error);
    throw error;
  }
  if (opening.inlineIdentity) core.identities.keep(request.connectionId, opening.inlineIdentity);
  return {
    statusCode: 200,
    ...(subprotocol !== undefined && { headers: { 'Sec-WebSocket-Protocol': subprotocol } }),
  };
}

/** Opens one connection: authorizer, automatic channels, plugins, handlers, store. */
class Opening {
  /** Whether the store may have saved the connection. */
  isStored = false;
  /** The identity from an authorizer that ran inside `$connect`. Only the store keeps it. */
  inlineIdentity: Identity | undefined;
  readonly #invocation: EventInvocation;
  readonly #handshake: Handshake;
  #isOpen = false;

  constructor(invocation: EventInvocation, handshake: Handshake) {
    this.#invocation = invocation;
    this.#handshake = handshake;
  }

  async open(): Promise<void> {
    const invocation = this.#invocation;
    const { core, request } = invocation;
    const identity = await this.#identify();
    invocation.connection = makeConnection(request, identity);
    const channels = await automaticChannels(invocation);
    invocation.checkTime('an access rule');
    const { headers, query } = this.#handshake;
    const ctx = connectContext(invocation, { headers, query, unopened: channels });
    const store = async (): Promise<void> => {
      for (const { connect, label } of core.table.channels) {
        invocation.checkTime(`@OnConnect of ${label}`);
        await connect?.call(ctx);
      }
      const limit = invocation.limit('a connect handler');
      this.isStored = true;
      await invocation.connections.connect(this.#record(identity), channels, limit);
      this.#isOpen = true;
    };
    await (core.hooks.onConnect ? core.hooks.onConnect(ctx, store) : store());
    if (!this.#isOpen) throw new ClientError('ERR_FORBIDDEN', 'A plugin refused the connection.');
  }

  async #identify(): Promise<Identity | undefined> {
    const { core, request } = this.#invocation;
    if (!core.authorizer) return undefined;
    const marker = request.authorizer?.[IDENTITY_KEY];
    if (marker === undefined) {
      this.inlineIdentity = await askAuthorizer(core.authorizer, this.#handshake, core.now());
      return this.inlineIdentity;
    }
    const identity = decodeIdentity(marker);
    // API Gateway may cache the result of an authorizer, so the identity may have expired already.
    if ((identity.expiresAt ?? Infinity) > core.now()) return identity;
    throw new ClientError('ERR_UNAUTHORIZED', 'The token has expired.');
  }

  #record(identity: Identity | undefined): ConnectionRecord {
    const { core, request } = this.#invocation;
    return {
      connectionId: request.connectionId,
      ...addressOf(request),
      connectedAt: request.connectedAt,
      expiresAt: core.now() + ROW_LIFETIME_MS,
      ...(identity?.userId !== undefined && { userId: identity.userId }),
      ...(identity?.expiresAt !== undefined && { identityExpiresAt: identity.expiresAt }),
      ...(this.inlineIdentity && { identity: encodeIdentity(this.inlineIdentity) }),
    };
  }
}

/** `refusal` is why. */
async function removeQuietly(invocation: EventInvocation, refusal: unknown): Promise<void> {
  try {
    const { connectionId } = invocation.request;
    const removing = invocation.connections.disconnect(connectionId, invocation.cleanUpLimit);
    await invocation.inTime(removing, 'the store', CLEAN_UP_MS);
  } catch (error) {
    // A store that could not save it may not remove it either: that is one failure.
    if (!StoreError.is(refusal) || !StoreError.is(error)) invocation.report(error);
  }
}

/** Names of the channels that a new connection is automatically subscribed to and may use. */
async function automaticChannels(invocation: EventInvocation): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const channel of invocation.core.table.channels) {
    invocation.checkTime('an access rule');
    const name = automaticName(invocation, channel);
    if (name === undefined || !(await mayJoin(invocation, channel, name))) continue;
    if (names.size < MAX_CHANNELS_PER_CONNECTION) names.add(name);
    else reportAutomatic(invocation, channel, `exceeds the limit of ${names.size} channels`);
  }
  return [...names];
}

function automaticName(invocation: EventInvocation, channel: CompiledChannel): string | undefined {
  const { autoSubscribe } = channel.options;
  if (!autoSubscribe) return undefined;
  const params: unknown = autoSubscribe === true ? {} : autoSubscribe(invocation.connection);
  if (params === undefined) return undefined;
  if (isPromiseLike(params)) {
    // An unhandled rejection would end the environment.
    Promise.resolve(params).catch(() => {});
    reportAutomatic(invocation, channel, 'returned a promise');
    return undefined;
  }
  try {
    return channelName(channel.pattern, params as Record<string, string>);
  } catch (error) {
    const reason = reasonOf(error).replace(/\.$/, '');
    reportAutomatic(invocation, channel, `led to a name that is not legal: ${reason}`);
    return undefined;
  }
}

async function mayJoin(
  invocation: EventInvocation,
  channel: CompiledChannel,
  name: string,
): Promise<boolean> {
  // The class that the name belongs to decides. It may be another class than the one with autoSubscribe.
  const other = invocation.core.table.find(name)?.value;
  if (other && other !== channel) {
    const names = { label: channel.label, channel: name, other: other.label };
    invocation.report(makeError('ERR_CHANNEL_RULE_MISMATCH', names));
    return false;
  }
  try {
    await authorizeChannel(invocation, name, 'subscribe');
    return true;
  } catch (error) {
    if (ClientError.is(error)) return false;
    throw error;
  }
}

function reportAutomatic(
  invocation: EventInvocation,
  { label }: CompiledChannel,
  problem: string,
): void {
  invocation.report(makeError('ERR_AUTO_CHANNEL', { label, problem }));
}
