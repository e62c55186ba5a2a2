import { describe, expect, it } from 'vitest';
import { managedPolicy } from '../../src/iam/managed-policies.js';
import { Permissions, type Refusal } from '../../src/iam/permissions.js';
import type { PolicyDocument, PolicyStatement } from '../../src/iam/policy-document.js';
import { refusalText } from '../../src/iam/refusal-text.js';
import type { Caller, Role } from '../../src/iam/role.js';
import { unusedOf } from '../../src/iam/statement-use.js';

const table = 'arn:aws:dynamodb:us-east-1:123456789012:table/Chat';
const stage = 'arn:aws:execute-api:us-east-1:123456789012:abcde12345/dev';

const allow = (Action: string | string[], Resource: string | string[]): PolicyStatement => ({
  Effect: 'Allow',
  Action,
  Resource,
});

const roleOf = (Statement: readonly PolicyStatement[], more: Partial<Role> = {}): Role => ({
  arn: 'arn:aws:iam::123456789012:role/ChatRole',
  policies: [
    { source: '"Policies[0]" of "ChatRole"', document: { Version: '2012-10-17', Statement } },
  ],
  ...more,
});

const callerOf = (role: Role | undefined, name = 'chat'): Caller => ({
  principal: `arn:aws:sts::123456789012:assumed-role/ChatRole/${name}`,
  role,
});

const call = (action: string, resource: string) => ({ action, resource, keys: new Map() });

describe('the calls of a gateway', () => {
  it('are counted by caller, action and resource, and any connection is the same one', () => {
    const permissions = new Permissions();
    const role = roleOf([allow('*', `${stage}/*`)]);
    for (const id of ['AAA=', 'BBB=']) {
      const to = call('execute-api:ManageConnections', `${stage}/POST/@connections/${id}`);
      permissions.check(callerOf(role), to);
    }
    permissions.check(callerOf(role), call('dynamodb:GetItem', table));
    permissions.check(callerOf(role, 'other'), call('dynamodb:GetItem', table));
    const found = permissions.callers.map(({ caller: { principal }, calls }) => [
      principal.split('/').at(-1),
      calls.map(({ action, resource, count, refused }) => ({ action, resource, count, refused })),
    ]);
    const refused = { action: 'dynamodb:GetItem', resource: table, count: 1, refused: 1 };
    const posts = { action: 'execute-api:ManageConnections', count: 2, refused: 0 };
    expect(found).toEqual([
      ['chat', [{ ...posts, resource: `${stage}/POST/@connections/*` }, refused]],
      ['other', [refused]],
    ]);
  });

  it('are not remembered without a role', () => {
    const permissions = new Permissions();
    permissions.add(callerOf(undefined));
    expect(permissions.check(callerOf(undefined), call('sqs:SendMessage', '*')).isAllowed).toBe(
      true,
    );
    expect(permissions.callers).toEqual([]);
  });

  it('take a bounded amount of memory', () => {
    const permissions = new Permissions();
    const caller = callerOf(roleOf([allow('dynamodb:*', '*')]));
    for (let number = 0; number < 1_500; number++) {
      permissions.check(caller, call('dynamodb:GetItem', `${table}${number % 1_200}`));
    }
    expect(permissions.callers[0]?.calls).toHaveLength(1_000);
    expect(permissions.callers[0]?.calls[0]?.count).toBe(2);
  });

  it('that are refused are told to listeners, which know whether it is the first of its kind', () => {
    const permissions = new Permissions();
    const told: Refusal[] = [];
    const stop = permissions.onRefusal((refusal) => told.push(refusal));
    const caller = callerOf(roleOf([allow('dynamodb:GetItem', table)]));
    for (const action of ['GetItem', 'PutItem', 'PutItem', 'Query']) {
      permissions.check(caller, call(`dynamodb:${action}`, table));
    }
    permissions.check(caller, call('dynamodb:PutItem', `${table}2`));
    stop();
    permissions.check(caller, call('dynamodb:Scan', table));
    expect(told.map(({ action, resource, isFirst }) => [action, resource, isFirst])).toEqual([
      ['dynamodb:PutItem', table, true],
      ['dynamodb:PutItem', table, false],
      ['dynamodb:Query', table, true],
      ['dynamodb:PutItem', `${table}2`, true],
    ]);
  });
});

describe('the statements that nothing used', () => {
  const unusedAfter = (role: Role, ...calls: [action: string, resource: string][]) => {
    const permissions = new Permissions();
    permissions.add(callerOf(role));
    for (const each of calls) permissions.check(callerOf(role), call(...each));
    return permissions
      .unused()
      .map(({ policy, index, parts }) => [policy.source, index, ...(parts ? [parts] : [])]);
  };
  const source = '"Policies[0]" of "ChatRole"';

  it('are all of them before the first call, and none when each was needed', () => {
    const role = roleOf([
      allow(['dynamodb:GetItem', 'dynamodb:put*'], [table, `${table}/index/*`]),
      allow('execute-api:ManageConnections', `${stage}/POST/@connections/*`),
    ]);
    expect(unusedAfter(role)).toEqual([
      [source, 0],
      [source, 1],
    ]);
    const needed = unusedAfter(
      role,
      ['dynamodb:GetItem', `${table}/index/ByName`],
      ['dynamodb:PutItem', table],
      ['execute-api:ManageConnections', `${stage}/POST/@connections/AAA=`],
    );
    expect(needed).toEqual([]);
  });

  it('have a source and an index, also if only some of their actions and resources were used', () => {
    const role = roleOf([
      allow(['dynamodb:GetItem', 'dynamodb:Scan'], [table, `${table}/index/*`]),
      allow('sqs:SendMessage', '*'),
    ]);
    expect(unusedAfter(role, ['dynamodb:GetItem', table], ['dynamodb:Query', table])).toEqual([
      [source, 0, ['dynamodb:Scan', `${table}/index/*`]],
      [source, 1],
    ]);
  });

  it('are not those of services that nothing here stands for, nor of what Lambda does itself', () => {
    const permissions = new Permissions();
    const queue = 'arn:aws:sqs:us-east-1:123456789012:Jobs';
    const role = roleOf([
      allow(['logs:CreateLogStream', 'logs:PutLogEvents'], 'arn:aws:logs:*:*:*'),
      allow(['sqs:ReceiveMessage', 'sqs:SendMessage', 'sqs:DeleteMessage'], queue),
      allow(['dynamodb:GetItem', 's3:GetObject'], [table, 'arn:aws:s3:::b/*']),
    ]);
    permissions.check(callerOf(role), call('dynamodb:GetItem', table));
    permissions.check(callerOf(role), call('sqs:DeleteMessage', queue));
    expect(permissions.unused()).toMatchObject([{ index: 1, parts: ['sqs:SendMessage'] }]);
    expect(permissions.unseen()).toEqual([
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      's3:GetObject',
      'sqs:ReceiveMessage',
    ]);
  });

  it.each([
    'dynamodb:DescribeStream',
    'dynamodb:getrecords',
    'dynamodb:GetShardIterator',
    'dynamodb:ListStreams',
    'sqs:ChangeMessageVisibility',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
    'SQS:ReceiveMessage',
  ])('is not %s, which Lambda itself calls for a trigger', (action) => {
    expect(unusedAfter(roleOf([allow(action, '*')]))).toEqual([]);
  });

  it('name a resource that only matches other parts of an ARN, and none with a variable', () => {
    const wide = ['arn:aws:dynamodb:us*2:table/Chat', 'arn:aws:dynamodb:*:*:table/${*}'];
    const role = roleOf([allow(['*', 'DynamoDB:GetItem'], [table, ...wide])]);
    expect(unusedAfter(role)).toEqual([[source, 0]]);
    expect(unusedAfter(role, ['dynamodb:GetItem', table])).toEqual([[source, 0, [wide[0]]]]);
  });

  it('are neither those with Deny nor those of a boundary', () => {
    const deny: PolicyStatement = { Effect: 'Deny', Action: '*', Resource: 'arn:aws:s3:::x' };
    const boundary = roleOf([allow('*', '*'), allow('sqs:*', '*')]).policies[0];
    const role = roleOf([allow('dynamodb:GetItem', table), deny], { boundary });
    expect(unusedAfter(role, ['dynamodb:GetItem', table])).toEqual([]);
  });

  it('do not name parts of a policy of AWS', () => {
    const policy = managedPolicy('arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess');
    const role = roleOf([], { policies: policy ? [policy] : [] });
    expect(unusedAfter(role)).toEqual([['the managed policy "AmazonDynamoDBReadOnlyAccess"', 0]]);
    expect(unusedAfter(role, ['dynamodb:GetItem', table])).toEqual([]);
  });

  it('do not need documents that are well formed', () => {
    const strange = [null, 'x', { Effect: 'Allow' }, { Effect: 'Allow', Action: [1], Resource: 2 }];
    const role = roleOf(strange as unknown as PolicyStatement[]);
    expect(unusedOf(role, new WeakMap()).map(({ index }) => index)).toEqual([2, 3]);
    const none = { ...role, policies: [{ source: '', document: {} as PolicyDocument }] };
    expect(unusedOf(none, new WeakMap())).toEqual([]);
  });

  it('were used if any function with the role used them, and are unused again in another document', () => {
    const permissions = new Permissions();
    const role = roleOf([allow('dynamodb:GetItem', table)]);
    permissions.add(callerOf(role));
    permissions.check(callerOf(role, 'other'), call('dynamodb:GetItem', table));
    expect(permissions.unused()).toEqual([]);
    const changed = roleOf([allow('dynamodb:*', table)]);
    for (const name of ['chat', 'other']) permissions.add(callerOf(changed, name));
    expect(permissions.unused()).toMatchObject([{ role: changed, index: 0 }]);
  });
});

describe('the Lambda permissions that nothing used', () => {
  it('are those for an API that invoked something, but not this', () => {
    const permissions = new Permissions();
    const api = 'arn:aws:execute-api:us-east-1:123456789012:abcde12345';
    const permission = (source: string, sourceArn: string | undefined) => {
      const by = { action: 'lambda:InvokeFunction', principal: 'apigateway.amazonaws.com' };
      return { source, sourceArn, ...by };
    };
    const all = permission('All', `${api}/dev/*`);
    const list = [
      all,
      permission('Connect', `${api}/dev/$connect`),
      permission('Unlimited', undefined),
      permission('Prod', `${api}/prod/*`),
      permission('Other', `${api.replace('abcde', 'fghij')}/dev/*`),
      { ...permission('Bucket', undefined), principal: 's3.amazonaws.com' },
    ];
    const from = (path: string) => ({
      principal: 'apigateway.amazonaws.com',
      sourceArn: `${api}/${path}`,
      sourceAccount: '123456789012',
    });
    expect(permissions.mayInvoke(list, from('dev/$connect'))).toBe(true);
    expect(permissions.unusedInvokePermissions().map(({ source }) => source)).toEqual(['Prod']);
    const { source, action, principal } = permission('Never', undefined);
    const never = { source, principal, action: `${action}Url` };
    const elsewhere = { ...from('x'), sourceArn: `${api.replace('abcde', 'klmno')}/dev/x` };
    expect(permissions.mayInvoke([never], elsewhere)).toBe(false);
    const unused = permissions.unusedInvokePermissions();
    expect(unused.map((each) => each.source)).toEqual(['Prod', 'Never']);
    expect(permissions.mayInvoke([all], from('authorizers/a1'))).toBe(false);
  });
});

describe('the least policy', () => {
  const called = (...calls: [action: string, resource: string][]) => {
    const permissions = new Permissions();
    const caller = callerOf(roleOf([allow('dynamodb:*', '*')]));
    for (const each of calls) permissions.check(caller, call(...each));
    return permissions.leastPolicy(caller);
  };
  const id = `${stage}/POST/@connections/AAA=`;

  it('allows what was called or refused, by resource, in the same order for every order of calls', () => {
    const calls: [string, string][] = [
      ['dynamodb:PutItem', table],
      ['execute-api:ManageConnections', id],
      ['dynamodb:Query', `${table}/index/ByName`],
      ['execute-api:ManageConnections', id.replace('POST', 'DELETE')],
      ['dynamodb:GetItem', table],
      ['dynamodb:GetItem', table],
    ];
    const document = {
      Version: '2012-10-17',
      Statement: [
        allow(['dynamodb:GetItem', 'dynamodb:PutItem'], table),
        allow('dynamodb:Query', `${table}/index/ByName`),
        allow('execute-api:ManageConnections', [
          `${stage}/DELETE/@connections/*`,
          `${stage}/POST/@connections/*`,
        ]),
      ],
    };
    expect(called(...calls)).toEqual(document);
    expect(JSON.stringify(called(...calls.toReversed()))).toBe(JSON.stringify(called(...calls)));
  });

  it('does not exist without a call', () => {
    expect(called()).toBeUndefined();
  });

  it('does not allow what a statement denies', () => {
    const permissions = new Permissions();
    const deny: PolicyStatement = { Effect: 'Deny', Action: 'dynamodb:Scan', Resource: '*' };
    const caller = callerOf(roleOf([allow('dynamodb:*', '*'), deny]));
    for (const action of ['dynamodb:Scan', 'dynamodb:Query']) {
      permissions.check(caller, call(action, table));
    }
    expect(permissions.leastPolicy(caller)?.Statement).toEqual([allow('dynamodb:Query', table)]);
  });

  it('allows what a statement denies under a condition only', () => {
    const permissions = new Permissions();
    const deny: PolicyStatement = {
      Effect: 'Deny',
      Action: 'dynamodb:GetItem',
      Resource: '*',
      Condition: { StringEquals: { 'dynamodb:Select': 'ALL_ATTRIBUTES' } },
    };
    const caller = callerOf(roleOf([allow('dynamodb:*', '*'), deny]));
    for (const select of ['SPECIFIC_ATTRIBUTES', 'ALL_ATTRIBUTES']) {
      const keys = new Map([['dynamodb:select', select]]);
      permissions.check(caller, { action: 'dynamodb:GetItem', resource: table, keys });
    }
    expect(permissions.leastPolicy(caller)?.Statement).toEqual([allow('dynamodb:GetItem', table)]);
  });

  it('allows every call that it was made from', () => {
    const calls: [string, string][] = [
      ['dynamodb:GetItem', table],
      ['execute-api:ManageConnections', id],
    ];
    const least = called(...calls);
    const permissions = new Permissions();
    const caller = callerOf(roleOf(least?.Statement ?? []));
    for (const each of calls) expect(permissions.check(caller, call(...each)).isAllowed).toBe(true);
    expect(permissions.unused()).toEqual([]);
  });
});

describe('the text of a refusal', () => {
  const { principal, role = roleOf([]) } = callerOf(
    roleOf([], { unknownPolicies: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] }),
  );
  const asked = { caller: { principal, role }, action: 'dynamodb:PutItem', resource: table };
  const statement = `{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"${table}"}`;
  const what = `"chat" may not call dynamodb:PutItem on ${table}`;

  it('ends with a statement that would allow the call', () => {
    const decision = { isAllowed: false, reason: 'not allowed', statements: [] } as const;
    const text = refusalText({ ...asked, decision: { ...decision, problem: 'no' } });
    expect(text.split('\n')).toEqual([
      `${what}.`,
      'It cannot be evaluated here, so it refuses: no.',
      'What is not known here allows nothing: arn:aws:iam::aws:policy/ReadOnlyAccess.',
      'This statement in a policy of its role "ChatRole" would allow it:',
      statement,
    ]);
  });

  it('calls API Gateway by its role', () => {
    const caller = { role, principal: principal.replace('/chat', '/BackplaneAssumeRoleSession') };
    const decision = { isAllowed: false, reason: 'not allowed', statements: [] } as const;
    expect(refusalText({ ...asked, caller, decision })).toMatch(/^"ChatRole" may not call /);
  });

  it('names the role if it allows less than the boundary', () => {
    const [boundary] = roleOf([allow('*', '*')]).policies;
    const caller = { principal, role: roleOf([], { boundary }) };
    const decision = { isAllowed: false, reason: 'not allowed', statements: [] } as const;
    expect(refusalText({ ...asked, caller, decision })).toContain(
      'a policy of its role "ChatRole"',
    );
  });

  it('names the boundary, or the statement that denies', () => {
    const [boundary] = roleOf([allow('s3:*', '*')]).policies;
    const caller = { principal, role: roleOf([], { boundary }) };
    const bounded = { isAllowed: false, reason: 'boundary', statements: [] } as const;
    expect(refusalText({ ...asked, caller, decision: bounded })).toBe(
      `${what}.\nThis statement in "Policies[0]" of "ChatRole" would allow it:\n${statement}`,
    );
    const [policy = { source: '', document: { Statement: [] } }] = role.policies;
    const denied = {
      isAllowed: false,
      reason: 'denied',
      statements: [{ policy, index: 2 }],
    } as const;
    expect(refusalText({ ...asked, decision: denied })).toBe(
      `${what}: Statement[2] of "Policies[0]" of "ChatRole" denies it.`,
    );
  });
});
