import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect, promisify } from 'node:util';
import type { RedisStoreOptions } from '@gatecast/adapters/redis';
import type { StoreError } from '@gatecast/framework';
import { connectionStoreContract } from '@gatecast/framework/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeAuthority, makeCertificate, type Pair } from './engines/certificates.js';
import { describeRedis, isIoredis5 } from './engines/redis-server.js';
import { PASSWORD, RedisTlsServer } from './engines/redis-tls-server.js';
import { failureOf, openStore } from './redis-records.js';

const run = promisify(execFile);
const contractFile = fileURLToPath(new URL('fixtures/run-contract.mjs', import.meta.url));

function urlOf(scheme: 'redis' | 'rediss', port: number): string {
  return `${scheme}://:${PASSWORD}@localhost:${port}`;
}

/** The error of a store in this process, which does not trust the test's authority. */
async function failureWith(options: RedisStoreOptions): Promise<StoreError> {
  await using store = openStore(options);
  const error = await failureOf(store.connections.get('a='));
  const all = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error);
  expect(all).not.toContain(PASSWORD);
  return error;
}

describeRedis('redisStore() over TLS', () => {
  let authority: Pair;
  let folder: string;
  let server: RedisTlsServer;
  let cluster: RedisTlsServer;
  beforeAll(async () => {
    authority = await makeAuthority();
    folder = await mkdtemp(join(tmpdir(), 'gatecast-authority-'));
    await writeFile(join(folder, 'authority.pem'), authority.cert);
    const certificate = await makeCertificate({ authority });
    server = await RedisTlsServer.start(certificate, authority);
    cluster = await RedisTlsServer.startCluster(certificate, authority);
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await cluster[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** The error of the contract in a process that trusts the authority; `null` if it passes. */
  async function trustingRun(options: RedisStoreOptions): Promise<unknown> {
    const { stdout, stderr } = await run(
      process.execPath,
      [contractFile, JSON.stringify(options)],
      {
        env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'authority.pem') },
      },
    );
    expect(stdout + stderr).not.toContain(PASSWORD);
    return JSON.parse(stdout);
  }

  it('works where the authority is trusted', async () => {
    expect(await trustingRun({ url: urlOf('rediss', server.tlsPort) })).toBeNull();
  });

  it('works with a cluster where the authority is trusted', async () => {
    expect(await trustingRun({ cluster: urlOf('rediss', cluster.tlsPort) })).toBeNull();
  });

  describe('by a client of the user that trusts the authority', () => {
    const makeStore = async () => {
      const tls = { ca: authority.cert };
      const client = new Redis({ port: server.tlsPort, password: PASSWORD, tls });
      return {
        connections: openStore({ client }).connections,
        async [Symbol.asyncDispose]() {
          client.disconnect();
        },
      };
    };
    // oxlint-disable-next-line vitest/expect-expect -- the checks assert by themselves.
    for (const check of connectionStoreContract(makeStore)) it(check.name, check.run);
  });

  it('refuses a certificate whose authority is unknown, and says how to make it known', async () => {
    for (const [options, port] of [
      [{ url: urlOf('rediss', server.tlsPort) }, server.tlsPort],
      [{ cluster: urlOf('rediss', cluster.tlsPort) }, cluster.tlsPort],
    ] as const) {
      expect(await failureWith(options)).toMatchObject({
        code: 'ERR_STORE_REFUSED',
        message: `The store "redis" refused to read a connection: TLS with localhost:${port} failed: self-signed certificate in certificate chain.`,
        hint: expect.stringMatching(/NODE_EXTRA_CA_CERTS .* tls\.ca/),
      });
    }
  });

  it('refuses a self-signed certificate', async () => {
    await using single = await RedisTlsServer.start(await makeCertificate(), authority);
    expect(await failureWith({ url: urlOf('rediss', single.tlsPort) })).toMatchObject({
      code: 'ERR_STORE_REFUSED',
      message: expect.stringContaining('failed: self-signed certificate.'),
      hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    });
  });

  it('refuses a certificate for another name, and an expired one', async () => {
    const renamed = await makeCertificate({ authority, name: 'cache.example.com' });
    const old = await makeCertificate({ authority, endsAt: new Date(Date.now() - 1_000) });
    for (const [certificate, message, hint] of [
      [
        renamed,
        'DNS:cache.example.com.',
        'Use a host name in the URL that the certificate covers.',
      ],
      [old, 'certificate has expired.', 'Renew the certificate of the server.'],
    ] as const) {
      await using other = await RedisTlsServer.start(certificate, authority);
      expect(await trustingRun({ url: urlOf('rediss', other.tlsPort) })).toMatchObject({
        code: 'ERR_STORE_REFUSED',
        message: expect.stringContaining(message),
        hint,
      });
    }
  });

  // With ioredis 5 the client only learns that its connection was reset.
  it.skipIf(isIoredis5)('says that the server asks for a certificate', async () => {
    const certificate = await makeCertificate({ authority });
    const args = ['--tls-auth-clients', 'yes'];
    await using strict = await RedisTlsServer.start(certificate, authority, ...args);
    expect(await trustingRun({ url: urlOf('rediss', strict.tlsPort) })).toMatchObject({
      code: 'ERR_STORE_REFUSED',
      message: expect.stringContaining('failed: tlsv13 alert certificate required.'),
      hint: expect.stringContaining('tls.cert and tls.key'),
    });
  });

  it('suggests TLS if a server closes redis:// without an answer', async () => {
    for (const options of [
      { url: urlOf('redis', server.tlsPort) },
      { cluster: urlOf('redis', cluster.tlsPort) },
    ]) {
      const error = await failureWith(options);
      expect(error.retryable).toBe(true);
      expect(error.message).toMatch(
        / If the server expects TLS, use a URL that begins with rediss:..\.$/,
      );
    }
  });

  it('suggests redis:// if a server does not answer rediss://', async () => {
    for (const options of [
      { url: urlOf('rediss', server.plainPort) },
      { cluster: urlOf('rediss', cluster.plainPort) },
    ]) {
      const error = await failureWith({ ...options, commandTimeoutMs: 200 });
      expect(error.retryable).toBe(true);
      expect(error.message).toMatch(
        /: no answer within 200 ms\. If the server does not speak TLS on this port, use a URL that begins with redis:..\.$/,
      );
    }
  });

  it('asks for redis:// if the server answers rediss:// without TLS', async () => {
    const full = createServer((socket) => {
      socket
        .on('error', () => {})
        .end('-ERR max number of clients reached\r\n')
        .resume();
    });
    await once(full.listen(0, '127.0.0.1'), 'listening');
    const { port } = full.address() as AddressInfo;
    expect(await failureWith({ url: urlOf('rediss', port) })).toMatchObject({
      code: 'ERR_STORE_REFUSED',
      message: expect.stringMatching(new RegExp(`TLS with localhost:${port} failed: [a-z ]+\\.$`)),
      hint: expect.stringContaining('Use a URL that begins with redis://'),
    });
    full.close();
    await once(full, 'close');
  });
});
