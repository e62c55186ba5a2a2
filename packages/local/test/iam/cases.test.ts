import { describe, expect, it } from 'vitest';
import { decide } from '../../src/iam/decide.js';
import type { PolicyDocument } from '../../src/iam/policy-document.js';
import type { Policy } from '../../src/iam/role.js';
import { conditions } from './cases/conditions.js';
import { elements } from './cases/elements.js';
import { evaluation } from './cases/evaluation.js';
import type { Asked, Elements, Expected, Fact, Policies } from './cases/fact.js';
import { setsOfValues } from './cases/sets.js';
import { variables } from './cases/variables.js';
import { requestOf } from './request.js';

const facts: readonly Fact[] = [elements, conditions, setsOfValues, variables, evaluation].flat();

const base = { Effect: 'Allow', Action: 'dynamodb:PutItem', Resource: '*' };

function policyOf(statements: readonly Elements[], { Version }: { Version?: string | undefined }) {
  const document = { Version, Statement: statements.map((elements) => ({ ...base, ...elements })) };
  // As in a template, where anything may be written.
  return { source: 'the policy', document: document as unknown as PolicyDocument } satisfies Policy;
}

const hasPolicies = (given: Elements | Policies): given is Policies => 'policies' in given;

function decisionOn(given: Elements | Policies, { keys, ...asked }: Asked = {}): Expected {
  const { policies, boundary, ...version } = hasPolicies(given) ? given : { policies: [[given]] };
  const rest = { Version: '2012-10-17', ...version };
  const role = {
    arn: 'arn:aws:iam::123456789012:role/Chat',
    policies: policies.map((statements) => policyOf(statements, rest)),
    boundary: boundary && policyOf(boundary, rest),
  };
  const request = requestOf({ ...asked, keys: new Map(Object.entries(keys ?? {})) });
  const { isAllowed, reason, problem } = decide({ principal: 'the session', role }, request);
  expect(isAllowed).toBe(reason === 'allowed');
  return problem === undefined ? reason : 'unknown';
}

describe.each(facts)('$page: $says', ({ cases }) => {
  const named = cases.map(([given, expected, asked]) => ({ given, expected, asked }));
  it.each(named)('%j', ({ given, expected, asked }) => {
    expect(decisionOn(given, asked)).toBe(expected);
  });
});

it('has 200 cases at least, no two of them the same', () => {
  const all = facts
    .flatMap(({ cases }) => cases)
    .map((each) => JSON.stringify(each, (_, value: unknown) => value ?? 'absent'));
  expect(all.length).toBeGreaterThanOrEqual(200);
  expect(all.filter((text, index) => all.indexOf(text) !== index)).toEqual([]);
});
