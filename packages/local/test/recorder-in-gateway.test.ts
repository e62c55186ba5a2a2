import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type LocalGateway, startGateway } from '../src/dev/start-gateway.js';
import type { PolicyDocument } from '../src/iam/policy-document.js';

const entry = fileURLToPath(new URL('fixtures/calls-dynamodb.mjs', import.meta.url));
const tableArn = 'arn:aws:dynamodb:us-east-1:123456789012:table/notes';
const notes = {
  TableName: 'notes',
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
} as const;
const quiet = { quiet: true, entry, routes: ['$default'] } as const;
const item = { TableName: 'notes', Item: { pk: { S: 'a' } } };
const key = { TableName: 'notes', Key: { pk: { S: 'a' } } };

const allowing = (Action: string, Resource = tableArn): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource }],
});

/** What the SDK in the function made of a call. */
async function call(gateway: LocalGateway, operation: string, input: object): Promise<unknown> {
  const result = await gateway.invoke('calls-dynamodb', { operation, input });
  return result.type === 'response' ? result.payload : result;
}

describe('a function with permissions', () => {
  it('calls the embedded DynamoDB as its permissions allow', async () => {
    const permissions = allowing('dynamodb:PutItem');
    await using gateway = await startGateway({ ...quiet, permissions, tables: [notes] });
    expect(await call(gateway, 'PutItem', item)).toEqual({ output: {}, attempts: 1 });
    expect(await call(gateway, 'GetItem', key)).toEqual({
      name: 'AccessDeniedException',
      message:
        'User: arn:aws:sts::123456789012:assumed-role/calls-dynamodb/calls-dynamodb is not authorized to ' +
        `perform: dynamodb:GetItem on resource: ${tableArn} because no identity-based policy allows the ` +
        'dynamodb:GetItem action',
      fault: 'client',
      attempts: 1,
    });
  });
});
