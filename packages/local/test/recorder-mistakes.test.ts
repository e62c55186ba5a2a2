// Mistakes in policies that only show on AWS otherwise: each is refused, and what the gateway says is the mend.
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ExecuteStatementCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import type { Permissions } from '../src/iam/permissions.js';
import type { PolicyStatement } from '../src/iam/policy-document.js';
import { refusalText } from '../src/iam/refusal-text.js';
import { openLocalApi } from './local-api.js';
import {
  allow,
  openRecordedRole,
  openTestService,
  policy,
  principal,
  queueArn,
  tableArn,
} from './local-services.js';
import { sendSigned } from './signed-request.js';

const TableName = 'notes';
const Key = { pk: { S: 'a' } };

/** The texts of what is refused from now on. */
function texts(permissions: Permissions): string[] {
  const found: string[] = [];
  permissions.onRefusal((refusal) => found.push(refusalText(refusal)));
  return found;
}

/** The statement in the last line of each text. */
const statementsIn = (found: readonly string[]): PolicyStatement[] =>
  found.map((text) => JSON.parse(text.split('\n').at(-1) ?? '') as PolicyStatement);

const query = new QueryCommand({
  TableName,
  IndexName: 'byAuthor',
  KeyConditionExpression: 'author = :a',
  ExpressionAttributeValues: { ':a': { S: 'ann' } },
});
const transaction = new TransactWriteItemsCommand({
  TransactItems: [
    { Put: { TableName, Item: Key } },
    { ConditionCheck: { TableName, Key, ConditionExpression: 'attribute_exists(pk)' } },
  ],
});

describe('a policy for DynamoDB', () => {
  it.each([
    [
      'a wrong table',
      allow('dynamodb:PutItem', tableArn.replace('notes', 'note')),
      new PutItemCommand({ TableName, Item: Key }),
      allow('dynamodb:PutItem'),
    ],
    [
      'no ARN of an index',
      allow('dynamodb:Query'),
      query,
      allow('dynamodb:Query', `${tableArn}/index/byAuthor`),
    ],
    [
      'single reads in place of a batch',
      allow('dynamodb:GetItem'),
      new BatchGetItemCommand({ RequestItems: { notes: { Keys: [Key] } } }),
      allow('dynamodb:BatchGetItem'),
    ],
    [
      'single writes in place of a batch',
      allow(['dynamodb:PutItem', 'dynamodb:DeleteItem']),
      new BatchWriteItemCommand({ RequestItems: { notes: [{ DeleteRequest: { Key } }] } }),
      allow('dynamodb:BatchWriteItem'),
    ],
    [
      'a transaction without its check',
      allow(['dynamodb:PutItem', 'dynamodb:TransactWriteItems']),
      transaction,
      allow('dynamodb:ConditionCheckItem'),
    ],
  ] as const)('with %s is mended by what the gateway says', async (...[, wrong, call, mend]) => {
    await using service = await openTestService();
    await using role = await openRecordedRole(policy(wrong), { dynamodb: service.endpoint });
    const found = texts(role.credentials.permissions);
    // The SDK's types have a call for each command.
    const send = () => role.dynamodb.send(call as PutItemCommand);
    await expect(send()).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(statementsIn(found)).toEqual([mend]);
    expect(service.requests).toEqual([]);
    role.permit(policy(wrong, ...statementsIn(found)));
    await send();
    expect(service.requests).toHaveLength(1);
  });

  it('cannot be mended for PartiQL, and the gateway says that instead', async () => {
    await using role = await openRecordedRole(policy(allow('*', '*')), {});
    const found = texts(role.credentials.permissions);
    const select = new ExecuteStatementCommand({ Statement: 'SELECT * FROM notes' });
    await expect(role.dynamodb.send(select)).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    expect(found).toEqual([
      expect.stringMatching(/The local gateway does not know .* dynamodb:ExecuteStatement needs/),
    ]);
    expect(found.join('')).not.toContain('Effect');
    expect(role.credentials.permissions.leastPolicy({ principal })).toBeUndefined();
  });
});

describe('a policy for SQS', () => {
  it('with an action for batches, which does not exist, is mended by what the gateway says', async () => {
    await using service = await openTestService();
    const wrong = allow('sqs:SendMessageBatch', queueArn);
    await using role = await openRecordedRole(policy(wrong), { sqs: service.endpoint });
    const found = texts(role.credentials.permissions);
    const send = new SendMessageBatchCommand({
      QueueUrl: `${role.endpoint}/123456789012/jobs`,
      Entries: [{ Id: '1', MessageBody: 'x' }],
    });
    await expect(role.sqs.send(send)).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(statementsIn(found)).toEqual([allow('sqs:SendMessage', queueArn)]);
    role.permit(policy(wrong, ...statementsIn(found)));
    await role.sqs.send(send);
    expect(service.requests).toHaveLength(1);
  });
});

describe('a policy for @connections', () => {
  it('with a wrong stage is mended by what the gateway says', async () => {
    await using api = await openLocalApi({ apiId: 'abcde12345' });
    const { port, credentials } = api.gateway;
    const found = texts(credentials.permissions);
    const stage = 'arn:aws:execute-api:us-east-1:123456789012:abcde12345/dev';
    const wrong = allow('execute-api:ManageConnections', `${stage.replace('dev', 'prod')}/*`);
    const post = (...statements: PolicyStatement[]) => {
      const key = credentials.issue(principal, policy(wrong, ...statements));
      return sendSigned({ port, key, path: '/dev/@connections/AAAAAAAAAAACAAA=' });
    };
    expect((await post()).status).toBe(403);
    const mend = allow('execute-api:ManageConnections', `${stage}/POST/@connections/*`);
    expect(statementsIn(found)).toEqual([mend]);
    expect((await post(...statementsIn(found))).status).toBe(410);
  });
});
