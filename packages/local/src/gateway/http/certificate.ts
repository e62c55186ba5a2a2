import { generate, type SubjectAltNameEntry } from 'selfsigned';

/** A certificate and its key, in PEM. */
export interface Leaf {
  readonly key: string;
  readonly certificate: string;
}

/** A certificate for this machine and the authority that signed it, all in PEM. */
export interface Certificate extends Leaf {
  readonly authority: string;
  /** The certificate for another host, by the same authority. It is made once for each. */
  of(host: string): Promise<Leaf>;
}

/** Most certificates of other hosts that are kept. */
const MAX_OTHERS = 50;

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
  const sign = async (commonName: string, altNames: SubjectAltNameEntry[]): Promise<Leaf> => {
    const leaf = await generate([{ name: 'commonName', value: commonName }], {
      keyType: 'ec',
      algorithm: 'sha256',
      ca: { key: authority.private, cert: authority.cert },
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
        { name: 'subjectAltName', altNames },
      ],
    });
    return { key: leaf.private, certificate: leaf.cert };
  };
  const local = await sign('localhost', [
    { type: 2, value: 'localhost' },
    { type: 7, ip: '127.0.0.1' },
    { type: 7, ip: '::1' },
  ]);
  const others = new Map<string, Promise<Leaf>>();
  return {
    authority: authority.cert,
    ...local,
    of(host) {
      const known = others.get(host);
      if (known) return known;
      // A client may name any number of Regions.
      if (others.size === MAX_OTHERS) others.clear();
      // A common name is limited to 64 characters, which the name of an API may exceed.
      const leaf = sign('API Gateway', [{ type: 2, value: host }]);
      others.set(host, leaf);
      return leaf;
    },
  };
}
