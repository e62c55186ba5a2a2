import { Stack } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import { describe, expect, test } from 'vitest';
import { Authorizer, type GatecastApiProps, Store } from '../lib/index.js';
import { newApi, newFunction, newStack } from './synthesized.js';

const ACCOUNT = '123456789012';

type Props = (stack: Stack, region: string, account: string) => Partial<GatecastApiProps>;

/** What exists already, by its ARN in an account and a Region. */
const imported: readonly (readonly [string, Props])[] = [
  [
    'handler',
    (stack, region, account) => {
      const arn = `arn:aws:lambda:${region}:${account}:function:chat`;
      return { handler: lambda.Function.fromFunctionArn(stack, 'There', arn) };
    },
  ],
  [
    'function of the authorizer',
    (stack, region, account) => {
      const arn = `arn:aws:lambda:${region}:${account}:function:chat`;
      const handler = lambda.Function.fromFunctionArn(stack, 'There', arn);
      return { authorizer: Authorizer.fromFunction(handler) };
    },
  ],
  [
    'table',
    (stack, region, account) => {
      const arn = `arn:aws:dynamodb:${region}:${account}:table/chat`;
      const table = dynamodb.Table.fromTableArn(stack, 'There', arn);
      return { store: Store.dynamoDb({ table, keyPrefix: 'chat#' }) };
    },
  ],
  [
    'log group',
    (stack, region, account) => {
      const arn = `arn:aws:logs:${region}:${account}:log-group:chat:*`;
      return { logGroup: logs.LogGroup.fromLogGroupArn(stack, 'There', arn) };
    },
  ],
  [
    'log group of the access logs',
    (stack, region, account) => {
      const arn = `arn:aws:logs:${region}:${account}:log-group:chat:*`;
      return { accessLogGroup: logs.LogGroup.fromLogGroupArn(stack, 'There', arn) };
    },
  ],
  [
    'certificate',
    (stack, region, account) => {
      const arn = `arn:aws:acm:${region}:${account}:certificate/1`;
      const certificate = acm.Certificate.fromCertificateArn(stack, 'There', arn);
      return { domain: { domainName: 'chat.example.com', certificate } };
    },
  ],
  [
    'role',
    (stack, _region, account) => {
      const arn = `arn:aws:iam::${account}:role/chat`;
      return { role: iam.Role.fromRoleArn(stack, 'There', arn) };
    },
  ],
  [
    'topic of the alarms',
    (stack, region, account) => {
      const arn = `arn:aws:sns:${region}:${account}:alarms`;
      return { alarms: { topic: sns.Topic.fromTopicArn(stack, 'There', arn) } };
    },
  ],
];

function mistakeOf(props: Props, region: string, account = ACCOUNT): string | undefined {
  const stack = newStack({ env: { region: 'us-east-1', account: ACCOUNT } });
  try {
    newApi(props(stack, region, account), stack);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe.each(imported)('a %s', (name, props) => {
  test('of the same account and Region is used', () => {
    expect(mistakeOf(props, 'us-east-1')).toBeUndefined();
  });

  test('of another Region is refused, but a role is of none', () => {
    const refusal = expect.stringMatching(
      /"Test\/There" is in .*eu-west-1, and the API in .*us-east-1\./,
    );
    expect(mistakeOf(props, 'eu-west-1')).toEqual(name === 'role' ? undefined : refusal);
  });

  test('of another account is refused, unless alarms tell it', () => {
    const refusal = expect.stringMatching(
      /"Test\/There" is in 210987654321.*, and the API in 123456789012/,
    );
    const expected = name === 'topic of the alarms' ? undefined : refusal;
    expect(mistakeOf(props, 'us-east-1', '210987654321')).toEqual(expected);
  });
});

test('a handler of a stack in another Region is refused', () => {
  const stack = newStack({ env: { region: 'us-east-1', account: ACCOUNT } });
  const env = { region: 'eu-west-1', account: ACCOUNT };
  const handler = newFunction(new Stack(stack.node.scope, 'There', { env }));
  expect(() => newApi({ handler }, stack)).toThrowErrorMatchingInlineSnapshot(
    `[Error: GatecastApi "Test/Chat": the handler "There/Function" is in 123456789012/eu-west-1, and the API in 123456789012/us-east-1. Use one of the API's account and Region.]`,
  );
});

test('in a stack for any account and Region nothing is known', () => {
  const stack = newStack();
  const arn = `arn:aws:dynamodb:eu-west-1:${ACCOUNT}:table/chat`;
  const table = dynamodb.Table.fromTableArn(stack, 'There', arn);
  expect(() =>
    newApi({ store: Store.dynamoDb({ table, keyPrefix: 'chat#' }) }, stack),
  ).not.toThrow();
});
