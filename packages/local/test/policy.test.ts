import { describe, expect, it } from 'vitest';
import { apiGatewayKeys } from '../src/iam/keys.js';
import { evaluatePolicy, problemWithPolicy as problemWith } from '../src/iam/policy.js';

const resource = 'arn:aws:execute-api:us-east-1:123456789012:abcde12345/dev/$connect';
const question = {
  action: 'execute-api:Invoke',
  resource,
  now: Date.parse('2026-11-24T08:09:10Z'),
  sourceIp: '203.0.113.7',
  userAgent: 'Chat/2.1 (x*y)',
  referer: undefined,
};

/** Evaluates a policy for a request, whose condition keys are those of API Gateway. */
const evaluate = (document: unknown, { action, resource: on, ...request }: typeof question) =>
  evaluatePolicy(document, { action, resource: on, keys: apiGatewayKeys(request) });

const known = apiGatewayKeys(question);
const problemWithPolicy = (document: unknown) =>
  problemWith(document, { kind: 'api-gateway', isKnown: (name) => known.has(name.toLowerCase()) });

const policy = (statement: object, Version = '2012-10-17') => ({
  Version,
  Statement: { Effect: 'Allow', Action: 'execute-api:Invoke', Resource: '*', ...statement },
});

const decisionOn = (Condition: object, asked: Partial<typeof question> = {}) =>
  evaluate(policy({ Condition }), { ...question, ...asked });

describe('a condition', () => {
  it.each([
    ['StringEquals', 'aws:SourceIp', '203.0.113.7', 'allow'],
    ['StringEquals', 'aws:UserAgent', 'chat/2.1 (X*Y)', 'deny'],
    ['StringEqualsIgnoreCase', 'aws:UserAgent', 'chat/2.1 (X*Y)', 'allow'],
    ['StringNotEquals', 'aws:SourceIp', '203.0.113.7', 'deny'],
    ['StringNotEquals', 'aws:SourceIp', ['1.1.1.1', '203.0.113.7'], 'deny'],
    ['StringNotEquals', 'aws:SourceIp', ['1.1.1.1', '2.2.2.2'], 'allow'],
    ['StringNotEqualsIgnoreCase', 'aws:UserAgent', 'CHAT/2.1 (x*y)', 'deny'],
    ['StringLike', 'aws:UserAgent', 'Chat/?.?*', 'allow'],
    ['StringLike', 'aws:UserAgent', 'Chat/?', 'deny'],
    ['StringLike', 'aws:UserAgent', '*(x${*}y)', 'allow'],
    ['StringLike', 'aws:UserAgent', '*(x${?}y)', 'deny'],
    ['StringLike', 'aws:SourceIp', '*0.1?3.7', 'allow'],
    ['StringLike', 'aws:SourceIp', '*03.113.7', 'deny'],
    ['StringLike', 'aws:SourceIp', '2*3*7*7', 'deny'],
    ['StringLike', 'aws:SourceIp', '203.0.113.7?', 'deny'],
    ['StringEquals', 'aws:SourceIp', '203.0.113.?', 'deny'],
    ['StringNotLike', 'aws:UserAgent', 'Chat*', 'deny'],
    ['ArnLike', 'aws:SourceIp', 'arn:*:*:*:*:*', 'deny'],
    ['ArnEquals', 'aws:SourceIp', 'arn:*:*:*:*:*', 'deny'],
    ['ArnNotLike', 'aws:SourceIp', 'arn:*:*:*:*:*', 'allow'],
    ['ArnNotEquals', 'aws:SourceIp', 'arn:*:*:*:*:*', 'allow'],
    ['ArnLike', 'aws:SourceIp', '203.*', 'problem'],
    ['NumericEquals', 'aws:EpochTime', 1_795_507_750, 'allow'],
    ['NumericNotEquals', 'aws:EpochTime', '1795507750', 'deny'],
    ['NumericLessThan', 'aws:EpochTime', '1795507750', 'deny'],
    ['NumericLessThanEquals', 'aws:EpochTime', '1795507750', 'allow'],
    ['NumericGreaterThan', 'aws:EpochTime', '1795507749', 'allow'],
    ['NumericGreaterThan', 'aws:EpochTime', '1795507750', 'deny'],
    ['NumericGreaterThanEquals', 'aws:EpochTime', '1795507751', 'deny'],
    ['NumericEquals', 'aws:UserAgent', '2', 'deny'],
    ['DateEquals', 'aws:CurrentTime', '2026-11-24T09:09:10+01:00', 'allow'],
    ['DateNotEquals', 'aws:CurrentTime', '2026-11-24T08:09:10Z', 'deny'],
    ['DateLessThan', 'aws:CurrentTime', '2026-11-24T08:09:11Z', 'allow'],
    ['DateLessThanEquals', 'aws:CurrentTime', '2026-11-24T08:09:09Z', 'deny'],
    ['DateGreaterThan', 'aws:CurrentTime', '2026-11-24', 'allow'],
    ['DateGreaterThanEquals', 'aws:EpochTime', '1795507750', 'allow'],
    ['DateLessThan', 'aws:CurrentTime', '1795507751', 'allow'],
    ['DateLessThan', 'aws:CurrentTime', '1795507750', 'deny'],
    ['Bool', 'aws:SecureTransport', 'true', 'allow'],
    ['Bool', 'aws:SecureTransport', true, 'allow'],
    ['Bool', 'aws:SecureTransport', 'false', 'deny'],
    ['IpAddress', 'aws:SourceIp', '203.0.113.0/24', 'allow'],
    ['IpAddress', 'aws:SourceIp', ['10.0.0.0/8', '203.0.113.7'], 'allow'],
    ['IpAddress', 'aws:SourceIp', '203.0.113.8/29', 'deny'],
    ['IpAddress', 'aws:SourceIp', '2001:db8::/32', 'deny'],
    ['IpAddress', 'aws:UserAgent', '0.0.0.0/0', 'deny'],
    ['NotIpAddress', 'aws:SourceIp', '203.0.113.0/24', 'deny'],
    ['NotIpAddress', 'aws:SourceIp', '198.51.100.0/24', 'allow'],
    ['Null', 'aws:Referer', 'true', 'allow'],
    ['Null', 'aws:Referer', 'false', 'deny'],
    ['Null', 'aws:UserAgent', false, 'allow'],
    ['stringequals', 'AWS:sourceip', '203.0.113.7', 'allow'],
    ['StringEquals', 'aws:SourceIp', [], 'problem'],
    ['StringEquals', 'aws:SourceIp', {}, 'problem'],
    ['StringEquals', 'aws:username', 'ann', 'problem'],
    ['StringSounds', 'aws:SourceIp', 'x', 'problem'],
    ['BinaryEquals', 'aws:SourceIp', 'x', 'problem'],
    ['StringEquals', 'aws:SourceIp', ['x', {}], 'problem'],
    ['NullIfExists', 'aws:SourceIp', 'true', 'problem'],
    ['ForAnyValue:Null', 'aws:SourceIp', 'true', 'problem'],
    ['Null', 'aws:SourceIp', 'yes', 'problem'],
    ['Bool', 'aws:SecureTransport', 'yes', 'problem'],
    ['NumericLessThan', 'aws:EpochTime', 'soon', 'problem'],
    ['NumericLessThan', 'aws:EpochTime', ' ', 'problem'],
    ['DateLessThan', 'aws:CurrentTime', 'tomorrow', 'problem'],
    ['IpAddress', 'aws:SourceIp', '10.0.0.0/33', 'problem'],
    ['IpAddress', 'aws:SourceIp', '2001:db8::/129', 'problem'],
    ['IpAddress', 'aws:SourceIp', 'localhost', 'problem'],
  ])('I8 4.17 %s of %s and %j: %s', (...[operator, key, value, expected]) => {
    const decision = decisionOn({ [operator]: { [key]: value } });
    expect(typeof decision === 'object' ? 'problem' : decision).toBe(expected);
  });

  it('I8 4.17 needs the address of IPv6 in its range', () => {
    const Condition = { IpAddress: { 'aws:SourceIp': '2001:db8::/32' } };
    expect(decisionOn(Condition, { sourceIp: '2001:db8::1' })).toBe('allow');
    expect(decisionOn(Condition, { sourceIp: '2001:db9::1' })).toBe('deny');
  });

  it.each([
    ['StringLike', 'deny'],
    ['StringNotLike', 'allow'],
    ['StringLikeIfExists', 'allow'],
    ['StringNotLikeIfExists', 'allow'],
    ['ForAnyValue:StringLike', 'deny'],
    ['ForAnyValue:StringNotLike', 'deny'],
    ['ForAnyValue:StringLikeIfExists', 'allow'],
    ['ForAllValues:StringLike', 'allow'],
    ['ForAllValues:StringNotLike', 'allow'],
  ])('I8 4.17 %s of a key that the request lacks: %s', (operator, expected) => {
    for (const name of ['Referer', 'SourceArn', 'SourceVpc', 'SourceVpce', 'VpcSourceIp']) {
      const key = `aws:${name}`;
      expect(decisionOn({ [operator]: { [key]: '*' } })).toBe(expected);
    }
  });

  it.each([
    ['ForAnyValue:StringLike', 'allow'],
    ['ForAllValues:StringLike', 'allow'],
    ['StringLikeIfExists', 'allow'],
    ['ForAllValues:StringNotLike', 'deny'],
  ])('I8 4.17 %s of a key that the request has: %s', (operator, expected) => {
    expect(decisionOn({ [operator]: { 'aws:SourceIp': '203.*' } })).toBe(expected);
  });

  it('I8 4.17 is true if all its operators and keys are', () => {
    const right = { 'aws:SourceIp': '203.0.113.7' };
    const wrong = { 'aws:UserAgent': 'x' };
    expect(decisionOn({ StringEquals: { ...right, ...wrong } })).toBe('deny');
    expect(decisionOn({ StringEquals: right, StringLike: wrong })).toBe('deny');
    expect(decisionOn({ StringEquals: right, StringNotLike: wrong })).toBe('allow');
  });

  it('I8 4.17 also limits what a statement denies', () => {
    const both = (Condition: object) => ({
      Statement: [
        { Effect: 'Allow', Action: '*', Resource: '*' },
        { Effect: 'Deny', Action: '*', Resource: '*', Condition },
      ],
    });
    const from = (range: string) => ({ IpAddress: { 'aws:SourceIp': range } });
    expect(evaluate(both(from('203.0.113.0/24')), question)).toBe('deny');
    expect(evaluate(both(from('10.0.0.0/8')), question)).toBe('allow');
  });
});

describe('a policy variable', () => {
  const withAddress = { Resource: 'arn:${aws:SourceIp}' };
  const asked = { ...question, resource: 'arn:203.0.113.7' };

  it('I8 4.18 has its value in the version of 2012', () => {
    expect(evaluate(policy(withAddress), asked)).toBe('allow');
    expect(evaluate(policy({ Resource: 'arn:${AWS:SOURCEIP}' }), asked)).toBe('allow');
  });

  it('I8 4.18 is plain text in the version of 2008, which is the default', () => {
    const literal = { ...question, resource: 'arn:${aws:SourceIp}' };
    for (const document of [
      policy(withAddress, '2008-10-17'),
      { Statement: policy(withAddress).Statement },
    ]) {
      expect(evaluate(document, asked)).toBe('deny');
      expect(evaluate(document, literal)).toBe('allow');
    }
    const Condition = { StringEquals: { 'aws:UserAgent': '${aws:SourceIp}' } };
    const written = { ...question, userAgent: '${aws:SourceIp}' };
    expect(evaluate(policy({ Condition }), written)).toBe('deny');
    expect(evaluate(policy({ Condition }, '2008-10-17'), written)).toBe('allow');
  });

  it('I8 4.18 of a name that is not known is plain text in the version of 2008', () => {
    expect(problemWithPolicy(policy({ Resource: '${aws:username}' }, '2008-10-17'))).toBe(
      undefined,
    );
  });

  it.each(['NumericLessThan', 'DateLessThan', 'IpAddress', 'Null'])(
    'I15 4.18 is refused with the operator %s, which takes none',
    (operator) => {
      const Condition = { [operator]: { 'aws:EpochTime': '${aws:EpochTime}' } };
      const problem = `"${operator}", which cannot compare "\${aws:EpochTime}"`;
      expect(problemWithPolicy(policy({ Condition }))).toContain(problem);
      expect(problemWithPolicy(policy({ Condition }, '2008-10-17'))).toContain(problem);
    },
  );

  it.each(['*', '?', '$'])('I8 4.18 stands for the character %s', (character) => {
    const like = { StringLike: { 'aws:UserAgent': `a\${${character}}*` } };
    expect(decisionOn(like, { userAgent: `a${character}b` })).toBe('allow');
    expect(decisionOn(like, { userAgent: 'axb' })).toBe('deny');
    const equal = { StringEquals: { 'aws:UserAgent': `a${character}b` } };
    expect(decisionOn(equal, { userAgent: `a${character}b` })).toBe('allow');
  });

  it('I8 4.18 makes the statement match nothing if the request lacks it', () => {
    expect(evaluate(policy({ Resource: '*${aws:Referer}' }), question)).toBe('deny');
    for (const operator of ['StringEquals', 'StringEqualsIgnoreCase', 'Bool', 'ArnLike']) {
      expect(decisionOn({ [operator]: { 'aws:SourceIp': '${aws:Referer}' } })).toBe('deny');
      const itself = { [operator]: { 'aws:SourceIp': '${aws:SourceIp}' } };
      expect(decisionOn(itself)).toBe('allow');
    }
  });

  it('I8 4.18 has no wildcards in its value', () => {
    const like = { StringLike: { 'aws:SourceIp': '${aws:UserAgent}' } };
    expect(decisionOn(like, { userAgent: '*' })).toBe('deny');
  });

  it('I8 4.18 is refused if its value is not known', () => {
    const document = policy({ Resource: 'arn:${aws:username}' });
    expect(problemWithPolicy(document)).toContain('the variable "${aws:username}"');
    const condition = { StringLike: { 'aws:SourceIp': '${aws:x}' } };
    expect(problemWithPolicy(policy({ Condition: condition }))).toContain('"${aws:x}"');
  });
});

describe('a policy', () => {
  it.each([undefined, null, 'Allow', [], [{ Effect: 'Allow' }]])(
    'I8 4.7 is refused if it is not an object with statements: %j',
    (document) => {
      expect(problemWithPolicy(document)).toBe('its policy has no "Statement"');
    },
  );

  it.each([null, 'Allow', 5])(
    'I8 4.7 is refused if a statement is not an object: %j',
    (statement) => {
      expect(problemWithPolicy({ Statement: [statement] })).toBe(
        'Statement[0] of its policy is not an object',
      );
    },
  );

  it('I8 4.16 excludes each of several actions and resources, and may have an "Id" and a "Sid"', () => {
    const NotAction = ['x:y', 'execute-api:Invoke'];
    expect(evaluate(policy({ Action: undefined, NotAction }), question)).toBe('deny');
    const NotResource = ['x', resource];
    expect(evaluate(policy({ Resource: undefined, NotResource }), question)).toBe('deny');
    expect(evaluate({ Id: 'first', ...policy({ Sid: 'one' }) }, question)).toBe('allow');
  });

  it('I15 4.6 matches colons by any wildcard, and actions as they are written', () => {
    const asked = { ...question, resource: 'arn:aws:execute-api:us-east-1:1:api/dev/a:b' };
    for (const Resource of ['arn:*/a:b', '*a?b', 'arn:aws:*:us-east-1:1:api/*']) {
      expect(evaluate(policy({ Resource }), asked)).toBe('allow');
    }
    expect(evaluate(policy({ Action: 'execute-api*' }), asked)).toBe('allow');
    expect(evaluate(policy({ Action: '${aws:x}' }), asked)).toBe('deny');
  });

  it('I15 of a role is refused if IAM refuses it', () => {
    const document = policy({ Action: 'Invoke' });
    expect(problemWith(document)).toContain('Statement[0] of its policy has the action "Invoke"');
    const unknown = policy({ Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } });
    expect(problemWith(unknown)).toContain('"aws:MultiFactorAuthPresent", whose value');
    const ofService = policy({ Condition: { Bool: { 'dynamodb:FullTableScan': 'true' } } });
    expect(problemWith(ofService)).toBeUndefined();
  });

  it('4.6 matches in a short time, however many wildcards there are', () => {
    const Resource = `${'*a'.repeat(200)}b`;
    const asked = { ...question, resource: 'a'.repeat(20_000) };
    expect(evaluate(policy({ Resource }), asked)).toBe('deny');
    expect(evaluate(policy({ Resource: '**$connect**' }), question)).toBe('allow');
  });

  it.each([
    ['a "Version"', { Version: '2012-10-18' }],
    ['the element "Statements"', { Statements: [] }],
    ['the element "Principal"', policy({ Principal: '*' })],
    ['a "Sid"', policy({ Sid: 5 })],
    ['the "Version"', policy({}, '')],
    ['both "Action" and "NotAction"', policy({ NotAction: 'x' })],
    ['both "Resource" and "NotResource"', policy({ NotResource: 'x' })],
    ['no "Action"', policy({ Action: undefined })],
    ['no "Resource"', policy({ Resource: undefined })],
    ['the "Action"', policy({ Action: [] })],
    ['the "NotAction"', policy({ Action: undefined, NotAction: 5 })],
    ['the "Resource"', policy({ Resource: ['*', null] })],
    ['the "Condition"', policy({ Condition: [] })],
    ['the "Condition"', policy({ Condition: null })],
    ['the condition operator "StringLike"', policy({ Condition: { StringLike: 'x' } })],
    ['the condition operator "StringLike"', policy({ Condition: { StringLike: null } })],
  ])('I8 4.7 with a mistake in it is refused, which is named: %s', (part, document) => {
    const [, last = ''] = /"(\w+)"$/.exec(part) ?? [];
    expect(problemWithPolicy({ Statement: policy({}).Statement, ...document })).toContain(last);
    expect(evaluate({ Statement: policy({}).Statement, ...document }, question)).toEqual({
      problem: expect.stringContaining(last),
    });
  });
});
