import { generate } from 'selfsigned';

/** A certificate and its key, in PEM. */
export interface Pair {
  readonly cert: string;
  readonly private: string;
}

/** Makes a certificate authority that nothing trusts by default. */
export function makeAuthority(): Promise<Pair> {
  return generate([{ name: 'commonName', value: 'Authority of a test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
}

/** Makes the certificate of a server: by default for localhost, valid for a day and self-signed. */
export function makeCertificate({
  authority,
  name = 'localhost',
  endsAt = new Date(Date.now() + 86_400_000),
}: {
  readonly authority?: Pair;
  readonly name?: string;
  readonly endsAt?: Date;
} = {}): Promise<Pair> {
  return generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(endsAt.getTime() - 2 * 86_400_000),
    notAfterDate: endsAt,
    ...(authority && { ca: { cert: authority.cert, key: authority.private } }),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
    ],
  });
}
