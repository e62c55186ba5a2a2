import { type Elements, type Fact, when } from './fact.js';

const multiple = 'Conditions with multiple context keys or values';
const sets = 'Single-valued vs. multivalued context keys';
const region = { 'aws:RequestedRegion': 'us-east-1' };
const agent = { 'aws:UserAgent': 'curl' };
const all = (operator: string, value: unknown) =>
  when(`ForAllValues:${operator}`, 'dynamodb:Attributes', value);
const any = (operator: string, value: unknown) =>
  when(`ForAnyValue:${operator}`, 'dynamodb:Attributes', value);
const attributes = (...values: string[]) => ({ keys: { 'dynamodb:attributes': values } });
const none = { keys: { 'dynamodb:attributes': undefined } };
const denied = (rest: Elements) => ({ policies: [[{}, { Effect: 'Deny', ...rest }]] });
const shown = ['PostDateTime', 'Message', 'Tags'];
const allPresent = {
  Condition: {
    'ForAllValues:StringEquals': { 'dynamodb:Attributes': shown },
    Null: { 'dynamodb:Attributes': 'false' },
  },
};

export const setsOfValues: readonly Fact[] = [
  {
    page: multiple,
    says: 'all operators and all keys have to be true',
    cases: [
      [{ Condition: { StringEquals: region, StringLike: { 'aws:UserAgent': 'aws*' } } }, 'allowed'],
      [{ Condition: { StringEquals: region, StringLike: agent } }, 'not allowed'],
      [{ Condition: { StringEquals: { ...region, ...agent } } }, 'not allowed'],
      [{ Condition: { StringEquals: agent, StringNotEquals: region } }, 'not allowed'],
      [{ Condition: { StringEquals: region, StringNotEquals: agent } }, 'allowed'],
      [{ Condition: {} }, 'allowed'],
    ],
  },
  {
    page: multiple,
    says: 'one of several values is enough; for a negated operator, none may match',
    cases: [
      [when('StringEquals', 'aws:RequestedRegion', ['eu-west-1', 'us-east-1']), 'allowed'],
      [when('StringEquals', 'aws:RequestedRegion', ['eu-west-1', 'eu-west-2']), 'not allowed'],
      [when('StringNotEquals', 'aws:RequestedRegion', ['eu-west-1', 'us-east-1']), 'not allowed'],
      [when('StringNotEquals', 'aws:RequestedRegion', ['eu-west-1', 'eu-west-2']), 'allowed'],
      [when('NotIpAddress', 'aws:SourceIp', ['10.0.0.0/8', '203.0.113.0/24']), 'not allowed'],
      [when('StringEquals', 'aws:RequestedRegion', []), 'unknown'],
    ],
  },
  {
    page: sets,
    says: 'ForAllValues needs a match for every value of the request',
    cases: [
      [all('StringEquals', shown), 'allowed', attributes('PostDateTime', 'Message')],
      [all('StringEquals', shown), 'not allowed', attributes('PostDateTime', 'UserName')],
      [all('StringEquals', shown), 'allowed', attributes('Tags')],
      [all('StringLike', 'Post*'), 'not allowed', attributes('PostDateTime', 'Message')],
      [all('StringLike', ['Post*', 'Mess*']), 'allowed', attributes('PostDateTime', 'Message')],
      [all('StringNotEquals', 'ID'), 'allowed', attributes('Tags', 'Message')],
      [all('StringNotEquals', 'ID'), 'not allowed', attributes('Tags', 'ID')],
      [all('StringNotLike', ['I*', 'T*']), 'not allowed', attributes('Tags', 'Message')],
    ],
  },
  {
    page: sets,
    says: 'ForAllValues is true without the key, or with an empty value',
    cases: [
      [all('StringEquals', shown), 'allowed', none],
      [all('StringEquals', shown), 'allowed', attributes()],
      [all('StringEquals', shown), 'allowed', attributes('')],
      [all('StringNotEquals', shown), 'allowed', none],
    ],
  },
  {
    page: sets,
    says: 'ForAnyValue needs a match for one value of the request, and is false without any',
    cases: [
      [any('StringEquals', ['ID', 'PostDateTime']), 'allowed', attributes('Tags', 'ID')],
      [any('StringEquals', ['ID', 'PostDateTime']), 'not allowed', attributes('UserName')],
      [any('StringLike', 'User*'), 'allowed', attributes('ID', 'UserName')],
      [any('StringNotEquals', 'ID'), 'allowed', attributes('ID', 'UserName')],
      [any('StringNotEquals', 'ID'), 'not allowed', attributes('ID')],
      [any('StringEquals', 'ID'), 'not allowed', none],
      [any('StringEquals', 'ID'), 'not allowed', attributes()],
      [any('StringLike', '*'), 'not allowed', attributes('')],
      [any('StringNotEquals', 'ID'), 'not allowed', none],
      [any('StringEqualsIfExists', 'ID'), 'allowed', none],
    ],
  },
  {
    page: 'Multivalued context key examples',
    says: 'a Deny with ForAnyValue refuses a request with one of the values',
    cases: [
      [denied(any('StringEquals', ['ID', 'PostDateTime'])), 'denied', attributes('Tags', 'ID')],
      [denied(any('StringEquals', ['ID', 'PostDateTime'])), 'allowed', attributes('UserName')],
      [denied(any('StringEquals', ['ID', 'PostDateTime'])), 'allowed', none],
    ],
  },
  {
    page: 'Multivalued context key examples',
    says: 'Null with false also needs the key, and that it is not empty',
    cases: [
      [allPresent, 'allowed', attributes('Tags')],
      [allPresent, 'not allowed', none],
      [allPresent, 'not allowed', attributes()],
      [allPresent, 'not allowed', attributes('')],
    ],
  },
  {
    page: sets,
    says: 'a multivalued key needs ForAllValues or ForAnyValue',
    cases: [
      [when('StringEquals', 'dynamodb:Attributes', 'ID'), 'unknown', attributes('ID')],
      [when('StringLikeIfExists', 'dynamodb:Attributes', '*'), 'unknown', attributes('ID', 'Tags')],
      [when('StringEqualsIfExists', 'dynamodb:Attributes', 'ID'), 'allowed', none],
      [
        when('ForSomeValues:StringEquals', 'dynamodb:Attributes', 'ID'),
        'unknown',
        attributes('ID'),
      ],
    ],
  },
  {
    page: 'Using IAM policy conditions for fine-grained access control (Amazon DynamoDB)',
    says: 'dynamodb:LeadingKeys has the values of the partition keys in a request',
    cases: [
      [when('ForAllValues:StringEquals', 'dynamodb:LeadingKeys', 'ann'), 'allowed'],
      [when('ForAllValues:StringLike', 'dynamodb:LeadingKeys', 'a*'), 'allowed'],
      [when('ForAllValues:StringEquals', 'dynamodb:LeadingKeys', 'bob'), 'not allowed'],
      [
        when('ForAllValues:StringEquals', 'dynamodb:LeadingKeys', '${aws:username}'),
        'allowed',
        { keys: { 'aws:username': 'ann' } },
      ],
      [
        when('ForAllValues:StringEquals', 'dynamodb:LeadingKeys', ['ann', 'bob']),
        'not allowed',
        { keys: { 'dynamodb:leadingkeys': ['ann', 'eve'] } },
      ],
    ],
  },
];
