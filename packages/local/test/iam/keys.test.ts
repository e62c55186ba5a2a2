import { describe, expect, it } from 'vitest';
import { apiGatewayKeys, mayBeKnown, roleKeys } from '../../src/iam/keys.js';

const call = {
  roleArn: 'arn:aws:iam::123456789012:role/Chat',
  region: 'us-east-1',
  now: Date.parse('2026-11-24T08:09:10.999Z'),
  sourceIp: '203.0.113.7',
  userAgent: 'Chat/1',
  referer: undefined,
};

describe('the condition keys', () => {
  it('of a call by a role are those of its session', () => {
    expect(Object.fromEntries(roleKeys(call))).toStrictEqual({
      'aws:assumedroot': undefined,
      'aws:calledvia': undefined,
      'aws:calledviafirst': undefined,
      'aws:calledvialast': undefined,
      'aws:currenttime': '2026-11-24T08:09:10.999Z',
      'aws:epochtime': '1795507750',
      'aws:federatedprovider': undefined,
      'aws:principalaccount': '123456789012',
      'aws:principalarn': 'arn:aws:iam::123456789012:role/Chat',
      'aws:principalisawsservice': 'false',
      'aws:principalservicename': undefined,
      'aws:principalservicenameslist': undefined,
      'aws:principaltype': 'AssumedRole',
      'aws:referer': undefined,
      'aws:requestedregion': 'us-east-1',
      'aws:resourceaccount': '123456789012',
      'aws:securetransport': 'true',
      'aws:sourceaccount': undefined,
      'aws:sourcearn': undefined,
      'aws:sourceidentity': undefined,
      'aws:sourceip': '203.0.113.7',
      'aws:useragent': 'Chat/1',
      'aws:username': undefined,
      'aws:viaawsservice': 'false',
      'ec2:sourceinstancearn': undefined,
    });
  });

  it('of a call by a function in its environment have its ARN', () => {
    const functionArn = 'arn:aws:lambda:us-east-1:123456789012:function:send';
    expect(roleKeys({ ...call, functionArn }).get('lambda:sourcefunctionarn')).toBe(functionArn);
  });

  it.each([
    ['arn:aws:dynamodb:us-east-1:210987654321:table/far', '210987654321'],
    ['arn:aws:s3:::bucket', '123456789012'],
    ['*', '123456789012'],
  ])('of a call on %s have the account that owns it', (resource, owner) => {
    expect(roleKeys({ ...call, resource }).get('aws:resourceaccount')).toBe(owner);
  });

  it('of API Gateway are those of a request from the internet', () => {
    expect(Object.fromEntries(apiGatewayKeys(call))).toStrictEqual({
      'aws:currenttime': '2026-11-24T08:09:10.999Z',
      'aws:epochtime': '1795507750',
      'aws:referer': undefined,
      'aws:securetransport': 'true',
      'aws:sourcearn': undefined,
      'aws:sourceip': '203.0.113.7',
      'aws:sourcevpc': undefined,
      'aws:sourcevpce': undefined,
      'aws:useragent': 'Chat/1',
      'aws:vpcsourceip': undefined,
    });
  });

  it.each([
    ['aws:PrincipalArn', true],
    ['aws:SourceVpce', true],
    ['AWS:sourceip', true],
    ['dynamodb:LeadingKeys', true],
    ['lambda:SourceFunctionArn', true],
    ['aws:PrincipalOrgID', false],
    ['aws:PrincipalTag/team', false],
    ['LeadingKeys', false],
    ['dynamodb:', false],
  ])('may be known before the request: %s: %s', (name, expected) => {
    expect(mayBeKnown(name)).toBe(expected);
  });
});
