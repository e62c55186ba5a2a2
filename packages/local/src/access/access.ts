import type { IncomingMessage } from 'node:http';
import type { Api } from '../api.js';
import type { ServedRoute } from '../deployment.js';
import type { Credentials } from './credentials.js';
import { problemWithPermission } from './permissions.js';
import { verifySignature } from './signature.js';

/** Where API Gateway finds the API key of a client (row 4.12). */
export type ApiKeySelectionExpression =
  | '$request.header.x-api-key'
  | '$context.authorizer.usageIdentifierKey';

/** What opens the API to a client that its routes do not let in by themselves. */
export interface Access {
  readonly credentials: Credentials;
  readonly apiKeys: ReadonlySet<string>;
  readonly apiKeySelectionExpression: ApiKeySelectionExpression;
}

/** A handshake, as far as the authorizer has let it in. */
export interface Applicant {
  readonly request: IncomingMessage;
  readonly connectionId: string;
  /** What the authorizer named as the client's API key. */
  readonly usageIdentifierKey: string | undefined;
}

/**
 * Whether `$connect` lets a client in as far as signature and API key go (rows 3.19, 3.20). Reports
 * why it does not: the client is told 403 and no more.
 */
export async function mayConnect(
  api: Api,
  route: ServedRoute | undefined,
  applicant: Applicant,
): Promise<boolean> {
  const detail =
    (route?.authorizationType === 'AWS_IAM'
      ? await problemWithSignature(api, applicant.request)
      : undefined) ??
    (route?.apiKeyRequired === true ? problemWithApiKey(api.access, applicant) : undefined);
  if (detail === undefined) return true;
  const { connectionId } = applicant;
  api.report({ time: api.now(), route: '$connect', connectionId, result: 'refused', detail });
  return false;
}

async function problemWithSignature(
  { access, facts }: Api,
  { method = '', url = '', headers }: IncomingMessage,
): Promise<string | undefined> {
  const verification = await verifySignature(
    { method, url, headers, body: Buffer.alloc(0) },
    access.credentials,
    facts.region,
  );
  if (!verification.isValid) return verification.message;
  const act = { action: 'execute-api:Invoke', path: '$connect' } as const;
  return problemWithPermission(verification.credential, facts, act);
}

function problemWithApiKey(
  { apiKeys, apiKeySelectionExpression }: Access,
  { request, usageIdentifierKey }: Applicant,
): string | undefined {
  const key =
    apiKeySelectionExpression === '$request.header.x-api-key'
      ? request.headers['x-api-key']
      : usageIdentifierKey;
  if (!key) return `There is no API key in ${apiKeySelectionExpression}.`;
  return apiKeys.has(String(key))
    ? undefined
    : `The API key in ${apiKeySelectionExpression} is none of the option apiKeys.`;
}
