import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { Channel, type MessageContext, OnMessage } from '@gatecast/framework';
import { jwtAuthorizer } from '@gatecast/framework/jwt';
import { createTestApp } from '@gatecast/framework/testing';
import { describe, expect, it, vi } from 'vitest';

const issuer = 'https://issuer.example.com';
const audience = 'chat';
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' };
const jwks = { keys: [jwk] };
const seconds = () => Math.floor(Date.now() / 1_000);

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

function makeToken(claims: object = {}, key: KeyObject = privateKey): string {
  const payload = { iss: issuer, aud: audience, sub: 'ann', exp: seconds() + 600, ...claims };
  const signed = `${encode({ alg: 'RS256', typ: 'JWT', kid: 'k1' })}.${encode(payload)}`;
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`;
}

@Channel('me')
class MeChannel {
  @OnMessage()
  who(_: unknown, { connection: { userId, claims } }: MessageContext) {
    return { userId, claims };
  }
}

const makeApp = (over: object = {}) =>
  createTestApp({
    channels: [MeChannel],
    authorizer: jwtAuthorizer({ issuer, audience, jwks, ...over }),
  });

describe('jwtAuthorizer()', () => {
  it('uses sub as the user and passes on all claims', async () => {
    const ann = await makeApp().connect({ token: makeToken({ role: 'admin' }) });
    expect(await ann.send('me.who', 'me')).toMatchObject({
      data: { userId: 'ann', claims: { sub: 'ann', role: 'admin', iss: issuer } },
    });
  });

  it('also accepts a token in the Authorization header or the query', async () => {
    const app = makeApp();
    const byHeader = await app.connect({ headers: { Authorization: `Bearer ${makeToken()}` } });
    const byQuery = await app.connect({ query: { token: makeToken() } });
    for (const connection of [byHeader, byQuery]) {
      expect(await connection.send('me.who', 'me')).toMatchObject({ data: { userId: 'ann' } });
    }
  });

  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  it.each([
    ['no token', undefined],
    ['an empty token', ''],
    ['no JWT', 'hello'],
    ['an expired token', makeToken({ exp: seconds() - 60 })],
    ['a token that is not valid yet', makeToken({ nbf: seconds() + 600 })],
    ['a token of another issuer', makeToken({ iss: 'https://evil.example.com' })],
    ['a token for another audience', makeToken({ aud: 'mail' })],
    ['a token signed by another key', makeToken({}, other)],
    ['an unsigned token', `${encode({ alg: 'none' })}.${encode({ iss: issuer })}.`],
  ])('refuses %s with 401', async (_what, token) => {
    const opening = makeApp().connect(token === undefined ? {} : { token });
    await expect(opening).rejects.toMatchObject({ name: 'HandshakeError', status: 401 });
  });

  it('ends the connection when the token expires', async () => {
    const app = makeApp();
    const ann = await app.connect({ token: makeToken({ exp: seconds() + 60 }) });
    app.clock.advance(66_000);
    await expect(ann.send('me.who', 'me')).rejects.toThrow('The token has expired.');
    expect(ann.bye).toMatchObject({ code: 'ERR_UNAUTHORIZED', reconnect: true });
  });

  it('uses the identity of toIdentity', async () => {
    const app = makeApp({
      toIdentity: ({ email }: Record<string, unknown>) => ({ userId: String(email) }),
    });
    const ann = await app.connect({ token: makeToken({ email: 'ann@example.com' }) });
    expect(await ann.send('me.who', 'me')).toMatchObject({
      data: { userId: 'ann@example.com', claims: {} },
    });
  });

  it('without an issuer fails at the first event, not before', async () => {
    vi.stubEnv('GATECAST_JWT_ISSUER', undefined);
    const onError = vi.fn();
    const app = createTestApp({
      channels: [MeChannel],
      authorizer: jwtAuthorizer({ audience, jwks }),
      plugins: [{ name: 'errors', onError }],
    });
    await expect(app.connect({ token: makeToken() })).rejects.toMatchObject({ status: 500 });
    expect(onError.mock.calls[0]?.[0]).toMatchObject({
      code: 'ERR_JWT_OPTIONS',
      message:
        'jwtAuthorizer() was given no "issuer", and the environment variable GATECAST_JWT_ISSUER is not set.',
    });
    vi.unstubAllEnvs();
  });
});
