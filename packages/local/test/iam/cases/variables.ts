import { type Fact, when } from './fact.js';

const tables = 'arn:aws:dynamodb:us-east-1:123456789012:table/';
const own = `${tables}\${aws:username}`;
const ann = { resource: `${tables}ann`, keys: { 'aws:username': 'ann' } };
const like = (text: string) => when('StringLike', 'aws:UserAgent', text);
const agent = (text: string) => ({ keys: { 'aws:useragent': text } });

export const variables: readonly Fact[] = [
  {
    page: 'IAM policy elements: Variables and tags',
    says: 'a variable stands for the value of the key in the request',
    cases: [
      [{ Resource: own }, 'allowed', ann],
      [{ Resource: `${own}/index/*` }, 'allowed', { ...ann, resource: `${tables}ann/index/a` }],
      [{ Resource: own }, 'not allowed', { ...ann, resource: `${tables}bob` }],
      [
        { Resource: `${tables}*\${aws:username}` },
        'not allowed',
        { ...ann, resource: `${tables}a:ann` },
      ],
      [
        { Resource: `${tables}*-\${aws:username}` },
        'allowed',
        { ...ann, resource: `${tables}a-ann` },
      ],
      [{ Resource: `${tables}\${AWS:UserName}` }, 'allowed', ann],
      [{ Resource: `${own}\${aws:username}` }, 'allowed', { ...ann, resource: `${tables}annann` }],
      [when('StringEquals', 'aws:UserAgent', '${aws:RequestedRegion}'), 'not allowed'],
      [
        when('StringEquals', 'aws:UserAgent', '${aws:RequestedRegion}'),
        'allowed',
        agent('us-east-1'),
      ],
      [when('StringNotEquals', 'aws:UserAgent', '${aws:RequestedRegion}'), 'allowed'],
      [
        when('ArnLike', 'aws:PrincipalArn', 'arn:aws:iam::${aws:PrincipalAccount}:role/*'),
        'allowed',
      ],
      [when('Bool', 'aws:ViaAWSService', '${aws:PrincipalIsAWSService}'), 'allowed'],
    ],
  },
  {
    page: 'IAM policy elements: Variables and tags',
    says: 'without the version 2012-10-17, a variable is plain text',
    cases: [
      [{ policies: [[{ Resource: own }]], Version: '2008-10-17' }, 'not allowed', ann],
      [{ policies: [[{ Resource: own }]], Version: undefined }, 'not allowed', ann],
      [{ policies: [[{ Resource: own }]], Version: undefined }, 'allowed', { resource: own }],
      [
        { policies: [[{ Resource: 'arn:aws:dynamodb:${a}:1:table/a' }]], Version: undefined },
        'not allowed',
      ],
      [
        {
          policies: [[when('Bool', 'aws:ViaAWSService', '${aws:ViaAWSService}')]],
          Version: undefined,
        },
        'unknown',
      ],
    ],
  },
  {
    page: 'IAM policy elements: Variables and tags',
    says: 'a variable without a value matches nothing, in Resource, NotResource and conditions',
    cases: [
      [{ Resource: own }, 'not allowed'],
      [{ Resource: [own, '*'] }, 'allowed'],
      [{ Resource: undefined, NotResource: own }, 'allowed'],
      [when('StringEquals', 'aws:UserAgent', '${aws:username}'), 'not allowed'],
      [when('StringLike', 'aws:UserAgent', ['${aws:username}', 'aws*']), 'allowed'],
      [when('StringNotEquals', 'aws:UserAgent', '${aws:username}'), 'allowed'],
      [when('StringNotLike', 'aws:UserAgent', '*${aws:username}*'), 'allowed'],
    ],
  },
  {
    page: 'IAM policy elements: Variables and tags',
    says: 'it may have a default, in single quotes after a comma',
    cases: [
      [
        { Resource: `${tables}\${aws:username, 'nobody'}` },
        'allowed',
        { resource: `${tables}nobody` },
      ],
      [{ Resource: `${tables}\${aws:username, 'nobody'}` }, 'allowed', ann],
      [
        { Resource: `${tables}\${aws:username, 'nobody'}` },
        'not allowed',
        { ...ann, resource: `${tables}nobody` },
      ],
      [{ Resource: `${tables}\${aws:username, 'a, b'}` }, 'allowed', { resource: `${tables}a, b` }],
      [
        { Resource: `${tables}\${aws:username,'nobody'}` },
        'allowed',
        { resource: `${tables}nobody` },
      ],
      [{ Resource: `${tables}\${aws:username, nobody}` }, 'unknown', ann],
      [{ Resource: `${tables}\${aws:userid, 'nobody'}` }, 'unknown'],
    ],
  },
  {
    page: 'IAM policy elements: Variables and tags',
    says: '${*}, ${?} and ${$} stand for these characters',
    cases: [
      [like('a${*}'), 'allowed', agent('a*')],
      [like('a${*}'), 'not allowed', agent('ab')],
      [like('a${?}*'), 'allowed', agent('a?b')],
      [like('a${?}'), 'not allowed', agent('ab')],
      [like('a${$}{b}'), 'allowed', agent('a${b}')],
    ],
  },
  {
    page: 'IAM policy elements: Variables and tags',
    says: 'a value is not read again for wildcards and variables',
    cases: [
      [{ Resource: own }, 'not allowed', { ...ann, keys: { 'aws:username': '*' } }],
      [{ Resource: own }, 'not allowed', { ...ann, keys: { 'aws:username': 'an?' } }],
    ],
  },
  {
    page: 'IAM policy elements: Variables and tags',
    says: 'in a resource, it stands after the fifth colon',
    cases: [
      [{ Resource: 'arn:aws:dynamodb:${aws:RequestedRegion}:123456789012:table/Chat' }, 'unknown'],
      [{ Resource: 'arn:aws:dynamodb:us-east-1:${aws:PrincipalAccount}:table/Chat' }, 'unknown'],
      [{ Resource: 'arn:aws:${aws:username}:us-east-1:123456789012:table/Chat' }, 'unknown'],
    ],
  },
  {
    page: 'IAM policy elements: Variables and tags',
    says: 'operators for numbers, dates, addresses and absence do not take it',
    cases: [
      [when('NumericEquals', 'aws:EpochTime', '${aws:EpochTime}'), 'unknown'],
      [when('DateEquals', 'aws:CurrentTime', '${aws:CurrentTime}'), 'unknown'],
      [when('IpAddress', 'aws:SourceIp', '${aws:SourceIp}'), 'unknown'],
      [when('Null', 'aws:SourceIp', '${aws:ViaAWSService}'), 'unknown'],
    ],
  },
  {
    page: 'Single-valued vs. multivalued context keys',
    says: 'a multivalued key cannot be a variable',
    cases: [
      [{ Resource: `${tables}\${dynamodb:LeadingKeys}` }, 'unknown'],
      [when('StringEquals', 'aws:UserAgent', '${dynamodb:LeadingKeys}'), 'unknown'],
    ],
  },
];
