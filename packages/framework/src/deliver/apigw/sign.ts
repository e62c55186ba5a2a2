import { createHmac, hash } from 'node:crypto';

/** Credentials to sign requests to AWS. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Only for temporary credentials, such as those of a Lambda function. */
  readonly sessionToken?: string;
}

/** A request to sign, without a query string. */
export interface RequestToSign {
  readonly method: string;
  /** As it is sent, so already percent-encoded. */
  readonly path: string;
  /**
   * `host` and other headers to sign, with names in lower case. Do not change the object: the signer
   * keeps its result for later requests with the same object.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** {@link sha256} of the body. */
  readonly bodyHash: string;
}

/**
 * Signs a request. The time of the signature, `at`, is in milliseconds since 1970.
 *
 * @returns All headers to send, as alternating names and values: those of the request, `x-amz-date`,
 * `x-amz-security-token` and `authorization`.
 */
export type Sign = (request: RequestToSign, credentials: Credentials, at: number) => string[];

const ALGORITHM = 'AWS4-HMAC-SHA256';
const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
const RELATIVE_SEGMENT = /\/(?:\/|\.{1,2}(?:\/|$))/;
/** Paths in which only `%` and `@` must be encoded, as in all paths of `@connections`. */
const PLAIN_PATH = /^[\w\-.~/%@]*$/;

/** SHA-256 of a string, in hexadecimal digits. */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}

/**
 * Makes a signer for one service in one Region (AWS documentation, "Signature Version 4").
 *
 * @param service - As in the credential scope: `execute-api`, `sqs`.
 */
export function signer(service: string, region: string): Sign {
  let latest: Signing | undefined;
  return ({ method, path, headers, bodyHash }, credentials, at) => {
    const second = Math.floor(at / 1_000);
    if (latest?.second !== second || latest.credentials !== credentials) {
      latest = new Signing(credentials, { second, service, region, before: latest });
    }
    return latest.sign(`${method}\n${canonicalPath(path)}`, headers, bodyHash);
  };
}

/** The part of the headers that all requests of one second share. */
interface PreparedHeaders {
  /** Alternating names and values. */
  readonly list: readonly string[];
  /** The canonical form to hash: a line for each header, then the names. */
  readonly canonical: string;
  /** The value of `authorization` up to the signature. */
  readonly authorization: string;
}

interface SigningOptions {
  /** The time, in seconds since 1970. */
  readonly second: number;
  readonly service: string;
  readonly region: string;
  /** The previous one. Its key may still be valid. */
  readonly before: Signing | undefined;
}

/** Signs the requests of one second. Everything that they have in common is made once. */
class Signing {
  readonly credentials: Credentials;
  readonly second: number;
  /** The time as `x-amz-date`. */
  readonly #date: string;
  readonly #key: SigningKey;
  /** The inner pad of HMAC, then the string to sign. Only its last 64 digits change. */
  readonly #inner: Buffer;
  readonly #prepared = new WeakMap<RequestToSign['headers'], PreparedHeaders>();
  readonly #credential: string;

  constructor(credentials: Credentials, { second, service, region, before }: SigningOptions) {
    this.credentials = credentials;
    this.second = second;
    this.#date = new Date(second * 1_000).toISOString().replace(/[-:]|\.\d+/g, '');
    const scope = `${this.#date.slice(0, 8)}/${region}/${service}/aws4_request`;
    this.#credential = `${credentials.accessKeyId}/${scope}`;
    const { secretAccessKey } = credentials;
    const key = before ? before.#key : undefined;
    const isSame = key?.scope === scope && key.secret === secretAccessKey;
    this.#key = isSame ? key : new SigningKey(secretAccessKey, scope);
    const head = Buffer.from(`${ALGORITHM}\n${this.#date}\n${scope}\n`);
    this.#inner = Buffer.concat([this.#key.innerPad, head, Buffer.alloc(2 * HASH_BYTES)]);
  }

  /** @param target - Method and path, on separate lines. */
  sign(target: string, headers: RequestToSign['headers'], bodyHash: string): string[] {
    const { list, canonical, authorization } =
      this.#prepared.get(headers) ?? this.#prepare(headers);
    const signature = this.#hmac(sha256(`${target}\n\n${canonical}\n${bodyHash}`));
    return [...list, 'authorization', `${authorization}${signature}`];
  }

  #hmac(requestHash: string): string {
    this.#inner.write(requestHash, this.#inner.length - 2 * HASH_BYTES, 'latin1');
    const { outer } = this.#key;
    // HMAC with a prepared key, because createHmac() would prepare the key for each request.
    outer.write(hash('sha256', this.#inner, 'hex'), BLOCK_BYTES, 'hex');
    return hash('sha256', outer, 'hex');
  }

  #prepare(headers: RequestToSign['headers']): PreparedHeaders {
    const { sessionToken } = this.credentials;
    const all: Record<string, string> = { ...headers, 'x-amz-date': this.#date };
    if (sessionToken) all['x-amz-security-token'] = sessionToken;
    const sorted = Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1));
    const names = sorted.map(([name]) => name).join(';');
    const lines = sorted.map(([name, value]) => `${name}:${trimmed(value)}\n`).join('');
    const prepared = {
      list: sorted.flat(),
      canonical: `${lines}\n${names}`,
      authorization: `${ALGORITHM} Credential=${this.#credential}, SignedHeaders=${names}, Signature=`,
    };
    this.#prepared.set(headers, prepared);
    return prepared;
  }
}

/** The key of one day, Region and service, as the two pads of HMAC. */
class SigningKey {
  readonly secret: string;
  readonly scope: string;
  readonly innerPad: Buffer;
  /** The outer pad, and room for the inner hash. */
  readonly outer: Buffer;

  constructor(secret: string, scope: string) {
    this.secret = secret;
    this.scope = scope;
    let key = Buffer.from(`AWS4${secret}`);
    for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
    const block = Buffer.alloc(BLOCK_BYTES);
    key.copy(block);
    this.innerPad = Buffer.from(block.map((byte) => byte ^ 0x36));
    this.outer = Buffer.concat([block.map((byte) => byte ^ 0x5c), Buffer.alloc(HASH_BYTES)]);
  }
}

function trimmed(value: string): string {
  return value.trim().replace(/\s+/g, ' ');
}

/**
 * Encodes the path a second time, without empty and relative segments, as all services except S3 expect.
 */
function canonicalPath(path: string): string {
  const normal = RELATIVE_SEGMENT.test(path) ? normalized(path) : path;
  if (PLAIN_PATH.test(normal)) return normal.replaceAll('%', '%25').replaceAll('@', '%40');
  const encoded = encodeURIComponent(normal).replaceAll('%2F', '/');
  return encoded.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function normalized(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const isFolder = segments.length > 0 && path.endsWith('/');
  return `/${segments.join('/')}${isFolder ? '/' : ''}`;
}
