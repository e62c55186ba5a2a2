import { type Fact, when } from './fact.js';

const allow = {};
const deny = { Effect: 'Deny' };
const other = { Action: 'dynamodb:GetItem' };
const everything = { Action: '*' };
const unknown = when('StringEquals', 'aws:PrincipalOrgID', 'o-1');

export const evaluation: readonly Fact[] = [
  {
    page: 'Policy evaluation logic',
    says: 'what no policy allows is denied',
    cases: [
      [{ policies: [] }, 'not allowed'],
      [{ policies: [[other]] }, 'not allowed'],
      [{ policies: [[other], [other, other]] }, 'not allowed'],
    ],
  },
  {
    page: 'Policy evaluation logic',
    says: 'one Allow in any of the identity-based policies is enough',
    cases: [
      [{ policies: [[other, allow]] }, 'allowed'],
      [{ policies: [[other], [allow]] }, 'allowed'],
      [{ policies: [[allow], [other]] }, 'allowed'],
      [{ policies: [[allow, allow], [everything]] }, 'allowed'],
    ],
  },
  {
    page: 'Policy evaluation logic',
    says: 'one Deny in any policy wins over all Allows',
    cases: [
      [{ policies: [[allow, deny]] }, 'denied'],
      [{ policies: [[deny, allow]] }, 'denied'],
      [{ policies: [[deny], [allow]] }, 'denied'],
      [{ policies: [[allow], [everything], [deny]] }, 'denied'],
      [{ policies: [[allow, { ...deny, ...other }]] }, 'allowed'],
      [{ policies: [[allow, { ...deny, ...everything }]] }, 'denied'],
      [{ policies: [[allow], [deny, unknown]] }, 'denied'],
    ],
  },
  {
    page: 'Permissions boundaries for IAM entities',
    says: 'an entity can only do what its policies and its boundary both allow',
    cases: [
      [{ policies: [[allow]], boundary: [allow] }, 'allowed'],
      [{ policies: [[allow]], boundary: [everything] }, 'allowed'],
      [{ policies: [[allow]], boundary: [other] }, 'boundary'],
      [{ policies: [[everything]], boundary: [other] }, 'boundary'],
      [{ policies: [[other]], boundary: [allow] }, 'not allowed'],
      [{ policies: [[other]], boundary: [other] }, 'not allowed'],
      [{ policies: [], boundary: [everything] }, 'not allowed'],
    ],
  },
  {
    page: 'Permissions boundaries for IAM entities',
    says: 'a Deny in the policies or in the boundary wins',
    cases: [
      [{ policies: [[allow]], boundary: [allow, deny] }, 'denied'],
      [{ policies: [[allow]], boundary: [deny] }, 'denied'],
      [{ policies: [[allow, deny]], boundary: [everything] }, 'denied'],
      [{ policies: [[other]], boundary: [deny] }, 'denied'],
      [{ policies: [[allow]], boundary: [allow, { ...deny, ...other }] }, 'allowed'],
    ],
  },
  {
    page: 'AWS global condition context keys',
    says: 'the organization is a property of the account, so that only AWS knows it',
    cases: [
      [{ policies: [[unknown]] }, 'unknown'],
      [{ policies: [[unknown, allow]] }, 'allowed'],
      [{ policies: [[{ ...unknown, ...deny }, allow]] }, 'unknown'],
      [{ policies: [[{ ...unknown, ...deny }]] }, 'not allowed'],
      [{ policies: [[{ ...unknown, ...deny, ...other }, allow]] }, 'allowed'],
      [{ policies: [[allow]], boundary: [unknown] }, 'unknown'],
      [{ policies: [[allow]], boundary: [everything, { ...unknown, ...deny }] }, 'unknown'],
    ],
  },
  {
    page: 'AWS global condition context keys',
    says: 'a call with the keys of a role has those of its session',
    cases: [
      [when('StringEquals', 'aws:PrincipalAccount', '123456789012'), 'allowed'],
      [when('StringEquals', 'aws:PrincipalAccount', '210987654321'), 'not allowed'],
      [when('ArnEquals', 'aws:PrincipalArn', 'arn:aws:iam::123456789012:role/Chat'), 'allowed'],
      [when('ArnLike', 'aws:PrincipalArn', 'arn:aws:iam::*:role/C*'), 'allowed'],
      [when('ArnLike', 'aws:PrincipalArn', 'arn:aws:sts::*:assumed-role/Chat/*'), 'not allowed'],
      [when('StringEquals', 'aws:PrincipalType', 'AssumedRole'), 'allowed'],
      [when('Null', 'aws:username', 'true'), 'allowed'],
      [when('StringEquals', 'aws:userid', 'AROA:send'), 'unknown'],
      [when('StringEquals', 'aws:PrincipalTag/team', 'chat'), 'unknown'],
    ],
  },
  {
    page: 'AWS global condition context keys',
    says: 'a call is encrypted, has a Region, an address and a time, and no service makes it',
    cases: [
      [when('Bool', 'aws:SecureTransport', 'true'), 'allowed'],
      [{ ...deny, ...when('Bool', 'aws:SecureTransport', 'false') }, 'not allowed'],
      [when('StringEquals', 'aws:RequestedRegion', ['us-east-1', 'eu-west-1']), 'allowed'],
      [{ ...deny, ...when('StringNotEquals', 'aws:RequestedRegion', 'eu-west-1') }, 'denied'],
      [when('StringEquals', 'aws:ResourceAccount', '123456789012'), 'allowed'],
      [when('IpAddress', 'aws:SourceIp', '203.0.113.0/24'), 'allowed'],
      [when('DateLessThan', 'aws:CurrentTime', '2027-01-01T00:00:00Z'), 'allowed'],
      [when('NumericGreaterThan', 'aws:EpochTime', '1'), 'allowed'],
      [when('StringLike', 'aws:UserAgent', 'aws-sdk-js/*'), 'allowed'],
      [when('Bool', 'aws:ViaAWSService', 'false'), 'allowed'],
      [when('Bool', 'aws:PrincipalIsAWSService', 'false'), 'allowed'],
      [when('ForAnyValue:StringEquals', 'aws:CalledVia', 'athena.amazonaws.com'), 'not allowed'],
      [when('Null', 'aws:SourceArn', 'true'), 'allowed'],
      [when('StringEquals', 'aws:SourceVpce', 'vpce-1'), 'unknown'],
    ],
  },
  {
    page: 'Working with source function ARN (AWS Lambda)',
    says: 'calls from the environment of a function have its ARN',
    cases: [
      [when('ArnLike', 'lambda:SourceFunctionArn', 'arn:aws:lambda:*:*:function:send'), 'allowed'],
      [
        when('ArnLike', 'lambda:SourceFunctionArn', 'arn:aws:lambda:*:*:function:se'),
        'not allowed',
      ],
    ],
  },
];
