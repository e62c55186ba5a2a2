/** Headers by their names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** The AWS Signature Version 4 in a request, before it is verified. */
export interface ClaimedSignature extends Scope {
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** `20261124T080910Z` */
  readonly date: string;
  readonly sessionToken: string | undefined;
  /** How long a signature in a query string is valid from its date on, in seconds. */
  readonly validForSeconds: number | undefined;
}

/** The credential scope of a signature. */
export interface Scope {
  readonly accessKeyId: string;
  /** `yyyymmdd` */
  readonly day: string;
  readonly region: string;
  readonly service: string;
}

/**
 * Reads the `Authorization` header. Returns the problem as text, or `undefined` if there is no header.
 */
export function readAuthorization(headers: RequestHeaders): ClaimedSignature | string | undefined {
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

/** Reads `KEY/DATE/REGION/SERVICE/aws4_request`. Returns the problem as text if it has another form. */
export function readScope(credential: string): Scope | string {
  const [accessKeyId = '', day = '', region = '', service = '', end] = credential.split('/');
  return end === 'aws4_request'
    ? { accessKeyId, day, region, service }
    : 'The Credential is not of the form "KEY/DATE/REGION/SERVICE/aws4_request".';
}
