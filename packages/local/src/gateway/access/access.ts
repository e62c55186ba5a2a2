import type { IncomingMessage } from 'node:http';
import type { Api } from '../api.js';
import type { ServedRoute } from '../deployment.js';
import type { Credentials } from './credentials.js';
import { problemWithPermission } from './permissions.js';
import { senderOf } from './sender.js';
import { verifySignature } from './signature.js';

/** Where API Gateway finds the API key of a client (row 4.12). @group Access and identity */
export type ApiKeySelectionExpression =
  | '$request.header.x-api-key'
  | '$context.authorizer.usageIdentifierKey';

/** The access keys and API keys that protected routes accept. */
export interface Access {
  readonly credentials: Credentials;
  readonly apiKeys: ReadonlySet<string>;
  readonly apiKeySelectionExpression: ApiKeySelectionExpression;
}

/** A handshake that the authorizer, if any, has accepted. */
export interface AuthorizedHandshake {
  readonly request: IncomingMessage;
  readonly connectionId: string;
  /** The client's API key in the authorizer's result. */
  readonly usageIdentifierKey: string | undefined;
}

/**
 * Whether the signature and the API key of a client allow it to connect (rows 3.19, 3.20). The reason of
 * a refusal is reported, because the client only gets 403.
 */
export async function mayConnect(
  api: Api,
  route: ServedRoute | undefined,
  handshake: AuthorizedHandshake,
): Promise<boolean> {
  const detail =
    (route?.authorizationType === 'AWS_IAM'
      ? await problemWithSignature(api, handshake.request)
      : undefined) ??
    (route?.apiKeyRequired === true ? problemWithApiKey(api.access, handshake) : undefined);
  if (detail === undefined) return true;
  const { connectionId } = handshake;
  api.report({ time: api.now(), route: '$connect', connectionId, result: 'refused', detail });
  return false;
}

async function problemWithSignature(
  { access, details, now }: Api,
  request: IncomingMessage,
): Promise<string | undefined> {
  const { method = '', url = '', headers } = request;
  const verification = await verifySignature(
    { method, url, headers, body: Buffer.alloc(0) },
    access.credentials,
    { services: ['execute-api'], region: details.region },
  );
  if (!verification.isValid) return verification.message;
  const { credentials } = access;
  const signer = { credentials, credential: verification.credential };
  return problemWithPermission(signer, details, {
    action: 'execute-api:Invoke',
    path: '$connect',
    now: now(),
    ...senderOf(request),
  });
}

function problemWithApiKey(
  { apiKeys, apiKeySelectionExpression }: Access,
  { request, usageIdentifierKey }: AuthorizedHandshake,
): string | undefined {
  const key =
    apiKeySelectionExpression === '$request.header.x-api-key'
      ? request.headers['x-api-key']
      : usageIdentifierKey;
  if (!key) return `There is no API key in ${apiKeySelectionExpression}.`;
  return apiKeys.has(String(key))
    ? undefined
    : `The API key in ${apiKeySelectionExpression} is not in the option apiKeys.`;
}
