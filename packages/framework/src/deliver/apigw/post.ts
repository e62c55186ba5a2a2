import type { DeliveryError } from '../../errors/gatecast-error.js';
import { makeError } from '../../errors/gatecast-error.js';
import type { TimeLimit } from '../../time/time-limit.js';
import type { Gateway, PostOutcome } from '../gateway.js';
import {
  type CredentialCache,
  type CredentialSource,
  environmentCredentials,
  NoCredentials,
  suppliedCredentials,
} from './credentials.js';
import type { Endpoint } from './endpoint.js';
import { type Credentials, type Sign, sha256, signer } from './sign.js';
import { type Answer, makeTransport, type NoAnswer, type Transport } from './transport.js';

/** AWS refuses signatures if our clock is 5 min off. It is corrected from one minute on. */
const SUSPICIOUS_SKEW_MS = 60_000;
const KEPT_BODIES = 8;
/**
 * Types of a 403 that mean bad credentials, not a missing permission. `MissingAuthenticationToken` is not
 * one of them, because a wrong path gets it, too.
 */
const BAD_CREDENTIALS = /^(?!Missing)\w*(?:Signature|Token|Client)\w*$/;

/** The `@connections` API of one endpoint. Its requests are signed here, without the AWS SDK. */
export function connectionsGateway(endpoint: Endpoint, credentials?: CredentialSource): Gateway {
  return new ConnectionsApi(endpoint, credentials);
}

/** The body of a request, with values that all requests with this body share. */
interface Body {
  readonly text: string;
  readonly hash: string;
  readonly bytes: string;
}

/** Attempts to mend a refused signature. Each is made at most once per request. */
interface Mends {
  hasRenewed: boolean;
  hasSetClock: boolean;
}

class ConnectionsApi implements Gateway {
  readonly #endpoint: Endpoint;
  readonly #credentials: CredentialCache;
  readonly #sign: Sign;
  readonly #transport: Transport;
  readonly #headers: Readonly<Record<Call['method'], Readonly<Record<string, string>>>>;
  readonly #bodies: Body[] = [];
  #nextBody = 0;
  /** The time of the server minus ours, in milliseconds. */
  #skewMs = 0;

  constructor(endpoint: Endpoint, credentials: CredentialSource | undefined) {
    this.#endpoint = endpoint;
    this.#credentials = credentials ? suppliedCredentials(credentials) : environmentCredentials();
    this.#sign = signer('execute-api', endpoint.region);
    this.#transport = makeTransport(endpoint);
    const { host } = endpoint;
    // API Gateway ignores the type; the AWS SDK sends this one.
    this.#headers = {
      POST: { 'content-type': 'application/octet-stream', host },
      DELETE: { host },
    };
  }

  post(connectionId: string, frame: string, limit: TimeLimit = {}): Promise<PostOutcome> {
    return this.#call({ method: 'POST', connectionId, body: this.#bodyOf(frame) }, limit);
  }

  disconnect(connectionId: string, limit: TimeLimit = {}): Promise<PostOutcome> {
    return this.#call({ method: 'DELETE', connectionId, body: this.#bodyOf('') }, limit);
  }

  async #call(call: Call, limit: TimeLimit): Promise<PostOutcome> {
    const mends: Mends = { hasRenewed: false, hasSetClock: false };
    for (;;) {
      try {
        const known = this.#credentials.get();
        const credentials = known instanceof Promise ? await known : known;
        const signedAt = Date.now() + this.#skewMs;
        const answer = await this.#send(call, { credentials, signedAt, limit });
        const isRefused = 'status' in answer && answer.status === 403;
        if (isRefused && (await this.#mend(answer, { credentials, signedAt, mends }))) continue;
        return this.#outcomeOf(answer);
      } catch (error) {
        if (error instanceof NoCredentials) return this.#withoutCredentials(error.message);
        throw error;
      }
    }
  }

  #send(
    { method, connectionId, body }: Call,
    { credentials, signedAt, limit }: Sending,
  ): Promise<Answer | NoAnswer> {
    const path = `${this.#endpoint.basePath}/@connections/${encoded(connectionId)}`;
    const headers = this.#headers[method];
    const request = { method, path, headers, bodyHash: body.hash };
    const signed = this.#sign(request, credentials, signedAt);
    if (method === 'POST') signed.push('content-length', body.bytes);
    return this.#transport({ method, path, headers: signed, body: body.text }, limit);
  }

  /** Mends a possible cause of the refusal. Returns whether to try again. */
  async #mend(answer: Answer, { credentials, signedAt, mends }: Refused): Promise<boolean> {
    const serverTime = Date.parse(answer.headers.date ?? '');
    if (!mends.hasSetClock && Math.abs(serverTime - signedAt) > SUSPICIOUS_SKEW_MS) {
      mends.hasSetClock = true;
      this.#skewMs = serverTime - Date.now();
      return true;
    }
    if (mends.hasRenewed || !isExpired(answer)) return false;
    mends.hasRenewed = true;
    return this.#credentials.renew(credentials);
  }

  #outcomeOf(answer: Answer | NoAnswer): PostOutcome {
    const endpoint = this.#endpoint.url;
    const failed = (reason: string): DeliveryError =>
      makeError('ERR_DELIVERY_FAILED', { endpoint, reason });
    if ('code' in answer) {
      const { code } = answer;
      if (code === 'ETIMEDOUT') return { result: 'retry', error: failed('no answer in time') };
      return { result: isCertificateFault(code) ? 'refused' : 'retry', error: failed(code) };
    }
    const { status } = answer;
    if (status >= 200 && status < 300) return { result: 'delivered' };
    if (status === 410) return { result: 'gone' };
    if (status === 429) {
      return { result: 'throttled', error: makeError('ERR_DELIVERY_THROTTLED', { endpoint }) };
    }
    const type = typeOf(answer);
    if (status === 403 && BAD_CREDENTIALS.test(type)) {
      return this.#withoutCredentials(`they were refused (${type})`);
    }
    if (status === 403) {
      const error = makeError('ERR_DELIVERY_FORBIDDEN', { endpoint, reason: type });
      return { result: 'refused', error };
    }
    const error = failed(`${type} (${status})`);
    if (status >= 500 || status === 408) return { result: 'retry', error };
    // Row 6.10: the answer for an unknown connection is 410. So this is another kind of server.
    return { result: status === 404 || status < 400 ? 'refused' : 'failed', error };
  }

  #withoutCredentials(problem: string): PostOutcome {
    const endpoint = this.#endpoint.url;
    return {
      result: 'refused',
      error: makeError('ERR_DELIVERY_CREDENTIALS', { endpoint, problem }),
    };
  }

  // One frame goes to all subscribers of a channel, so it is hashed once.
  #bodyOf(text: string): Body {
    const known = this.#bodies.find((body) => body.text === text);
    if (known) return known;
    const body = { text, hash: sha256(text), bytes: String(Buffer.byteLength(text)) };
    this.#bodies[this.#nextBody] = body;
    this.#nextBody = (this.#nextBody + 1) % KEPT_BODIES;
    return body;
  }
}

interface Call {
  readonly method: 'POST' | 'DELETE';
  readonly connectionId: string;
  readonly body: Body;
}

interface Sending {
  readonly credentials: Credentials;
  readonly signedAt: number;
  readonly limit: TimeLimit;
}

interface Refused extends Omit<Sending, 'limit'> {
  readonly mends: Mends;
}

function encoded(connectionId: string): string {
  return encodeURIComponent(connectionId).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function isExpired(answer: Answer): boolean {
  return /ExpiredToken|security token included in the request is expired/.test(
    `${String(answer.headers['x-amzn-errortype'])} ${answer.text}`,
  );
}

function isCertificateFault(code: string): boolean {
  return /CERT|^ERR_TLS_|^UNABLE_TO_/.test(code);
}

/**
 * The type of an error. Not its text, because for a refused signature the text contains the signed
 * request with the session token.
 */
function typeOf({ headers, text }: Answer): string {
  const [type] = /^\w+/.exec(String(headers['x-amzn-errortype'] ?? '')) ?? [];
  if (type !== undefined) return type;
  const [harmless] = /Missing Authentication Token|Forbidden/.exec(text) ?? [];
  return harmless ?? 'no reason given';
}
