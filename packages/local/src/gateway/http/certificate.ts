import { generate } from 'selfsigned';

/** A certificate for this machine and the authority that signed it, all in PEM. */
export interface Certificate {
  readonly authority: string;
  readonly key: string;
  readonly certificate: string;
}

let certificate: Promise<Certificate> | undefined;

/**
 * Makes the certificate at the first call. All gateways of one process share it, because making it takes
 * time.
 */
export async function localCertificate(): Promise<Certificate> {
  certificate ??= makeCertificate();
  return certificate;
}

async function makeCertificate(): Promise<Certificate> {
  const authority = await generate([{ name: 'commonName', value: 'Gatecast local authority' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { authority: authority.cert, key: leaf.private, certificate: leaf.cert };
}
