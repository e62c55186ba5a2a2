import { describe, expect, it } from 'vitest';
import { decide } from '../../src/iam/decide.js';
import type { PolicyDocument, PolicyStatement } from '../../src/iam/policy-document.js';
import type { Policy, Role } from '../../src/iam/role.js';
import { requestOf } from './request.js';

const table = 'arn:aws:dynamodb:us-east-1:123456789012:table/Chat';
const request = requestOf({ action: 'dynamodb:PutItem', resource: table });

const allow = { Effect: 'Allow', Action: 'dynamodb:PutItem', Resource: table } as const;
const deny = { ...allow, Effect: 'Deny' } as const;
const other = { ...allow, Action: 'dynamodb:GetItem' } as const;
/** The value of this key is not known. */
const Condition = { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } };

let count = 0;
function policy(...statements: PolicyStatement[]): Policy {
  count++;
  return { source: `policy ${count}`, document: { Version: '2012-10-17', Statement: statements } };
}

function decisionOf(policies: readonly Policy[], rest: Partial<Role> = {}) {
  const role = { arn: 'arn:aws:iam::123456789012:role/Chat', policies, ...rest };
  return decide({ principal: 'arn:aws:sts::123456789012:assumed-role/Chat/send', role }, request);
}

/** As it is in a template, where anything may be written. */
const broken = (document: unknown): Policy => ({
  source: '"Policies[0]" of "ChatRole"',
  document: document as PolicyDocument,
});

describe('a decision', () => {
  it('allows everything without a role, and nothing without a policy', () => {
    const caller = { principal: 'ann' };
    expect(decide(caller, request)).toEqual({ isAllowed: true, reason: 'allowed', statements: [] });
    expect(decisionOf([])).toEqual({ isAllowed: false, reason: 'not allowed', statements: [] });
  });

  it('names all statements of all policies that allow the call', () => {
    const [first, second] = [policy(other, allow), policy(allow)];
    expect(decisionOf([first, second])).toEqual({
      isAllowed: true,
      reason: 'allowed',
      statements: [
        { policy: first, index: 1 },
        { policy: second, index: 0 },
      ],
    });
  });

  it('names all statements of all policies that deny the call, and no others', () => {
    const policies = [policy(allow, deny), policy(deny, other)];
    expect(decisionOf(policies)).toEqual({
      isAllowed: false,
      reason: 'denied',
      statements: [
        { policy: policies[0], index: 1 },
        { policy: policies[1], index: 0 },
      ],
    });
  });

  it('takes a policy with one statement that is not in a list', () => {
    const single = broken({ Statement: allow });
    expect(decisionOf([single]).statements).toEqual([{ policy: single, index: 0 }]);
  });

  it('refuses what the boundary does not allow', () => {
    const boundary = policy(other);
    const reason = 'boundary';
    expect(decisionOf([policy(allow)], { boundary })).toMatchObject({ isAllowed: false, reason });
    const wide = policy({ ...allow, Action: '*', Resource: '*' });
    expect(decisionOf([policy(allow)], { boundary: wide }).isAllowed).toBe(true);
  });

  it('does not allow what only the boundary allows', () => {
    const decision = decisionOf([policy(other)], { boundary: policy(allow) });
    expect(decision).toMatchObject({ isAllowed: false, reason: 'not allowed', statements: [] });
  });

  it('names the statement of a boundary that denies the call', () => {
    const boundary = policy({ ...allow, Action: '*' }, deny);
    expect(decisionOf([policy(allow)], { boundary })).toMatchObject({
      reason: 'denied',
      statements: [{ policy: boundary, index: 1 }],
    });
  });
});

describe('a statement that cannot be evaluated', () => {
  const unknown = 'has the condition key "aws:PrincipalOrgID", whose value is not known here';

  it('allows nothing, and is named', () => {
    const role = policy(other, { ...allow, Condition });
    expect(decisionOf([role])).toEqual({
      isAllowed: false,
      reason: 'not allowed',
      statements: [],
      problem: `Statement[1] of ${role.source} ${unknown}`,
    });
  });

  it('is not named if another statement allows the call', () => {
    const decision = decisionOf([policy({ ...allow, Condition }, allow)]);
    expect(decision).toMatchObject({ isAllowed: true });
    expect(decision.problem).toBeUndefined();
  });

  it('refuses the call if it may deny it, and is named', () => {
    const role = policy({ ...deny, Condition }, allow);
    expect(decisionOf([role])).toMatchObject({
      isAllowed: false,
      reason: 'not allowed',
      problem: `Statement[0] of ${role.source} ${unknown}`,
    });
  });

  it('is not named if another statement denies the call', () => {
    const decision = decisionOf([policy({ ...deny, Condition }, { ...allow, Condition }, deny)]);
    expect(decision.reason).toBe('denied');
    expect(decision.problem).toBeUndefined();
  });

  it('is not named if it denies a call that nothing allows', () => {
    const decision = decisionOf([policy({ ...deny, Condition })]);
    expect(decision.reason).toBe('not allowed');
    expect(decision.problem).toBeUndefined();
  });

  it('of a boundary is named, whether it may allow or deny the call', () => {
    const mayAllow = policy({ ...allow, Condition });
    expect(decisionOf([policy(allow)], { boundary: mayAllow })).toMatchObject({
      reason: 'boundary',
      problem: `Statement[0] of ${mayAllow.source} ${unknown}`,
    });
    const mayDeny = policy(allow, { ...deny, Condition });
    expect(decisionOf([policy(allow)], { boundary: mayDeny })).toMatchObject({
      isAllowed: false,
      reason: 'not allowed',
      problem: `Statement[1] of ${mayDeny.source} ${unknown}`,
    });
  });

  it.each([
    ['of another action', { Action: 'dynamodb:GetItem' }],
    ['of another resource', { Resource: `${table}/index/*` }],
    [
      'with another condition that is false',
      { Condition: { ...Condition, StringLike: { 'aws:RequestedRegion': 'eu-*' } } },
    ],
  ])('decides nothing if it is one %s', (...[, rest]) => {
    const decision = decisionOf([policy({ ...deny, Condition, ...rest }, allow)]);
    expect(decision).toMatchObject({ isAllowed: true });
    expect(decisionOf([policy({ ...allow, Condition, ...rest })]).problem).toBeUndefined();
  });

  it.each([
    [null, 'is not an object'],
    [{ ...allow, Effect: 'allow' }, 'has an "Effect" that is neither "Allow" nor "Deny"'],
    [{ ...allow, Principal: '*' }, 'has the element "Principal", which is not supported here'],
    [{ ...allow, Sid: 5 }, 'has a "Sid" that is not a text'],
    [{ ...allow, Action: undefined }, 'has no "Action"'],
    [{ ...allow, Action: 'PutItem' }, 'has the action "PutItem", which is neither "*" nor one of'],
    [{ ...allow, Action: '*:PutItem' }, 'has the action "*:PutItem", which is neither'],
    [{ ...allow, Action: ['sqs:*', '**'] }, 'has the action "**", which is neither'],
    [{ ...allow, NotResource: 'arn:x' }, 'has both "Resource" and "NotResource"'],
    [{ ...allow, Resource: ['*', 5] }, 'has a "Resource" that is neither a text nor a list'],
    [
      { ...allow, Resource: 'arn:aws:*:us-east-1:123456789012:table/Chat' },
      'has the resource "arn:aws:*:us-east-1:123456789012:table/Chat" with a wildcard for its service',
    ],
    [
      { ...allow, Resource: 'arn:aws:dynamodb:${aws:RequestedRegion}:123456789012:table/Chat' },
      'has the resource "arn:aws:dynamodb:${aws:RequestedRegion}:123456789012:table/Chat" with a variable before its fifth colon',
    ],
    [
      { ...allow, Resource: `${table}-\${aws:PrincipalTag/team}` },
      'has the variable "${aws:PrincipalTag/team}", whose value is not known here',
    ],
    [
      { ...allow, Resource: `${table}-\${dynamodb:LeadingKeys}` },
      'has the variable "${dynamodb:LeadingKeys}", which is of a multivalued key',
    ],
    [{ ...allow, Condition: [] }, 'has a "Condition" that is not an object'],
    [
      { ...allow, Condition: { BinaryEquals: { 'aws:SourceIp': 'eA==' } } },
      'has the condition operator "BinaryEquals", which is not supported here',
    ],
    [
      { ...allow, Condition: { StringEquals: { 'dynamodb:LeadingKeys': 'ann' } } },
      'has the condition operator "StringEquals" for the multivalued key "dynamodb:LeadingKeys", which needs',
    ],
  ])('is named with what is wrong: %j', (statement, problem) => {
    const role = broken({ Version: '2012-10-17', Statement: [other, statement] });
    const decision = decisionOf([role]);
    expect(decision.isAllowed).toBe(false);
    expect(decision.problem).toContain(`Statement[1] of "Policies[0]" of "ChatRole" ${problem}`);
  });

  it('is a refusal if nobody knows whether it allows or denies', () => {
    const role = broken({ Statement: [allow, { ...allow, Effect: 'Maybe' }] });
    expect(decisionOf([role])).toMatchObject({ isAllowed: false, reason: 'not allowed' });
  });

  it.each([
    [{ Statement: [] }, 'has no "Statement"'],
    ['Allow', 'has no "Statement"'],
    [{ Version: 'latest', Statement: [other] }, 'has a "Version" that is neither'],
    [{ Statement: [other], Rules: [] }, 'has the element "Rules", which is not supported here'],
  ])('refuses all calls if it is a whole policy: %j', (document, problem) => {
    const decision = decisionOf([policy(allow), broken(document)]);
    expect(decision).toMatchObject({ isAllowed: false, reason: 'not allowed' });
    expect(decision.problem).toContain(`"Policies[0]" of "ChatRole" ${problem}`);
    expect(decisionOf([broken(document)]).problem).toBe(decision.problem);
  });
});
