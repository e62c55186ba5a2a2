import { Authorizer } from '@gatecast/cdk-construct';
import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { expect, it } from 'vitest';
import { chatFile } from './chat-function.js';
import { OrdersStack } from './orders-stack.js';

/** The template of the stack, without bundling. */
function templateOf(options: { readonly withChat: boolean }): Template {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const entry = chatFile('server/app.ts');
  const chat = { entry, authorizer: Authorizer.none() };
  return Template.fromStack(new OrdersStack(app, 'Orders', options.withChat ? chat : undefined));
}

it('adding the chat to a stack changes nothing of it but what its publisher needs', () => {
  const before = templateOf({ withChat: false });
  const after = templateOf({ withChat: true });

  const { Resources: old } = before.toJSON();
  const { Resources: all } = after.toJSON();
  const changed = Object.keys(old).filter(
    (id) => JSON.stringify(old[id]) !== JSON.stringify(all[id]),
  );
  const [policy = ''] = Object.keys(before.findResources('AWS::IAM::Policy'));
  const [publisher = ''] = Object.keys(before.findResources('AWS::Lambda::Function'));
  expect(new Set(changed)).toEqual(new Set([publisher, policy]));

  // It keeps what it had, and gets the variables and permissions to publish.
  const { Environment, ...properties } = all[publisher].Properties;
  expect(old[publisher].Properties).toEqual(properties);
  expect(Object.keys(Environment.Variables).toSorted()).toEqual([
    'GATECAST_API_ID',
    'GATECAST_KEY_PREFIX',
    'GATECAST_STAGE',
    'GATECAST_TABLE',
  ]);
  const statements = all[policy].Properties.PolicyDocument.Statement;
  expect(statements).toEqual([
    ...old[policy].Properties.PolicyDocument.Statement,
    expect.objectContaining({ Action: 'execute-api:ManageConnections', Effect: 'Allow' }),
    expect.objectContaining({ Action: expect.arrayContaining(['dynamodb:Query']) }),
  ]);
});

// oxlint-disable-next-line vitest/expect-expect -- Template asserts.
it('the chat uses the table, the VPC and nothing else that exists', () => {
  const template = templateOf({ withChat: true });
  template.resourceCountIs('AWS::DynamoDB::Table', 1);
  template.resourceCountIs('AWS::EC2::VPC', 1);
  const [table = ''] = Object.keys(template.findResources('AWS::DynamoDB::Table'));
  template.hasResourceProperties('AWS::Lambda::Function', {
    Environment: { Variables: { GATECAST_TABLE: { Ref: table }, GATECAST_KEY_PREFIX: 'chat#' } },
    VpcConfig: { SubnetIds: Match.anyValue() },
  });
});
