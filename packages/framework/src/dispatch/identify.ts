import { sayFarewell, TOKEN_EXPIRED } from '../deliver/farewell.js';
import { ClientError } from '../errors/client-error.js';
import type { ConnectionRecord } from '../store/connections.js';
import { type MaybePromise, whenReady } from '../time/maybe-promise.js';
import type { Connection, Identity } from '../wire/connection.js';
import { decodeIdentity, IDENTITY_KEY, makeConnection } from '../wire/identity.js';
import type { AppCore, EventInvocation } from './app-invocation.js';

/**
 * Who sent a message. What the deployed authorizer said rides on every event; what was established
 * inside `$connect` is in the store. An app without authorizer knows nobody, and believes nothing.
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
  // Neither a connection without a row nor a row of a time without authorizer makes a guest.
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
 * Whom a record is about, for the handlers of what has ended: what cannot be read any more refuses nobody
 * there, and makes nobody a guest.
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
