import { sayFarewell, TOKEN_EXPIRED } from '../deliver/farewell.js';
import { ClientError } from '../errors/client-error.js';
import type { ConnectionRecord } from '../store/connections.js';
import { type MaybePromise, whenReady } from '../time/maybe-promise.js';
import type { Connection, Identity } from '../wire/connection.js';
import { decodeIdentity, IDENTITY_KEY, makeConnection } from '../wire/identity.js';
import type { AppCore, EventInvocation } from './app-invocation.js';

/**
 * Who sent a message. What a deployed authorizer said comes with every event; what an authorizer inside
 * `$connect` said is in the store. An app without authorizer has guests only, whatever an event says.
 *
 * @throws ClientError - ERR_CONNECTION_UNKNOWN, when nothing is known of the connection (any more);
 * ERR_UNAUTHORIZED, when what is known cannot be read, or has expired: then the connection is closed.
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
  // A missing row does not make a guest, nor does one from a time when the app had no authorizer.
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
 * The identity in a record, for the handlers that run when a connection or a subscription has ended. When
 * it cannot be read they run all the same, with the user's id alone.
 *
 * @param text - The identity as it is known.
 */
export function identityOfRecord(
  { authorizer }: AppCore,
  { userId, identity }: ConnectionRecord,
  text: unknown = identity,
): Identity {
  if (!authorizer) return {};
  const user = userId === undefined ? {} : { userId };
  try {
    return text === undefined ? user : decodeIdentity(text);
  } catch {
    return user;
  }
}
