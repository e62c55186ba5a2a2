import { describe, expect, it } from 'vitest';
import { mayAssume } from '../../src/iam/trust.js';

const lambda = 'lambda.amazonaws.com';
const trust = {
  Effect: 'Allow',
  Action: 'sts:AssumeRole',
  Principal: { Service: lambda },
};
const Condition = { StringEquals: { 'aws:SourceAccount': '123456789012' } };
const deny = { ...trust, Effect: 'Deny' };

const decisionOf = (Statement: unknown) => mayAssume({ Version: '2012-10-17', Statement }, lambda);

describe('a trust policy', () => {
  it.each([
    trust,
    { ...trust, Principal: { Service: ['apigateway.amazonaws.com', lambda] } },
    { ...trust, Principal: { AWS: '123456789012', Service: lambda } },
    { ...trust, Principal: '*' },
    { ...trust, Principal: { AWS: '*' } },
    { ...trust, Action: 'sts:*' },
    { ...trust, Action: ['sts:TagSession', 'sts:AssumeRole'] },
    { ...trust, Action: '*', Sid: 'Lambda' },
  ])('lets a service assume the role: %j', (statement) => {
    expect(decisionOf(statement)).toBe('allow');
    expect(decisionOf([{ ...trust, Principal: { AWS: '1' } }, statement])).toBe('allow');
    expect(decisionOf([statement, deny])).toBe('deny');
  });

  it.each([
    { ...trust, Principal: { Service: 'apigateway.amazonaws.com' } },
    { ...trust, Principal: { AWS: lambda } },
    { ...trust, Principal: { Service: '*.amazonaws.com' } },
    { ...trust, Principal: { Service: 5 } },
    { ...trust, Principal: lambda },
    { ...trust, Principal: {} },
    { ...trust, Action: 'sts:AssumeRoleWithWebIdentity' },
    deny,
  ])('does not: %j', (statement) => {
    expect(decisionOf(statement)).toBe('deny');
  });

  it.each([
    ['has the condition key "aws:SourceAccount"', { ...trust, Condition }],
    ['has no "Principal"', { ...trust, Principal: undefined }],
    ['has the element "NotPrincipal"', { ...trust, Principal: undefined, NotPrincipal: '*' }],
    ['has a "Resource"', { ...trust, Resource: '*' }],
    ['has a "Resource"', { ...trust, NotResource: '*' }],
    ['has an "Effect"', { ...trust, Effect: 'allow' }],
    ['is not an object', 'Allow'],
  ])('is refused if it %s', (problem, statement) => {
    const found = {
      problem: expect.stringContaining(`Statement[0] of its trust policy ${problem}`),
    };
    expect(decisionOf([statement])).toEqual(found);
    expect(decisionOf([statement, deny])).toBe('deny');
  });

  it('is refused if a statement that cannot be evaluated may deny', () => {
    expect(decisionOf([trust, { ...deny, Condition }])).toHaveProperty('problem');
    expect(decisionOf([trust, { ...trust, Condition }])).toBe('allow');
    expect(decisionOf([trust, 'Deny'])).toHaveProperty('problem');
  });

  it('needs a statement', () => {
    expect(decisionOf([])).toEqual({ problem: 'its trust policy has no "Statement"' });
    expect(mayAssume(undefined, lambda)).toHaveProperty('problem');
  });
});
