/** Headers by their names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** What a request says of its AWS Signature Version 4. */
export interface Claim extends Scope {
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `20261124T080910Z` */
  readonly date: string;
  readonly sessionToken: string | undefined;
  /** For how long from its date a signature in a query string is valid, in seconds. */
  readonly validForSeconds: number | undefined;
}

/** What a key was used for. */
export interface Scope {
  readonly accessKeyId: string;
  /** `yyyymmdd` */
  readonly day: string;
  readonly region: string;
  readonly service: string;
}

/** Reads the `Authorization` header, or says what is wrong; `undefined` when there is none. */
export function readAuthorization(headers: RequestHeaders): Claim | string | undefined {
  const { authorization } = headers;
  if (typeof authorization !== 'string' || authorization === '') return undefined;
  const [algorithm, ...rest] = authorization.split(' ');
  if (algorithm !== 'AWS4-HMAC-SHA256') {
    return `The algorithm "${algorithm}" of the Authorization header is not "AWS4-HMAC-SHA256".`;
  }
  const parts = new Map(
    rest
      .join(' ')
      .split(',')
      .map((part): [string, string] => {
        const [name = '', ...value] = part.trim().split('=');
        return [name, value.join('=')];
      }),
  );
  const missing = ['Credential', 'SignedHeaders', 'Signature'].find((name) => !parts.get(name));
  if (missing !== undefined) return `Authorization header requires "${missing}" parameter.`;

  const scope = readScope(parts.get('Credential') ?? '');
  if (typeof scope === 'string') return scope;
  const token = headers['x-amz-security-token'];
  return {
    ...scope,
    signedHeaders: (parts.get('SignedHeaders') ?? '').toLowerCase().split(';'),
    signature: parts.get('Signature') ?? '',
    date: String(headers['x-amz-date']),
    sessionToken: token === undefined ? undefined : String(token),
    validForSeconds: undefined,
  };
}

/** Reads `KEY/DATE/REGION/SERVICE/aws4_request`, or says that it is none. */
export function readScope(credential: string): Scope | string {
  const [accessKeyId = '', day = '', region = '', service = '', end] = credential.split('/');
  return end === 'aws4_request'
    ? { accessKeyId, day, region, service }
    : 'The Credential is not of the form "KEY/DATE/REGION/SERVICE/aws4_request".';
}
