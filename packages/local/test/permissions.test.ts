import { describe, expect, it } from 'vitest';
import type { PolicyDocument } from '../src/iam/policy-document.js';
import { openLocalApi } from './local-api.js';
import { Peer } from './peer.js';
import { sendSigned } from './signed-request.js';

const principal = 'arn:aws:sts::123456789012:assumed-role/chat/chat';
const stageArn = 'arn:aws:execute-api:us-east-1:123456789012:abcde12345/dev';

const policy = (...statements: Partial<PolicyDocument['Statement'][number]>[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: statements.map((statement) => ({
    Effect: 'Allow',
    Action: 'execute-api:ManageConnections',
    Resource: `${stageArn}/*/@connections/*`,
    ...statement,
  })),
});

/** The answers to a GET, a POST and a DELETE for one connection, with a key with this policy. */
async function answersFor(document?: PolicyDocument, headers: Record<string, string> = {}) {
  await using api = await openLocalApi({ apiId: 'abcde12345' });
  const { port, credentials } = api.gateway;
  const key = credentials.issue(principal, document);
  await Peer.connect(api.url);
  const path = `/dev/@connections/${api.handler.events[0]?.requestContext.connectionId}`;
  const answers = [];
  for (const method of ['GET', 'POST', 'DELETE']) {
    answers.push(await sendSigned({ port, key, path, method, headers }));
  }
  return answers;
}

const statusesFor = async (...sent: Parameters<typeof answersFor>) =>
  (await answersFor(...sent)).map(({ status }) => status);

const allowed = [200, 200, 204];
const denied = [403, 403, 403];

describe('an access key', () => {
  it('6.4 has the form of temporary keys of AWS', async () => {
    await using api = await openLocalApi();
    const issued = api.gateway.credentials.issue(principal);
    expect(issued.accessKeyId).toMatch(/^ASIA[0-9A-F]{16}$/);
    expect(issued.secretAccessKey).toMatch(/^[\w/+]{40}$/);
  });

  it('6.4 allows everything without a policy', async () => {
    expect(await statusesFor()).toEqual(allowed);
  });

  it('6.4 allows the actions of a statement in its policy', async () => {
    expect(await statusesFor(policy({}))).toEqual(allowed);
    expect(await statusesFor(policy({ Action: ['execute-api:*'], Resource: '*' }))).toEqual(
      allowed,
    );
    const Resource = `${stageArn}/POST/@connections/*`;
    expect(await statusesFor(policy({ Resource }))).toEqual([403, 200, 403]);
  });

  it('6.6 allows nothing else', async () => {
    expect(await statusesFor(policy({ Action: 'execute-api:Invoke' }))).toEqual(denied);
    const Resource = `${stageArn.replace('/dev', '/prod')}/*`;
    expect(await statusesFor(policy({ Resource }))).toEqual(denied);
  });

  it('6.6 does not allow an action that one statement denies and another allows', async () => {
    const deny = { Effect: 'Deny', Resource: `${stageArn}/DELETE/*` } as const;
    expect(await statusesFor(policy({ Resource: '*' }, deny))).toEqual([200, 200, 403]);
  });

  it('I8 6.4 allows what its conditions and its "Not" elements leave', async () => {
    const here = { IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '127.0.0.1'] } };
    expect(await statusesFor(policy({ Condition: here }))).toEqual(allowed);
    const elsewhere = { NotIpAddress: { 'aws:SourceIp': '127.0.0.1/32' } };
    expect(await statusesFor(policy({ Condition: elsewhere }))).toEqual(denied);
    const sent = { 'aws:UserAgent': 'Chat/2.1', 'aws:Referer': 'https://example.com/' };
    const fromChat = policy({ Condition: { StringEquals: sent } });
    expect(await statusesFor(fromChat)).toEqual(denied);
    const headers = { 'user-agent': sent['aws:UserAgent'], referer: sent['aws:Referer'] };
    expect(await statusesFor(fromChat, headers)).toEqual(allowed);
    const NotResource = `${stageArn}/POST/*`;
    expect(await statusesFor(policy({ Resource: undefined, NotResource }))).toEqual([
      200, 403, 204,
    ]);
    const NotAction = 'execute-api:ManageConnections';
    expect(await statusesFor(policy({ Action: undefined, NotAction }))).toEqual(denied);
  });

  it('6.6 is refused with the principal, the action and the resource, without the account', async () => {
    const [, answer] = await answersFor(policy({ Resource: 'arn:other' }));
    expect(answer?.headers['x-amzn-errortype']).toBe('ForbiddenException');
    expect(JSON.parse(answer?.body ?? '')).toEqual({
      message:
        `User: ${principal} is not authorized to perform: execute-api:ManageConnections ` +
        'on resource: arn:aws:execute-api:us-east-1:********9012:abcde12345/dev/POST/@connections/{connectionId}',
    });
  });

  it('6.6 is refused before it reveals whether a connection exists', async () => {
    await using api = await openLocalApi();
    const { port, credentials } = api.gateway;
    const key = credentials.issue(principal, policy({ Resource: 'arn:other' }));
    const path = '/dev/@connections/AAAAAAAAAAACAAA=';
    expect((await sendSigned({ port, key, path })).status).toBe(403);
  });

  it.each([
    ['no statement', { Statement: [] }, /has no "Statement"/],
    [
      'a condition key that is not known',
      policy({ Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } }),
      /the condition key "aws:PrincipalOrgID", whose value is not known here/,
    ],
  ])('cannot have a policy with %s', async (...[, document, message]) => {
    await using api = await openLocalApi();
    const { credentials } = api.gateway;
    expect(() => credentials.issue('ann', document)).toThrow(message);
  });
});
