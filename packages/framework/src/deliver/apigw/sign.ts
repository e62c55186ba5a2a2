import { createHmac, hash } from 'node:crypto';

/** What signs a request to AWS. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials, such as those of a Lambda function. */
  readonly sessionToken?: string;
}

/** A request as it is signed. It has no query string. */
export interface RequestToSign {
  readonly method: string;
  /** As it is sent: percent-encoded already. */
  readonly path: string;
  /** `host` and whatever else is to be signed. The names are in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** {@link sha256} of the body. */
  readonly bodyHash: string;
}

/**
 * Signs one request at a time, in milliseconds since 1970.
 *
 * @returns All headers to send, names and values in turns: those given, `x-amz-date`,
 * `x-amz-security-token` and `authorization`.
 */
export type Sign = (request: RequestToSign, credentials: Credentials, at: number) => string[];

const ALGORITHM = 'AWS4-HMAC-SHA256';
const BLOCK_BYTES = 64;
const HASH_BYTES = 32;

/** SHA-256 of a text, in hexadecimal digits. */
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
    const { sessionToken } = credentials;
    const all: Record<string, string> = { ...headers, 'x-amz-date': latest.date };
    if (sessionToken) all['x-amz-security-token'] = sessionToken;
    const names = Object.keys(all).sort();
    const list: string[] = [];
    let canonical = `${method}\n${canonicalPath(path)}\n\n`;
    for (const name of names) {
      const value = all[name] as string;
      list.push(name, value);
      canonical += `${name}:${trimmed(value)}\n`;
    }
    const signed = names.join(';');
    const signature = latest.sign(sha256(`${canonical}\n${signed}\n${bodyHash}`));
    list.push(
      'authorization',
      `${latest.credential}, SignedHeaders=${signed}, Signature=${signature}`,
    );
    return list;
  };
}

interface SigningOptions {
  /** The time, in seconds since 1970. */
  readonly second: number;
  readonly service: string;
  readonly region: string;
  /** One whose key may still hold. */
  readonly before: Signing | undefined;
}

/** Signs within one second. What the requests of that second have in common is made once. */
class Signing {
  readonly credentials: Credentials;
  readonly second: number;
  /** The time as `x-amz-date`. */
  readonly date: string;
  /** How the header `authorization` begins. */
  readonly credential: string;
  readonly #key: SigningKey;
  /** The inner pad of HMAC, then what is signed: all but the last 64 digits stay the same. */
  readonly #inner: Buffer;

  constructor(credentials: Credentials, { second, service, region, before }: SigningOptions) {
    this.credentials = credentials;
    this.second = second;
    this.date = new Date(second * 1_000).toISOString().replace(/[-:]|\.\d+/g, '');
    const scope = `${this.date.slice(0, 8)}/${region}/${service}/aws4_request`;
    this.credential = `${ALGORITHM} Credential=${credentials.accessKeyId}/${scope}`;
    const { secretAccessKey } = credentials;
    const key = before ? before.#key : undefined;
    const isSame = key?.scope === scope && key.secret === secretAccessKey;
    this.#key = isSame ? key : new SigningKey(secretAccessKey, scope);
    const head = Buffer.from(`${ALGORITHM}\n${this.date}\n${scope}\n`);
    this.#inner = Buffer.concat([this.#key.innerPad, head, Buffer.alloc(2 * HASH_BYTES)]);
  }

  sign(requestHash: string): string {
    this.#inner.write(requestHash, this.#inner.length - 2 * HASH_BYTES, 'latin1');
    const { outer } = this.#key;
    // HMAC by hand: a key made once costs less than a createHmac() for each request.
    hash('sha256', this.#inner, 'buffer').copy(outer, BLOCK_BYTES);
    return hash('sha256', outer, 'hex');
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

/** Encodes the path a second time, without empty and relative segments, as all services but S3 expect. */
function canonicalPath(path: string): string {
  const encoded = encodeURIComponent(normalized(path)).replaceAll('%2F', '/');
  return encoded.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function normalized(path: string): string {
  if (!/\/(?:\/|\.{1,2}(?:\/|$))/.test(path)) return path;
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  const isFolder = segments.length > 0 && path.endsWith('/');
  return `/${segments.join('/')}${isFolder ? '/' : ''}`;
}
