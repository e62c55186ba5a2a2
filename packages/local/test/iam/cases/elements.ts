import type { Fact } from './fact.js';

const table = 'arn:aws:dynamodb:us-east-1:123456789012:table/Chat';
const bucket = 'arn:aws:s3:::pictures';
const queue = 'arn:aws:sqs:us-east-1:123456789012:Jobs';
const logs = 'arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/send:*';
const get = { action: 'dynamodb:GetItem' };
const s3 = (key: string) => ({ action: 's3:GetObject', resource: `${bucket}/${key}` });

const Action = 's3:*';

export const elements: readonly Fact[] = [
  {
    page: 'IAM JSON policy elements: Action',
    says: 'an action has the prefix of its service and a name',
    cases: [
      [{ Action: 'dynamodb:PutItem' }, 'allowed'],
      [{ Action: 'dynamodb:PutItem' }, 'not allowed', get],
      [{ Action: 'sqs:PutItem' }, 'not allowed'],
      [{ Action: 'dynamodb:PutIte' }, 'not allowed'],
      [{ Action: 'dynamodb:PutItems' }, 'not allowed'],
      [{ Action: 'PutItem' }, 'unknown'],
      [{ Action: 'dynamodb' }, 'unknown'],
      [{ Action: '' }, 'unknown'],
    ],
  },
  {
    page: 'IAM JSON policy elements: Action',
    says: 'the prefix and the name are the same in upper and lower case',
    cases: [
      [{ Action: 'DYNAMODB:putitem' }, 'allowed'],
      [{ Action: 'dynamodb:PUTITEM' }, 'allowed'],
      [{ Action: 'dynamodb:PutItem' }, 'allowed', { action: 'dynamodb:putitem' }],
      [{ Action: 'DynamoDB:Put*' }, 'allowed'],
    ],
  },
  {
    page: 'IAM JSON policy elements: Action',
    says: 'there may be several',
    cases: [
      [{ Action: ['dynamodb:GetItem', 'dynamodb:PutItem'] }, 'allowed'],
      [{ Action: ['dynamodb:GetItem', 'dynamodb:PutItem'] }, 'allowed', get],
      [{ Action: ['dynamodb:GetItem', 'dynamodb:Query'] }, 'not allowed'],
      [{ Action: ['sqs:*', 's3:*'] }, 'not allowed'],
    ],
  },
  {
    page: 'IAM JSON policy elements: Action',
    says: '* stands for any characters of the name, and ? for one',
    cases: [
      [{ Action: 'dynamodb:*' }, 'allowed'],
      [{ Action: 'dynamodb:*Item' }, 'allowed'],
      [{ Action: 'dynamodb:*Item' }, 'not allowed', { action: 'dynamodb:Query' }],
      [{ Action: 'dynamodb:*tI*' }, 'allowed'],
      [{ Action: 'dynamodb:?utItem' }, 'allowed'],
      [{ Action: 'dynamodb:???Item' }, 'allowed', get],
      [{ Action: 'dynamodb:????Item' }, 'not allowed'],
      [{ Action: 'dynamodb:PutItem*' }, 'allowed'],
      [{ Action: 'dynamodb:PutItem?' }, 'not allowed'],
      [{ Action: '*' }, 'allowed'],
      [{ Action: '*:PutItem' }, 'unknown'],
      [{ Action: 'dynamo*' }, 'unknown'],
    ],
  },
  {
    page: 'IAM JSON policy elements: NotAction',
    says: 'it matches everything but the listed actions, and may be used with Allow and Deny',
    cases: [
      [{ Action: undefined, NotAction: 'dynamodb:GetItem' }, 'allowed'],
      [{ Action: undefined, NotAction: 'dynamodb:GetItem' }, 'not allowed', get],
      [{ Action: undefined, NotAction: 'iam:*' }, 'allowed'],
      [{ Action: undefined, NotAction: 'DynamoDB:putITEM' }, 'not allowed'],
      [{ Action: undefined, NotAction: ['s3:*', 'dynamodb:Put*'] }, 'not allowed'],
      [{ Action: undefined, NotAction: ['s3:*', 'dynamodb:Get*'] }, 'allowed'],
      [{ Effect: 'Deny', Action: undefined, NotAction: 'iam:*' }, 'denied'],
      [{ Effect: 'Deny', Action: undefined, NotAction: 'dynamodb:*' }, 'not allowed'],
      [{ NotAction: 'dynamodb:GetItem' }, 'unknown'],
    ],
  },
  {
    page: 'IAM JSON policy elements: Resource',
    says: 'a resource is an ARN, and a statement needs it or NotResource',
    cases: [
      [{ Resource: table }, 'allowed'],
      [{ Resource: `${table}-other` }, 'not allowed'],
      [{ Resource: 'arn:aws:dynamodb:eu-west-1:123456789012:table/Chat' }, 'not allowed'],
      [{ Resource: 'arn:aws:dynamodb:us-east-1:210987654321:table/Chat' }, 'not allowed'],
      [{ Resource: 'arn:aws-cn:dynamodb:us-east-1:123456789012:table/Chat' }, 'not allowed'],
      [{ Resource: [queue, table] }, 'allowed'],
      [{ Resource: [queue, bucket] }, 'not allowed'],
      [{ Resource: 'table:of:*:1:Chat' }, 'not allowed'],
      [{ Resource: undefined }, 'unknown'],
      [{ Resource: [] }, 'unknown'],
    ],
  },
  {
    page: 'IAM JSON policy elements: Resource',
    says: 'names are case-sensitive',
    cases: [
      [{ Resource: 'arn:aws:dynamodb:us-east-1:123456789012:table/chat' }, 'not allowed'],
      [{ Resource: 'arn:aws:dynamodb:us-east-1:123456789012:table/C*' }, 'allowed'],
      [{ Resource: 'arn:aws:dynamodb:us-east-1:123456789012:table/c*' }, 'not allowed'],
    ],
  },
  {
    page: 'IAM JSON policy elements: Resource',
    says: '* and ? stand for characters within a segment, and * also for slashes',
    cases: [
      [{ Resource: '*' }, 'allowed'],
      [{ Resource: 'arn:aws:dynamodb:us-*-1:123456789012:table/Chat' }, 'allowed'],
      [{ Resource: 'arn:aws:dynamodb:??-east-1:123456789012:table/Chat' }, 'allowed'],
      [{ Resource: 'arn:aws:dynamodb:?-east-1:123456789012:table/Chat' }, 'not allowed'],
      [{ Resource: 'arn:aws:dynamodb:us-east-1:12345678901?:table/*t' }, 'allowed'],
      [{ Resource: 'arn:aws:dynamodb:us-east-1:1*2:table/Cha?' }, 'allowed'],
      [{ Resource: 'arn:aws*:dynamodb:us-east-1:123456789012:table/Chat' }, 'allowed'],
      [{ Resource: `${table}/*` }, 'not allowed'],
      [{ Resource: `${table}/index/*` }, 'allowed', { resource: `${table}/index/byRoom` }],
      [{ Resource: `${table}/*` }, 'allowed', { resource: `${table}/index/byRoom` }],
      [{ Resource: `${table}*` }, 'allowed', { resource: `${table}/index/byRoom` }],
      [{ Resource: table }, 'not allowed', { resource: `${table}/index/byRoom` }],
      [{ Action, Resource: `${bucket}/*/test/*` }, 'allowed', s3('1/test/a.jpg')],
      [{ Action, Resource: `${bucket}/*/test/*` }, 'allowed', s3('1/2/test/a.jpg')],
      [{ Action, Resource: `${bucket}/*/test/*` }, 'allowed', s3('1/2/test/3/a.jpg')],
      [{ Action, Resource: `${bucket}/*/test/*` }, 'not allowed', s3('1-test/a.jpg')],
      [{ Action, Resource: `${bucket}/*/test/*` }, 'not allowed', s3('test/a.jpg')],
      [{ Action, Resource: `${bucket}/*/test/*` }, 'not allowed', s3('1/2/test.jpg')],
    ],
  },
  {
    page: 'IAM JSON policy elements: Resource',
    says: 'only a * at the end of a segment may stand for what is beyond a colon',
    cases: [
      [{ Resource: 'arn:aws:dynamodb:*' }, 'allowed'],
      [{ Resource: 'arn:aws:dynamodb:us-*' }, 'allowed'],
      [{ Resource: 'arn:aws:dynamodb:*:table/Chat' }, 'allowed'],
      [{ Resource: 'arn:aws:dynamodb:us-*:table/Chat' }, 'allowed'],
      [{ Resource: 'arn:aws:dynamodb:*/Chat' }, 'not allowed'],
      [{ Resource: `${table}?` }, 'not allowed', { resource: `${table}:` }],
      [{ Resource: 'arn:aws:dynamodb:us-*t' }, 'not allowed'],
      [{ Resource: 'arn:aws:dynamodb:us-east-1?123456789012:table/Chat' }, 'not allowed'],
      [{ Action: 'logs:*', Resource: 'arn:aws:logs:*:*:log-group:*' }, 'allowed', logsOf(logs)],
      [{ Action: 'logs:*', Resource: 'arn:aws:logs:*:*:*:*' }, 'allowed', logsOf(logs)],
      [{ Action: 'logs:*', Resource: 'arn:aws:logs:*:*:*:/*send' }, 'not allowed', logsOf(logs)],
    ],
  },
  {
    page: 'IAM JSON policy elements: Resource',
    says: 'the segment of the service has no wildcards',
    cases: [
      [{ Resource: 'arn:aws:*:us-east-1:123456789012:table/Chat' }, 'unknown'],
      [{ Resource: 'arn:aws:dynamo??:us-east-1:123456789012:table/Chat' }, 'unknown'],
      [{ Resource: [table, 'arn:aws:*'] }, 'unknown'],
    ],
  },
  {
    page: 'IAM JSON policy elements: NotResource',
    says: 'it matches every resource but the listed ones',
    cases: [
      [{ Resource: undefined, NotResource: queue }, 'allowed'],
      [{ Resource: undefined, NotResource: table }, 'not allowed'],
      [{ Resource: undefined, NotResource: `${table}/*` }, 'allowed'],
      [{ Resource: undefined, NotResource: [queue, table] }, 'not allowed'],
      [{ Resource: undefined, NotResource: '*' }, 'not allowed'],
      [{ Effect: 'Deny', Resource: undefined, NotResource: queue }, 'denied'],
      [{ Effect: 'Deny', Resource: undefined, NotResource: table }, 'not allowed'],
      [{ NotResource: queue }, 'unknown'],
    ],
  },
  {
    page: 'IAM JSON policy elements: Effect',
    says: 'it is Allow or Deny, case-sensitive, and needed',
    cases: [
      [{ Effect: 'Allow' }, 'allowed'],
      [{ Effect: 'Deny' }, 'denied'],
      [{ Effect: 'allow' }, 'unknown'],
      [{ Effect: 'DENY' }, 'unknown'],
      [{ Effect: undefined }, 'unknown'],
    ],
  },
  {
    page: 'Grammar of the IAM JSON policy language',
    says: 'a policy of an identity has no Principal, and a Sid is a text',
    cases: [
      [{ Sid: 'Write1' }, 'allowed'],
      [{ Sid: 1 }, 'unknown'],
      [{ Principal: '*' }, 'unknown'],
      [{ NotPrincipal: { AWS: '123456789012' } }, 'unknown'],
      [{ Resources: '*' }, 'unknown'],
    ],
  },
  {
    page: 'IAM JSON policy elements: Version',
    says: 'it is 2012-10-17 or 2008-10-17, which is the default',
    cases: [
      [{ policies: [[{}]], Version: '2012-10-17' }, 'allowed'],
      [{ policies: [[{}]], Version: '2008-10-17' }, 'allowed'],
      [{ policies: [[{}]], Version: undefined }, 'allowed'],
      [{ policies: [[{}]], Version: '2020-01-01' }, 'unknown'],
    ],
  },
];

function logsOf(resource: string) {
  return { action: 'logs:PutLogEvents', resource };
}
