/** What an `Authorization` header of AWS Signature Version 4 says. */
export interface Claim {
  readonly accessKeyId: string;
  /** `yyyymmdd` */
  readonly day: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** Reads the header, or says what is wrong with it. */
export function readAuthorization(header: string): Claim | string {
  const [algorithm, ...rest] = header.split(' ');
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

  const [accessKeyId = '', day = '', region = '', service = '', end] = (
    parts.get('Credential') ?? ''
  ).split('/');
  if (end !== 'aws4_request') {
    return 'The Credential is not of the form "KEY/DATE/REGION/SERVICE/aws4_request".';
  }
  const signedHeaders = (parts.get('SignedHeaders') ?? '').toLowerCase().split(';');
  const signature = parts.get('Signature') ?? '';
  return { accessKeyId, day, region, service, signedHeaders, signature };
}
