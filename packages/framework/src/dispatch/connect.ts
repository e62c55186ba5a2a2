import { channelName, MAX_CHANNELS_PER_CONNECTION } from '@gatecast/protocol';
import { checkAccess, isOpen as isOpenToAll } from '../channel/access.js';
import type { CompiledChannel } from '../channel/route-table.js';
import { ClientError } from '../errors/client-error.js';
import { addressOf, connectionsWithin } from '../invocation/invocation.js';
import type { ConnectionRecord } from '../store/connections.js';
import type { Connection, Identity } from '../wire/connection.js';
import {
  checkOrigin,
  chooseSubprotocol,
  type Handshake,
  identify,
  readHandshake,
} from '../wire/handshake.js';
import { decodeIdentity, encodeIdentity, IDENTITY_KEY, makeConnection } from '../wire/identity.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import { type Call, connectContext } from './contexts.js';

// API Gateway cuts at 2 h (row 5.21); the rest is for clocks that disagree.
const ROW_LIFETIME_MS = (2 * 60 + 15) * 60_000;

const STATUS_OF: Readonly<Record<string, number>> = {
  ERR_UNAUTHORIZED: 401,
  ERR_PROTOCOL: 400,
  ERR_RATE_LIMIT: 429,
};

/** Opens a connection, or refuses it. */
export async function handleConnect(call: Call): Promise<ProxyResponse> {
  const { core, event } = call;
  const handshake = readHandshake(event);
  checkOrigin(handshake, core.origins);
  const subprotocol = chooseSubprotocol(handshake);
  const { identity, isInline } = await establish(call, handshake);
  const connection = makeConnection(event.requestContext, identity);
  const channels = await automaticChannels(call, connection);
  const ctx = connectContext(call, connection, { ...handshake, unopened: channels });
  let isOpen = false;
  const open = async (): Promise<void> => {
    for (const { connect } of core.table.channels) await connect?.call(ctx);
    await connectionsWithin(core, call.lambdaContext).connect(
      recordOf(call, identity, isInline),
      channels,
    );
    isOpen = true;
  };
  await (core.hooks.onConnect ? core.hooks.onConnect(ctx, open) : open());
  if (!isOpen) throw new ClientError('ERR_FORBIDDEN', 'A plugin refused the connection.');
  return {
    statusCode: 200,
    ...(subprotocol !== undefined && { headers: { 'Sec-WebSocket-Protocol': subprotocol } }),
  };
}

/** The status that refuses a handshake. Its body never reaches a browser, so there is none. */
export function refusalOf(error: unknown): ProxyResponse {
  if (!ClientError.is(error)) return { statusCode: 500 };
  return { statusCode: STATUS_OF[error.code] ?? 403 };
}

interface Established {
  readonly identity: Identity | undefined;
  /** Nobody but `$connect` has asked the authorizer, so nobody else will remember. */
  readonly isInline: boolean;
}

async function establish({ core, event }: Call, handshake: Handshake): Promise<Established> {
  const marker = event.requestContext.authorizer?.[IDENTITY_KEY];
  if (marker !== undefined) {
    const identity = decodeIdentity(marker);
    if (!identity) throw new ClientError('ERR_UNAUTHORIZED', 'The identity cannot be read.');
    return { identity, isInline: false };
  }
  if (!core.authorizer) return { identity: undefined, isInline: false };
  return { identity: await identify(core.authorizer, handshake), isInline: true };
}

function recordOf(
  { core, event: { requestContext } }: Call,
  identity: Identity | undefined,
  isInline: boolean,
): ConnectionRecord {
  return {
    connectionId: requestContext.connectionId,
    ...addressOf(requestContext),
    connectedAt: requestContext.connectedAt,
    expiresAt: core.now() + ROW_LIFETIME_MS,
    ...(identity?.userId !== undefined && { userId: identity.userId }),
    ...(identity?.expiresAt !== undefined && { identityExpiresAt: identity.expiresAt }),
    ...(identity && isInline && { identity: encodeIdentity(identity) }),
  };
}

/** Names of the channels that a new connection is subscribed to: those that want it and that it may use. */
async function automaticChannels(
  { core }: Call,
  connection: Connection,
): Promise<readonly string[]> {
  const names: string[] = [];
  for (const channel of core.table.channels) {
    const params = paramsFor(channel, connection);
    if (!params) continue;
    const name = channelName(channel.pattern, params);
    if (
      await mayUse({
        channel,
        params,
        connection,
        name,
        hasAuthorizer: core.authorizer !== undefined,
      })
    ) {
      names.push(name);
    }
  }
  return names.slice(0, MAX_CHANNELS_PER_CONNECTION);
}

function paramsFor(
  { options: { autoSubscribe } }: CompiledChannel,
  connection: Connection,
): Readonly<Record<string, string>> | undefined {
  if (typeof autoSubscribe === 'function') return autoSubscribe(connection);
  return autoSubscribe ? {} : undefined;
}

interface Candidate {
  readonly channel: CompiledChannel;
  readonly params: Readonly<Record<string, string>>;
  readonly connection: Connection;
  readonly name: string;
  readonly hasAuthorizer: boolean;
}

async function mayUse({
  channel,
  params,
  connection,
  name,
  hasAuthorizer,
}: Candidate): Promise<boolean> {
  const { access } = channel.options;
  if (isOpenToAll(access, hasAuthorizer)) return true;
  try {
    await checkAccess(access, { connection, params, channel: name, operation: 'subscribe' });
    return true;
  } catch (error) {
    if (ClientError.is(error)) return false;
    throw error;
  }
}
