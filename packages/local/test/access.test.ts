import { describe, expect, it } from 'vitest';
import type { GatewayRoute } from '../src/gateway/deployment.js';
import { type LocalApi, type LocalApiOptions, openLocalApi, TestFunction } from './local-api.js';
import { Peer, refusalOf } from './peer.js';
import { presign, sign } from './signed-request.js';

/** A gateway whose `$connect` has these options. */
const openApi = (connect: Partial<GatewayRoute>, options: LocalApiOptions = {}) =>
  openLocalApi({
    apiId: 'abcde12345',
    routes: [{ routeKey: '$connect', ...connect }, '$default'],
    ...options,
  });

/** 101, or the status of a refusal, which must not contain more information or reach the function. */
async function statusOf(api: LocalApi, headers: Record<string, string> = {}, path = '/dev') {
  const url = `ws://localhost:${api.gateway.port}${path}`;
  const before = api.handler.events.length;
  const isOpen = await Peer.connect(url, { headers }).then(
    () => true,
    () => false,
  );
  if (isOpen) return 101;
  const { status, body } = await refusalOf(url, { headers });
  expect(body).toContain('"Forbidden"');
  expect(api.handler.events).toHaveLength(before);
  return status;
}

describe('an API key', () => {
  const [first, second] = ['first-key-of-the-test', 'second-key-of-the-test'] as const;
  const apiKeys = [first, second];

  it('3.19 is required if $connect has the option', async () => {
    await using api = await openApi({ apiKeyRequired: true }, { apiKeys });
    expect(await statusOf(api, { 'x-api-key': first })).toBe(101);
    expect(await statusOf(api, { 'X-API-Key': second })).toBe(101);
    for (const headers of [{}, { 'x-api-key': '' }]) {
      expect(await statusOf(api, headers)).toBe(403);
      expect(api.log.at(-1)?.detail).toBe('There is no API key in $request.header.x-api-key.');
    }
    expect(await statusOf(api, { 'x-api-key': 'other' })).toBe(403);
    expect(api.log.at(-1)).toMatchObject({
      route: '$connect',
      result: 'refused',
      detail: 'The API key in $request.header.x-api-key is not in the option apiKeys.',
    });
  });

  it('3.19 is not required otherwise', async () => {
    await using api = await openApi({}, { apiKeys });
    expect(await statusOf(api, { 'x-api-key': 'other' })).toBe(101);
  });

  it('3.19 is refused if the API has no keys', async () => {
    await using api = await openApi({ apiKeyRequired: true });
    expect(await statusOf(api, { 'x-api-key': first })).toBe(403);
  });

  it('4.12 comes from the authorizer if the API says so', async () => {
    let usageIdentifierKey: unknown = first;
    const authorizer = new TestFunction(() => ({
      principalId: 'ann',
      policyDocument: { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
      usageIdentifierKey,
    }));
    await using api = await openApi(
      { apiKeyRequired: true },
      {
        apiKeys,
        apiKeySelectionExpression: '$context.authorizer.usageIdentifierKey',
        authorizer: { function: authorizer },
      },
    );
    expect(await statusOf(api)).toBe(101);
    expect(api.handler.events[0]?.requestContext['authorizer']).not.toHaveProperty(
      'usageIdentifierKey',
    );
    for (usageIdentifierKey of ['other', '', 1, undefined]) {
      expect(await statusOf(api, { 'x-api-key': first })).toBe(403);
    }
  });

  it('3.19 cannot be required for other routes', async () => {
    const routes = [{ routeKey: '$default', apiKeyRequired: true }];
    await expect(openLocalApi({ routes })).rejects.toThrow(
      'The route "$default" has the option "apiKeyRequired", which only "$connect" may have.',
    );
  });
});

describe('a handshake with AWS_IAM', () => {
  const open = () => openApi({ authorizationType: 'AWS_IAM' });
  const allow = (Action: string, Resource: string) => ({
    Statement: [{ Effect: 'Allow' as const, Action, Resource }],
  });
  const arn = 'arn:aws:execute-api:us-east-1:123456789012:abcde12345/dev/$connect';

  /** The result of a handshake with this signature: `accepted`, or the reason for 403. */
  async function signed(
    how: 'headers' | 'query',
    options: Partial<Parameters<typeof presign>[0]> = {},
    changed: (text: string) => string = (text) => text,
  ): Promise<string | undefined> {
    await using api = await open();
    const { port, credentials } = api.gateway;
    const key = credentials.issue('ann');
    const all = { port, path: '/dev', method: 'GET', key, ...options };
    const headers = how === 'query' ? { ...all.headers } : sign(all);
    if (how === 'headers') headers['authorization'] = changed(headers['authorization'] ?? '');
    const path = how === 'query' ? changed(presign(all)) : all.path;
    const status = await statusOf(api, headers, path);
    if (status === 101) return 'accepted';
    expect(status).toBe(403);
    return api.log.at(-1)?.detail;
  }

  it.each(['headers', 'query'] as const)(
    '3.20 is accepted when it is signed by %s',
    async (how) => {
      expect(await signed(how)).toBe('accepted');
      expect(await signed(how, { path: '/dev/' })).toBe('accepted');
      expect(await signed(how, { headers: { 'x-amz-more': 'signed' } })).toBe('accepted');
      const permanent = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' };
      await using api = await open();
      const { port, credentials } = api.gateway;
      credentials.add({ ...permanent, principal: 'bob' });
      const all = { port, path: '/dev', method: 'GET', key: permanent };
      const headers = how === 'headers' ? sign(all) : {};
      expect(await statusOf(api, headers, how === 'query' ? presign(all) : '/dev')).toBe(101);
    },
  );

  it('3.20 is accepted with parameters of its own in the presigned URL', async () => {
    await using api = await open();
    const { port, credentials } = api.gateway;
    const key = credentials.issue('ann');
    const path = presign({ port, key, path: '/dev?room=a b/ü&empty=' });
    expect(await statusOf(api, {}, path)).toBe(101);
    const seen = api.handler.events[0]?.['queryStringParameters'];
    expect(seen).toMatchObject({ room: 'a b/ü', empty: '' });
  });

  it('3.20 is refused with 403 when it is not signed', async () => {
    await using api = await open();
    expect(await statusOf(api)).toBe(403);
    expect(api.log.at(-1)).toMatchObject({
      route: '$connect',
      result: 'refused',
      detail: 'Missing Authentication Token',
    });
  });

  it.each(['headers', 'query'] as const)(
    '3.20 is refused with 403 when the key is not known, or its token is missing (%s)',
    async (how) => {
      const key = { accessKeyId: 'AKIDOTHER', secretAccessKey: 'other' };
      expect(await signed(how, { key })).toMatch(/security token .* is invalid/);
      await using api = await open();
      const { port, credentials } = api.gateway;
      const { sessionToken: _, ...tokenless } = credentials.issue('ann');
      const all = { port, path: '/dev', method: 'GET', key: tokenless };
      const headers = how === 'headers' ? sign(all) : {};
      expect(await statusOf(api, headers, how === 'query' ? presign(all) : '/dev')).toBe(403);
      expect(api.log.at(-1)?.detail).toMatch(/security token .* is invalid/);
    },
  );

  it('3.20 is refused with 403 if the signed parts have changed', async () => {
    const mismatch = /signature we calculated does not match/;
    const cut = (text: string) => text.replace(/.$/, '');
    expect(await signed('headers', {}, cut)).toMatch(mismatch);
    expect(await signed('query', {}, cut)).toMatch(mismatch);
    expect(await signed('query', {}, (url) => `${url}&a=1`)).toMatch(mismatch);
    expect(await signed('query', {}, (url) => url.replace('/dev', '/dev/'))).toMatch(mismatch);
    const longer = (url: string) => url.replace('Expires=60', 'Expires=600');
    expect(await signed('query', {}, longer)).toMatch(mismatch);
    const other = (url: string) => url.replace('a=1', 'a=2');
    expect(await signed('query', { path: '/dev?a=1' }, other)).toMatch(mismatch);
  });

  it('3.20 is accepted until the presigned URL expires', async () => {
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000);
    expect(await signed('query', { date: ago(60), expires: 120 })).toBe('accepted');
    expect(await signed('query', { date: ago(3_600), expires: 7_200 })).toBe('accepted');
    expect(await signed('query', { expires: 604_800 })).toBe('accepted');
    expect(await signed('query', { date: ago(130), expires: 1 })).toMatch(
      /more than 1 seconds ago/,
    );
    expect(await signed('query', { date: ago(130), expires: 120 })).toMatch(
      /^Signature expired: \w+ is more than 120 seconds ago/,
    );
    expect(await signed('query', { date: ago(-360) })).toMatch(/^Signature not yet current/);
    expect(await signed('headers', { date: ago(360) })).toMatch(/more than 5 minutes ago/);
  });

  it.each(['0', '604801', '-1', '1.5', 'x'])(
    '3.20 is refused with 403 when the presigned URL is valid for %j seconds',
    async (expires) => {
      expect(await signed('query', { expires })).toBe(
        `The X-Amz-Expires "${expires}" is not a number of seconds from 1 to 604800.`,
      );
    },
  );

  it.each([
    ['another algorithm', { 'X-Amz-Algorithm': 'SHA1' }, /The X-Amz-Algorithm "SHA1"/],
    ['no date', { 'X-Amz-Date': undefined }, /requires "X-Amz-Date"/],
    ['an invalid date', { 'X-Amz-Date': 'now' }, /"now" is not of the form/],
    ['an invalid scope', { 'X-Amz-Credential': 'A/20260101' }, /Credential is not of the form/],
    ['no host signed', { 'X-Amz-SignedHeaders': 'x-a' }, /"host" must be a signed header/],
  ])('3.20 is refused with 403 when the presigned URL has %s', async (...row) => {
    const [, parameters, reason] = row;
    expect(await signed('query', { parameters })).toMatch(reason);
  });

  it('3.20 is refused with 403 when its scope is another region or service', async () => {
    expect(await signed('query', { region: 'eu-west-1' })).toMatch(/region "us-east-1"/);
    expect(await signed('query', { service: 's3' })).toMatch(/service: "execute-api"/);
  });

  it('3.20 needs execute-api:Invoke on $connect of the stage', async () => {
    await using api = await open();
    const { port, credentials } = api.gateway;
    const statusWith = (...policy: Parameters<typeof allow>) => {
      const key = credentials.issue('ann', allow(...policy));
      return statusOf(api, sign({ port, key, path: '/dev', method: 'GET' }));
    };
    expect(await statusWith('execute-api:Invoke', arn)).toBe(101);
    expect(await statusWith('execute-api:ManageConnections', arn)).toBe(403);
    expect(await statusWith('execute-api:Invoke', arn.replace('dev', 'prod'))).toBe(403);
    expect(api.log.at(-1)?.detail).toMatch(
      /^User: ann is not authorized to perform: execute-api:Invoke on resource: .*\/dev\/\$connect$/,
    );
  });

  it('3.20 is only for $connect, and not together with an authorizer', async () => {
    const routes = [{ routeKey: '$default', authorizationType: 'AWS_IAM' as const }];
    await expect(openLocalApi({ routes })).rejects.toThrow(
      'The route "$default" has the option "authorizationType", which only "$connect" may have.',
    );
    const authorizer = { function: new TestFunction() };
    const both = openApi({ authorizationType: 'AWS_IAM' }, { authorizer });
    await expect(both).rejects.toThrow('It can have one of the two');
  });
});
