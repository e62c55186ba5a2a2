import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AccessDecision, decide } from '../../src/iam/decide.js';
import { matchesPattern } from '../../src/iam/pattern.js';
import { evaluatePolicy, problemWithPolicy } from '../../src/iam/policy.js';
import type { PolicyDocument } from '../../src/iam/policy-document.js';
import type { Policy, Role } from '../../src/iam/role.js';
import { mayAssume } from '../../src/iam/trust.js';
import { requestOf } from './request.js';

// FUZZ_SEED repeats a run, FUZZ_TIMES=20 makes it 20 times as long.
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_127);
const times = Number(process.env['FUZZ_TIMES'] ?? 1);

type Statement = Readonly<Record<string, unknown>>;

const table = 'arn:aws:dynamodb:us-east-1:123456789012:table/Chat';
const actions = ['dynamodb:PutItem', 'dynamodb:GetItem', 'sqs:SendMessage'];
const resources = [table, `${table}/index/byRoom`, 'arn:aws:sqs:us-east-1:123456789012:Jobs'];

const anyAction = fc.constantFrom(...actions, '*', 'dynamodb:*', 'dynamodb:?etItem', 'PutItem');
const anyResource = fc.constantFrom(
  ...resources,
  '*',
  'arn:aws:dynamodb:*',
  'arn:aws:*:*:*:*',
  `${table}/*`,
  `${table}\${aws:username, ''}`,
  `${table}\${aws:userid}`,
);
const anyCondition = fc.dictionary(
  fc.constantFrom('StringEquals', 'StringNotEquals', 'StringLikeIfExists', 'Null', 'BinaryEquals'),
  fc.dictionary(
    fc.constantFrom('aws:RequestedRegion', 'aws:Referer', 'aws:PrincipalOrgID'),
    fc.constantFrom('us-east-1', 'true', '*', ['false', 'eu-west-1']),
  ),
  { maxKeys: 2 },
);

function anyStatement(Effect: string): fc.Arbitrary<Statement> {
  const either = (name: string, value: fc.Arbitrary<string>) =>
    fc
      .tuple(fc.constantFrom(name, name, `Not${name}`), fc.array(value, { minLength: 1 }))
      .map(([element, values]) => ({ [element]: values }));
  const Condition = fc.option(anyCondition, { nil: undefined, freq: 2 });
  return fc
    .tuple(either('Action', anyAction), either('Resource', anyResource), Condition)
    .map(([action, resource, condition]) => ({
      Effect,
      ...action,
      ...resource,
      ...(condition && { Condition: condition }),
    }));
}

const statement = fc.oneof(
  { weight: 4, arbitrary: anyStatement('Allow') },
  { weight: 1, arbitrary: anyStatement('Deny') },
);
const statements = fc.array(statement, { minLength: 1, maxLength: 4 });
const policies = fc.array(statements, { maxLength: 3 });
const boundary = fc.option(statements, { nil: undefined, freq: 2 });
const request = fc
  .tuple(fc.constantFrom(...actions), fc.constantFrom(...resources))
  .map(([action, resource]) => requestOf({ action, resource }));

let count = 0;
function policyOf(of: readonly Statement[]): Policy {
  count++;
  // As in a template, where anything may be written.
  const document = { Version: '2012-10-17', Statement: of } as unknown as PolicyDocument;
  return { source: `policy ${count}`, document };
}

function roleOf(all: readonly (readonly Statement[])[], limits?: readonly Statement[]): Role {
  const arn = 'arn:aws:iam::123456789012:role/Chat';
  return { arn, policies: all.map(policyOf), boundary: limits && policyOf(limits) };
}

const decisionOf = (role: Role, asked: ReturnType<typeof requestOf>) =>
  decide({ principal: 'the session', role }, asked);

/** What does not depend on the order: the statements as text, sorted. */
function unordered({ isAllowed, reason, statements: places, problem }: AccessDecision): unknown {
  const texts = places.map(({ policy: { document }, index }) =>
    JSON.stringify(document.Statement[index]),
  );
  return { isAllowed, reason, hasProblem: problem !== undefined, texts: texts.sort() };
}

const shuffled = <T>(values: readonly T[]) =>
  fc.shuffledSubarray([...values], { minLength: values.length });

describe('a decision', () => {
  it('does not become an Allow by another statement with Deny', () => {
    const property = fc.property(
      policies,
      anyStatement('Deny'),
      boundary,
      request,
      (all, more, limits, asked) => {
        const after = decisionOf(roleOf([...all, [more]], limits), asked);
        const before = decisionOf(roleOf(all, limits), asked);
        expect(after.isAllowed && !before.isAllowed).toBe(false);
      },
    );
    fc.assert(property, { seed, numRuns: 300 * times });
  });

  it('does not become a refusal by another statement with Allow', () => {
    const property = fc.property(
      policies,
      fc.oneof(
        anyStatement('Allow'),
        fc.jsonValue().map((junk) => ({ Effect: 'Allow', Action: junk, Resource: junk })),
      ),
      boundary,
      request,
      (all, more, limits, asked) => {
        const before = decisionOf(roleOf(all, limits), asked);
        const after = decisionOf(roleOf([...all, [more]], limits), asked);
        const wider = decisionOf(roleOf(all, limits && [...limits, more]), asked);
        expect(before.isAllowed && !(after.isAllowed && wider.isAllowed)).toBe(false);
      },
    );
    fc.assert(property, { seed, numRuns: 300 * times });
  });

  it('does not become an Allow by a boundary', () => {
    const property = fc.property(policies, statements, request, (all, limits, asked) => {
      const { isAllowed } = decisionOf(roleOf(all), asked);
      expect(decisionOf(roleOf(all, limits), asked).isAllowed && !isAllowed).toBe(false);
    });
    fc.assert(property, { seed, numRuns: 300 * times });
  });

  it('does not depend on the order of policies and statements, or on which policy has a statement', () => {
    const property = fc.property(
      policies.chain((all) => fc.tuple(fc.constant(all), shuffled(all), shuffled(all.flat()))),
      request,
      ([all, otherPolicies, otherStatements], asked) => {
        const expected = unordered(decisionOf(roleOf(all), asked));
        expect(unordered(decisionOf(roleOf(otherPolicies), asked))).toEqual(expected);
        const apart = roleOf(otherStatements.map((each) => [each]));
        expect(unordered(decisionOf(apart, asked))).toEqual(expected);
        const joined = roleOf(otherStatements.length > 0 ? [otherStatements] : []);
        expect(unordered(decisionOf(joined, asked))).toEqual(expected);
      },
    );
    fc.assert(property, { seed, numRuns: 200 * times });
  });

  it('names only statements with its effect', () => {
    const property = fc.property(policies, boundary, request, (all, limits, asked) => {
      const { reason, statements: places } = decisionOf(roleOf(all, limits), asked);
      const effects = places.map(({ policy, index }) => policy.document.Statement[index]?.Effect);
      const wanted = { allowed: ['Allow'], denied: ['Deny'] }[reason as string] ?? [];
      expect([...new Set(effects)]).toEqual(wanted);
    });
    fc.assert(property, { seed, numRuns: 200 * times });
  });
});

describe('wildcards', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ':', '😀'), maxLength: 10 });
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', ':', '*', '?', '😀'), maxLength: 8 });
  const matches = (wildcards: 'text' | 'resource' | 'arn', of: string, value: string) =>
    matchesPattern(of, value, { wildcards, variables: undefined });

  /** Tries all lengths of a `*`. */
  function slow(of: string[], value: string[], stars: readonly RegExp[], one: RegExp): boolean {
    const [first, ...rest] = of;
    if (first === undefined) return value.length === 0;
    if (first !== '*') {
      const isMatch = first === value[0] || (first === '?' && one.test(value[0] ?? ''));
      return value.length > 0 && isMatch && slow(rest, value.slice(1), stars, one);
    }
    const [star = /^$/, ...others] = stars;
    const lengths = [...value.keys(), value.length];
    return lengths.some(
      (length) =>
        star.test(value.slice(0, length).join('')) && slow(rest, value.slice(length), others, one),
    );
  }

  const slowText = (of: string, value: string) =>
    slow(
      Array.from(of),
      Array.from(value),
      [...of.matchAll(/\*/g)].map(() => /^/),
      /^/,
    );

  it('of a text match as all possible ways to read them', () => {
    fc.assert(
      fc.property(pattern, text, (of, value) => {
        expect(matches('text', of, value)).toBe(slowText(of, value));
      }),
      { seed, numRuns: 1000 * times },
    );
  });

  it('of a resource do not match a colon, but for a * at the end of a segment', () => {
    fc.assert(
      fc.property(pattern, text, (of, value) => {
        const stars = [...of.matchAll(/\*/g)].map(({ index }) =>
          [undefined, ':'].includes(of[index + 1]) ? /^/ : /^[^:]*$/u,
        );
        expect(matches('resource', of, value)).toBe(
          slow(Array.from(of), Array.from(value), stars, /[^:]/u),
        );
      }),
      { seed, numRuns: 1000 * times },
    );
  });

  it('of an ARN match each of its six parts', () => {
    const arn = (of: fc.Arbitrary<string>) =>
      fc.oneof(
        of,
        fc
          .array(
            of.map((part) => part.replaceAll(':', '').slice(0, 2)),
            { minLength: 5, maxLength: 8 },
          )
          .map((parts) => parts.join(':')),
      );
    const partsOf = (value: string) => {
      const parts = value.split(':');
      return [...parts.slice(0, 5), ...(parts.length > 5 ? [parts.slice(5).join(':')] : [])];
    };
    fc.assert(
      fc.property(arn(pattern), arn(text), (of, value) => {
        const [patterns, values] = [partsOf(of), partsOf(value)];
        const expected =
          patterns.length === values.length &&
          patterns.every((part, index) => slowText(part, values[index] ?? ''));
        expect(matches('arn', of, value)).toBe(expected);
      }),
      { seed, numRuns: 1000 * times },
    );
  });

  it('match in a short time, however many there are', () => {
    const many = `${'*a'.repeat(500)}b`;
    for (const wildcards of ['text', 'resource', 'arn'] as const) {
      expect(matches(wildcards, many, 'a'.repeat(1000))).toBe(false);
      expect(matches(wildcards, '*'.repeat(1000), 'a'.repeat(1000))).toBe(true);
    }
  });
});

describe('whatever is written in a policy', () => {
  const odd: readonly unknown[] = [
    undefined,
    null,
    '',
    0,
    1.5,
    true,
    [],
    {},
    [[]],
    ['*', 5],
    Symbol.iterator,
  ];
  const junk = fc.oneof(fc.constantFrom(...odd), fc.jsonValue({ maxDepth: 1 }));
  const names = ['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'Condition', 'Principal'];
  const value = fc.oneof(
    junk,
    fc.constantFrom('Allow', 'Deny', '*', 'sts:AssumeRole', '${', '${}', '${aws:username', 'arn:'),
    fc.dictionary(fc.constantFrom('StringLike', 'Null', '', 'IfExists', 'ForAnyValue:'), junk, {
      maxKeys: 2,
    }),
    fc.dictionary(
      fc.constantFrom('IpAddress', 'DateEquals', 'NumericEquals', 'ForAllValues:ArnLike'),
      fc.dictionary(fc.constantFrom('aws:SourceIp', 'aws:CurrentTime', '__proto__'), junk, {
        maxKeys: 2,
      }),
      { maxKeys: 2 },
    ),
  );
  const statementLike = fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4 });
  const document = fc.oneof(
    junk,
    fc.record({ Version: fc.constantFrom('2012-10-17', 5, undefined), Statement: junk }),
    fc.record({
      Version: fc.constant('2012-10-17'),
      Statement: fc.array(statementLike, { maxLength: 2 }),
    }),
  );

  it('does not throw', () => {
    fc.assert(
      fc.property(document, fc.string(), fc.string(), (written, action, resource) => {
        const asked = requestOf({ action, resource });
        const policy = { source: 'the policy', document: written as PolicyDocument };
        const role = { arn: 'a', policies: [policy], boundary: policy };
        const decision = decisionOf(role, asked);
        expect(decision.isAllowed).toBe(decision.reason === 'allowed');
        const problem = problemWithPolicy(written);
        expect(problem === undefined && decision.problem !== undefined).toBe(false);
        expect(['allow', 'deny', 'object']).toContain(shortOf(evaluatePolicy(written, asked)));
        expect(['allow', 'deny', 'object']).toContain(shortOf(mayAssume(written, 'lambda')));
      }),
      { seed, numRuns: 500 * times },
    );
  });

  const shortOf = (decision: unknown) =>
    typeof decision === 'string' ? decision : typeof decision;
});
