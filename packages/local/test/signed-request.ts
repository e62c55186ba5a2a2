import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { type Agent, request as httpRequest, type IncomingMessage } from 'node:http';

export interface SigningKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface SignedRequestOptions {
  readonly port: number;
  /** The path, sent unchanged. */
  readonly path: string;
  readonly key: SigningKey;
  /** @default 'POST' */
  readonly method?: string;
  readonly body?: string | Buffer;
  /** Further signed headers. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly region?: string;
  readonly service?: string;
  readonly date?: Date;
  /** @default a TCP connection of its own */
  readonly agent?: Agent;
  /** Changes the headers after signing. */
  readonly tamper?: (headers: Record<string, string>) => Record<string, string>;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface PlainRequest {
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** @default a TCP connection of its own */
  readonly agent?: Agent | false;
}

/** Sends a request with the path exactly as given. */
export async function sendRequest(options: PlainRequest): Promise<HttpResponse> {
  const { port, path, method = 'GET', headers = {}, body = '', agent = false } = options;
  const request = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, body: text };
}

/** Sends a signed request (AWS Signature Version 4) without a library. */
export async function sendSigned(options: SignedRequestOptions): Promise<HttpResponse> {
  const { port, path, method = 'POST', body = '', tamper = (headers) => headers } = options;
  const headers = tamper(sign(options));
  return sendRequest({ port, path, method, headers, body, agent: options.agent ?? false });
}

/** The headers of a signed request. */
export function sign(options: SignedRequestOptions): Record<string, string> {
  const { key } = options;
  const { time, scope } = timeAndScope(options);
  const headers: Record<string, string> = {
    host: `localhost:${options.port}`,
    'x-amz-date': time,
    ...(key.sessionToken !== undefined && { 'x-amz-security-token': key.sessionToken }),
    ...options.headers,
  };
  const names = Object.keys(headers).sort();
  const [path = '', query = ''] = options.path.split('?');
  const canonical = [
    options.method ?? 'POST',
    path.split('/').map(encode).join('/'),
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    createHash('sha256')
      .update(options.body ?? '')
      .digest('hex'),
  ].join('\n');
  const signature = signatureOf(canonical, { key, time, scope });
  const credential = `Credential=${key.accessKeyId}/${scope}`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

/** A path with a signature in its query string, like in a presigned URL. */
export function presign(
  options: SignedRequestOptions & {
    /** In seconds. @default 60 */
    readonly expires?: number | string;
    /** Changes the parameters before they are signed; `undefined` leaves one out. */
    readonly parameters?: Readonly<Record<string, string | undefined>>;
  },
): string {
  const { key, method = 'GET', port, expires = 60 } = options;
  const { time, scope } = timeAndScope(options);
  const headers: Record<string, string> = { host: `localhost:${port}`, ...options.headers };
  const names = Object.keys(headers).sort();
  const [path = '', search = ''] = options.path.split('?');
  const parameters = {
    ...Object.fromEntries(new URLSearchParams(search)),
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${key.accessKeyId}/${scope}`,
    'X-Amz-Date': time,
    'X-Amz-Expires': String(expires),
    'X-Amz-Security-Token': key.sessionToken,
    'X-Amz-SignedHeaders': names.join(';'),
    ...options.parameters,
  };
  const query = Object.entries(parameters)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${encode(name)}=${encode(value)}`]))
    .sort()
    .join('&');
  const canonical = [
    method,
    path.split('/').map(encode).join('/'),
    query,
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    createHash('sha256')
      .update(options.body ?? '')
      .digest('hex'),
  ].join('\n');
  return `${path}?${query}&X-Amz-Signature=${signatureOf(canonical, { key, time, scope })}`;
}

function timeAndScope(options: SignedRequestOptions): { time: string; scope: string } {
  const { region = 'us-east-1', service = 'execute-api', date = new Date() } = options;
  const time = date.toISOString().replace(/[-:]|\.\d+/g, '');
  return { time, scope: `${time.slice(0, 8)}/${region}/${service}/aws4_request` };
}

function signatureOf(
  canonical: string,
  { key, time, scope }: { readonly key: SigningKey; readonly time: string; readonly scope: string },
): string {
  const hash = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', time, scope, hash].join('\n');
  const signingKey = scope
    .split('/')
    .reduce<string | Buffer>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      `AWS4${key.secretAccessKey}`,
    );
  return createHmac('sha256', signingKey).update(text).digest('hex');
}

function encode(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
