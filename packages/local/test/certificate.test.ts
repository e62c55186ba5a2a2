import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { afterEach, expect, it, vi } from 'vitest';
import type { Certificate, Leaf } from '../src/gateway/http/certificate.js';

/** The bytes of critical extensions (RFC 5280, 4.2.1): the object identifier, `critical`, and the value. */
const CRITICAL = {
  isAuthority: '0603551d130101ff040530030101ff',
  isNoAuthority: '0603551d130101ff04023000',
  signsCertificates: '0603551d0f0101ff040403020204',
  signsHandshakes: '0603551d0f0101ff040403020780',
};
/** `ecdsa-with-SHA256` (RFC 5758, 3.2). */
const ECDSA_WITH_SHA256 = '06082a8648ce3d040302';
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';
const DAY_MS = 86_400_000;

const parse = (pem: string): X509Certificate => new X509Certificate(pem);
const bytesOf = (certificate: X509Certificate): string => certificate.raw.toString('hex');

afterEach(() => {
  vi.restoreAllMocks();
});

/** The certificate of a process that has just started. */
async function freshCertificate(): Promise<Certificate> {
  vi.resetModules();
  const { localCertificate } = await import('../src/gateway/http/certificate.js');
  return localCertificate();
}

/** Connects to a server that has the certificate. Throws if the client does not trust it. */
async function trust({ key, certificate }: Leaf, authority: string, servername: string) {
  const server = createServer({ key, cert: certificate }).listen(0, '127.0.0.1');
  server.on('tlsClientError', () => {});
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const checked = servername === '127.0.0.1' ? {} : { servername };
  const socket = connect({ port, host: '127.0.0.1', ca: authority, ...checked });
  try {
    await once(socket, 'secureConnect');
    return socket.authorized;
  } finally {
    socket.destroy();
    await once(server.close(), 'close');
  }
}

it('all gateways of a process have the same certificate', async () => {
  vi.resetModules();
  const { localCertificate } = await import('../src/gateway/http/certificate.js');
  const [one, two] = await Promise.all([localCertificate(), localCertificate()]);
  expect(one).toBe(two);
  expect(one.authority).toContain('BEGIN CERTIFICATE');
  const other = await freshCertificate();
  expect(other.authority).not.toBe(one.authority);
});

it('the authority may only sign certificates, as every client checks', async () => {
  const warn = vi.spyOn(console, 'warn');
  const authority = parse((await freshCertificate()).authority);
  expect(authority.subject).toBe('CN=Gatecast local authority');
  expect(authority.verify(authority.publicKey)).toBe(true);
  expect(authority.ca).toBe(true);
  expect(authority.publicKey.asymmetricKeyType).toBe('ec');
  expect(bytesOf(authority)).toContain(CRITICAL.isAuthority);
  expect(bytesOf(authority)).toContain(CRITICAL.signsCertificates);
  expect(bytesOf(authority)).toContain(ECDSA_WITH_SHA256);
  expect(warn).not.toHaveBeenCalled();
});

it('the certificate of this machine has its three names, and is only for servers', async () => {
  const warn = vi.spyOn(console, 'warn');
  const { authority, certificate, key } = await freshCertificate();
  const leaf = parse(certificate);
  expect(leaf.subject).toBe('CN=localhost');
  expect(leaf.subjectAltName).toBe(
    'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  );
  expect(leaf.checkIssued(parse(authority))).toBe(true);
  expect(leaf.verify(parse(authority).publicKey)).toBe(true);
  expect(leaf.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(leaf.publicKey.asymmetricKeyType).toBe('ec');
  expect(leaf.keyUsage).toEqual([SERVER_AUTHENTICATION]);
  expect(bytesOf(leaf)).toContain(CRITICAL.isNoAuthority);
  expect(bytesOf(leaf)).toContain(CRITICAL.signsHandshakes);
  expect(bytesOf(leaf)).toContain(ECDSA_WITH_SHA256);
  expect(warn).not.toHaveBeenCalled();
});

it('every certificate is valid now and for the next months', async () => {
  const made = await freshCertificate();
  const other = await made.of('a.example');
  for (const pem of [made.authority, made.certificate, other.certificate]) {
    const { validFrom, validTo } = parse(pem);
    expect(Date.parse(validFrom)).toBeLessThanOrEqual(Date.now());
    expect(Date.parse(validTo)).toBeGreaterThan(Date.now() + 300 * DAY_MS);
  }
});

it('a client that trusts the authority connects under every name of this machine', async () => {
  const made = await freshCertificate();
  expect(await trust(made, made.authority, 'localhost')).toBe(true);
  expect(await trust(made, made.authority, '127.0.0.1')).toBe(true);
  await expect(trust(made, made.authority, 'a.example')).rejects.toMatchObject({
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
  const { authority } = await freshCertificate();
  await expect(trust(made, authority, 'localhost')).rejects.toThrow(/certificate/);
});

it('another host gets a certificate of the same authority, also if its name is long', async () => {
  const made = await freshCertificate();
  const host = `${'a'.repeat(60)}.execute-api.eu-central-1.amazonaws.com`;
  const leaf = await made.of(host);
  expect(parse(leaf.certificate).subject).toBe('CN=API Gateway');
  expect(parse(leaf.certificate).subjectAltName).toBe(`DNS:${host}`);
  expect(await trust(leaf, made.authority, host)).toBe(true);
});

it('a host gets the same certificate every time, and every host its own', async () => {
  const made = await freshCertificate();
  const first = made.of('a.example');
  const second = made.of('b.example');
  expect(second).not.toBe(first);
  expect(made.of('a.example')).toBe(first);
  expect(made.of('b.example')).toBe(second);
  await Promise.all([first, second]);
});

it('the certificates of 50 other hosts are kept, and made again after that', async () => {
  const made = await freshCertificate();
  const first = made.of('host-0.example');
  const all = [first];
  for (let index = 1; index < 50; index += 1) all.push(made.of(`host-${index}.example`));
  expect(made.of('host-0.example')).toBe(first);
  const more = made.of('host-50.example');
  expect(made.of('host-50.example')).toBe(more);
  const again = made.of('host-0.example');
  expect(again).not.toBe(first);
  const [before, after] = await Promise.all([first, again, more, ...all]);
  expect(after?.certificate).not.toBe(before?.certificate);
});
