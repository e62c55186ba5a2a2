import { describe, expect, it } from 'vitest';
import {
  allowsInvocation,
  type LambdaPermission,
  type ServiceInvocation,
} from '../../src/iam/lambda-permission.js';

const mayInvoke = (permissions: readonly LambdaPermission[], invocation: ServiceInvocation) =>
  permissions.find((permission) => allowsInvocation(permission, invocation));

const api = 'arn:aws:execute-api:us-east-1:123456789012:abcde12345';
const invocation = {
  principal: 'apigateway.amazonaws.com',
  sourceArn: `${api}/dev/$connect`,
  sourceAccount: '123456789012',
};
const permission: LambdaPermission = {
  source: 'ConnectPermission',
  action: 'lambda:InvokeFunction',
  principal: 'apigateway.amazonaws.com',
};

describe('a Lambda permission', () => {
  it('has wildcards that match colons in the key of a route', () => {
    const allowing = { ...permission, sourceArn: `${api}/dev/chat*send` };
    const sourceArn = `${api}/dev/chat:room:send`;
    expect(mayInvoke([allowing], { ...invocation, sourceArn })).toBe(allowing);
  });

  it.each([
    {},
    { action: 'lambda:*' },
    { action: '*' },
    { action: 'lambda:invokefunction' },
    { principal: '*' },
    { sourceArn: `${api}/dev/$connect` },
    { sourceArn: `${api}/*/$connect` },
    { sourceArn: `${api}/*` },
    { sourceArn: 'arn:aws:execute-api:*:123456789012:*/dev/?connect' },
    { sourceAccount: '123456789012' },
  ])('lets API Gateway invoke the function for a route: %j', (rest) => {
    const allowing = { ...permission, ...rest };
    expect(mayInvoke([{ ...permission, action: 'lambda:GetFunction' }, allowing], invocation)).toBe(
      allowing,
    );
  });

  it.each([
    { action: 'lambda:InvokeFunctionUrl' },
    { action: 'lambda:Invoke' },
    { principal: 'sqs.amazonaws.com' },
    { principal: '123456789012' },
    { sourceArn: `${api}/prod/$connect` },
    { sourceArn: `${api}/dev/$CONNECT` },
    { sourceArn: api },
    { sourceArn: '' },
    { sourceArn: '*' },
    { sourceArn: 'arn:aws:execute-api:*/$connect' },
    { sourceAccount: '210987654321' },
    { sourceAccount: '12345678901?' },
  ])('does not: %j', (rest) => {
    expect(mayInvoke([{ ...permission, ...rest }], invocation)).toBeUndefined();
  });

  it('is needed', () => {
    expect(mayInvoke([], invocation)).toBeUndefined();
  });
});
