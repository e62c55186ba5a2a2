import { sayFarewell, TOKEN_EXPIRED } from '../deliver/farewell.js';
import { ClientError } from '../errors/client-error.js';
import type { ConnectionRecord } from '../store/connections.js';
import { type MaybePromise, whenReady } from '../time/maybe-promise.js';
import type { Connection, Identity } from '../wire/connection.js';
import { decodeIdentity, IDENTITY_KEY, makeConnection } from '../wire/identity.js';
import type { AppCore, EventInvocation } from './app-invocation.js';

/**
 * The sender of a message. The identity from a deployed authorizer comes with every event; the one from
 * an authorizer inside `$connect` is in the store. In an app without an authorizer everyone is a guest,
 * and an identity in the event is ignored.
 *
 * @throws ClientError - ERR_CONNECTION_UNKNOWN, if the store does not have the connection;
 * ERR_UNAUTHORIZED, if the identity cannot be read or has expired. Then the connection is closed.
 */
export function identify(invocation: EventInvocation): MaybePromise<Connection> {
  const { core, request } = invocation;
  if (!core.authorizer) return makeConnection(request, undefined);
  const marker = request.authorizer?.[IDENTITY_KEY];
  const identity =
    marker === undefined
      ? (core.identities.get(request.connectionId) ?? readIdentity(invocation))
      : decodeIdentity(marker);
  return whenReady(identity, (known) =>
    (known.expiresAt ?? Infinity) > core.now()
      ? makeConnection(request, known)
      : endExpired(invocation),
  );
}

async function readIdentity(invocation: EventInvocation): Promise<Identity> {
  const { core, request } = invocation;
  const record = await invocation.connections.get(request.connectionId, invocation.limit());
  // A connection without a stored identity is not treated as a guest, even if it was opened before the
  // app had an authorizer.
  if (record?.identity === undefined) {
    throw new ClientError('ERR_CONNECTION_UNKNOWN', 'The connection is not known. Connect again.');
  }
  const identity = decodeIdentity(record.identity);
  core.identities.keep(request.connectionId, identity);
  return identity;
}

async function endExpired(invocation: EventInvocation): Promise<never> {
  const { poster } = invocation.stage();
  const outcome = await sayFarewell(invocation.request.connectionId, TOKEN_EXPIRED, {
    poster,
    limit: invocation.limit(),
  });
  if ('error' in outcome) invocation.report(outcome.error);
  throw new ClientError('ERR_UNAUTHORIZED', TOKEN_EXPIRED.reason);
}

/**
 * The identity in a record, for handlers that run after a connection or a subscription has ended. If
 * there is none or it cannot be read, they run with only the user's id.
 *
 * @param text - The encoded identity.
 */
export function identityOfRecord(
  { authorizer }: AppCore,
  { userId, identity }: ConnectionRecord,
  text: unknown = identity,
): Identity {
  if (!authorizer) return {};
  const user = userId === undefined ? {} : { userId };
  try {
    return decodeIdentity(text);
  } catch {
    return user;
  }
}
