import { type Keys, roleKeys } from '../../src/iam/keys.js';
import type { AccessRequest } from '../../src/iam/statement.js';

const call = {
  roleArn: 'arn:aws:iam::123456789012:role/Chat',
  region: 'us-east-1',
  now: Date.parse('2026-11-24T08:09:10Z'),
  sourceIp: '203.0.113.7',
  userAgent: 'aws-sdk-js/3.1',
  functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:send',
};

/** A call by the role `Chat`; `keys` are those of the service and others to replace. */
export function requestOf({ keys, ...request }: Partial<AccessRequest>): AccessRequest {
  const ofService: Keys = new Map([['dynamodb:leadingkeys', ['ann']]]);
  return {
    action: 'dynamodb:PutItem',
    resource: 'arn:aws:dynamodb:us-east-1:123456789012:table/Chat',
    ...request,
    keys: new Map([...roleKeys(call), ...ofService, ...(keys ?? [])]),
  };
}
