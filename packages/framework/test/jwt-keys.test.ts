import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, globalAgent } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { createApp, defineChannel, memoryStore } from '@gatecast/framework';
import { cognitoAuthorizer, jwtAuthorizer } from '@gatecast/framework/jwt';
import { createTestApp } from '@gatecast/framework/testing';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const issuer = 'https://issuer.example.com';
const audience = 'chat';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwkOf = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid });
const jwks = { keys: [jwkOf(rsa.publicKey, 'rsa'), jwkOf(ec.publicKey, 'ec')] };
const seconds = () => Math.floor(Date.now() / 1_000);
const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

function makeToken(header: object = {}, claims: object = {}): string {
  const head = encode({ alg: 'RS256', kid: 'rsa', ...header });
  const body = encode({ iss: issuer, aud: audience, sub: 'ann', exp: seconds() + 600, ...claims });
  const signature = createSign('RSA-SHA256').update(`${head}.${body}`).sign(rsa.privateKey);
  return `${head}.${body}.${signature.toString('base64url')}`;
}

/** The status of a handshake with the token, and the reported errors. */
async function open(authorizer: ReturnType<typeof jwtAuthorizer>, token: string) {
  const onError = vi.fn();
  const app = createTestApp({
    channels: [defineChannel('pub')],
    authorizer,
    plugins: [{ name: 'errors', onError }],
  });
  const status = await app.connect({ token }).then(
    () => 101,
    (error: { status: number }) => error.status,
  );
  return { status, error: onError.mock.calls[0]?.[0] as Error & { cause?: unknown } };
}
const openWith = (options: object, token: string) =>
  open(jwtAuthorizer({ issuer, audience, ...options }), token);

describe('A10 keys that cannot be used', () => {
  let answer = { status: 200, body: '' };
  let jwksUri = '';
  const server = { close() {} };
  beforeAll(async () => {
    const pem = await generate([{ name: 'commonName', value: 'localhost' }], {
      keyType: 'ec',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
    });
    const started = createServer({ key: pem.private, cert: pem.cert }, (_request, response) => {
      response.writeHead(answer.status).end(answer.body);
    }).listen(0, '127.0.0.1');
    await once(started, 'listening');
    server.close = () => {
      started.closeAllConnections();
      started.close();
    };
    jwksUri = `https://localhost:${(started.address() as AddressInfo).port}/keys`;
    globalAgent.options.ca = pem.cert;
  });
  afterAll(() => {
    delete globalAgent.options.ca;
    server.close();
  });

  it.each<[string, { status: number; body: string }]>([
    ['an HTML page', { status: 200, body: '<html>maintenance</html>' }],
    ['nothing', { status: 200, body: '' }],
    ['JSON that is not a set of keys', { status: 200, body: '{"keys":1}' }],
    [
      'a key that cannot be read',
      { status: 200, body: '{"keys":[{"kid":"rsa","kty":"RSA","n":"x"}]}' },
    ],
    ['503', { status: 503, body: '' }],
    ['404', { status: 404, body: '' }],
  ])('A10 lead to status 500 and a report: %s', async (_what, given) => {
    answer = given;
    const { status, error } = await openWith({ jwksUri }, makeToken());
    expect(status).toBe(500);
    expect(error).toMatchObject({ code: 'ERR_JWT_KEYS', cause: expect.any(Error) });
    expect(error.message).toContain(issuer);
  });

  it('A10 do not affect the next token once they can be used', async () => {
    const authorizer = jwtAuthorizer({ issuer, audience, jwksUri });
    answer = { status: 503, body: '' };
    expect((await open(authorizer, makeToken())).status).toBe(500);
    answer = { status: 200, body: JSON.stringify(jwks) };
    expect((await open(authorizer, makeToken())).status).toBe(101);
    // A token with a key that the issuer does not have is refused, even while the keys are not fetched
    // again.
    for (const kid of ['unknown', 'another']) {
      expect((await open(authorizer, makeToken({ kid }))).status).toBe(401);
    }
  });
});

describe('A11 with the option jwks', () => {
  it('A11 nothing is fetched for any token, and a token with another key gets 401', async () => {
    let connections = 0;
    const silent = createTcpServer((socket) => {
      connections += 1;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const local = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const authorizer = jwtAuthorizer({ issuer: local, audience, jwks });
    expect((await open(authorizer, makeToken({}, { iss: local }))).status).toBe(101);
    for (const kid of ['unknown', undefined]) {
      expect((await open(authorizer, makeToken({ kid }, { iss: local }))).status).toBe(401);
    }
    silent.close();
    expect(connections).toBe(0);
  });

  it('A11 the issuer may be any string', async () => {
    const { status } = await openWith(
      { issuer: 'accounts.example.com', jwks },
      makeToken({}, { iss: 'accounts.example.com' }),
    );
    expect(status).toBe(101);
  });

  it('A11 the tokens of a user pool are verified without its keys being fetched', async () => {
    const userPoolId = 'eu-west-1_Example';
    const iss = `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`;
    const authorizer = cognitoAuthorizer({ userPoolId, clientId: 'app', jwks });
    const claims = { iss, client_id: 'app', token_use: 'access' };
    expect((await open(authorizer, makeToken({}, claims))).status).toBe(101);
    for (const [header, more] of [
      [{ kid: 'unknown' }, {}],
      [{}, { client_id: 'other' }],
      [{}, { token_use: 'id' }],
    ]) {
      expect((await open(authorizer, makeToken(header, { ...claims, ...more }))).status).toBe(401);
    }
  });
});

describe('A15 a token', () => {
  it('A15 without exp is refused unless the app allows it', async () => {
    const token = makeToken({}, { exp: undefined });
    const { status, error } = await openWith({ jwks }, token);
    expect(status).toBe(401);
    expect(error.message).toBe('The token is not valid: it has no "exp".');
    expect((await openWith({ jwks, requireExpiry: false }, token)).status).toBe(101);
  });

  it('A15 with critical extensions is refused', async () => {
    const { status, error } = await openWith({ jwks }, makeToken({ crit: ['b64'], b64: false }));
    expect(status).toBe(401);
    expect(error.message).toContain('"crit"');
  });

  it('A15 may be early or late by the time in the option', async () => {
    const early = makeToken({}, { nbf: seconds() + 30 });
    const late = makeToken({}, { exp: seconds() - 30 });
    for (const token of [early, late]) {
      expect((await openWith({ jwks }, token)).status).toBe(401);
      expect((await openWith({ jwks, leewayMs: 600_000 }, token)).status).toBe(101);
    }
    expect((await openWith({ jwks }, makeToken({}, { nbf: seconds() + 2 }))).status).toBe(101);
  });

  it.each(['HS256', 'none', 'PS256', undefined])(
    'A15 signed with %s is refused with the name of the algorithm',
    async (alg) => {
      const { status, error } = await openWith({ jwks }, makeToken({ alg }));
      expect(status).toBe(401);
      expect(error.message).toContain(`it is signed with "${alg}", which is not one of RS256,`);
    },
  );

  it.each([
    ['whose algorithm does not fit its key', { alg: 'ES256' }],
    ['whose signature cannot be read', { alg: 'ES256', kid: 'ec' }],
    ['with another curve than its key', { alg: 'EdDSA', kid: 'ec' }],
  ])('A10 %s gets 401', async (_what, header) => {
    expect((await openWith({ jwks }, makeToken(header))).status).toBe(401);
  });

  it('A10 is refused with the reason, without quoting the token', async () => {
    const { error } = await openWith({ jwks }, makeToken({}, { iss: 'https://evil.example.com' }));
    expect(error.message).toContain('https://evil.example.com');
    const broken = `${makeToken()}!`;
    expect((await openWith({ jwks }, broken)).error.message).toBe(
      'The token is not valid: it is not a JSON Web Token.',
    );
  });
});

describe('K2 the options of the authorizers', () => {
  it.each<[string, () => unknown]>([
    ['jwks that is not a set', () => jwtAuthorizer({ jwks: [] as never })],
    ['jwks that is empty', () => jwtAuthorizer({ jwks: { keys: [] } })],
    ['a jwksUri that is not https', () => jwtAuthorizer({ jwksUri: 'http://issuer.example.com' })],
    ['a leeway that is a string', () => jwtAuthorizer({ leewayMs: '5' as never })],
    ['an empty issuer', () => jwtAuthorizer({ issuer: '' })],
    ['a user pool of another form', () => cognitoAuthorizer({ userPoolId: 'Example' })],
    ['no app client', () => cognitoAuthorizer({ clientId: [] })],
    ['a token of a third use', () => cognitoAuthorizer({ tokenUse: 'refresh' as never })],
  ])('K2 are checked when the authorizer is created: %s', (_what, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'ERR_OPTION_VALUE' }));
  });

  it('K2 exclude each other if one would be ignored', () => {
    expect(() => jwtAuthorizer({ jwks, jwksUri: issuer })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_CONFLICT' }),
    );
  });

  it('K6 name the missing variable, without stack frames of the current event', async () => {
    vi.stubEnv('GATECAST_USER_POOL_ID', undefined);
    const { status, error } = await open(cognitoAuthorizer({ jwks }), makeToken());
    vi.unstubAllEnvs();
    expect(status).toBe(500);
    expect(error.stack).toBe(
      [
        'ConfigurationError [ERR_JWT_OPTIONS]: cognitoAuthorizer() was given no "userPoolId", and the environment variable GATECAST_USER_POOL_ID is not set.',
        '  Set GATECAST_USER_POOL_ID on the function, or pass cognitoAuthorizer() the option "userPoolId".',
      ].join('\n'),
    );
  });

  it('K2 are also checked if they come from the environment', async () => {
    vi.stubEnv('GATECAST_JWT_ISSUER', 'issuer.example.com');
    const { status, error } = await open(jwtAuthorizer({ audience }), makeToken());
    vi.unstubAllEnvs();
    expect(status).toBe(500);
    expect(error).toMatchObject({ code: 'ERR_OPTION_VALUE', hint: 'It takes an https: URL.' });
  });

  it('K1 do not fail an app that never uses the authorizer', () => {
    const app = createApp({
      channels: [defineChannel('pub')],
      store: memoryStore(),
      authorizer: jwtAuthorizer(),
    });
    expect(app.manifest.authorizer).toBe(true);
  });
});
