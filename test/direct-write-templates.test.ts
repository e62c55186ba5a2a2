// The templates by which API Gateway writes the rows of connections, in Apache Velocity 1.7.
import { expect, it } from 'vitest';
import { ConnectionWrites, GatecastApi } from '../packages/cdk-construct/lib/index.js';
import {
  entry,
  manifest,
  newStack,
  propertiesOf,
} from '../packages/cdk-construct/test/synthesized.js';
import { connections, describeVelocity, renderTwice } from '../packages/local/test/velocity.js';

/** The request templates of a stack that call DynamoDB, with logical ids in place of references. */
function templatesOf(stack: ReturnType<typeof newStack>): readonly string[] {
  return propertiesOf(stack, 'AWS::ApiGatewayV2::Integration')
    .filter(({ IntegrationType }) => IntegrationType === 'AWS')
    .map(({ RequestTemplates }) => textOf((RequestTemplates as { $default: unknown }).$default));
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const { 'Fn::Join': join, Ref } = value as { 'Fn::Join'?: [string, unknown[]]; Ref?: string };
  return join === undefined ? String(Ref) : join[1].map(textOf).join(join[0]);
}

describeVelocity('direct writes of the construct', () => {
  it('write the row of any user', async () => {
    const stack = newStack();
    const routes = manifest({ authorizer: true });
    const connectionWrites = ConnectionWrites.DIRECT;
    const api = new GatecastApi(stack, 'Chat', { entry, routes, connectionWrites });
    expect(api.node.path).toBe('Test/Chat');
    const [put = '', update = '', ...rest] = templatesOf(stack);
    expect(rest).toEqual([]);

    const [here, there] = await renderTwice(
      [put, update].flatMap((template) =>
        connections.map((connection) => ({ ...connection, template })),
      ),
    );
    expect(here).toEqual(there);
    const TableName = expect.any(String);
    const id = 'PJqB0fHsqRcCHlw=';
    const key = { pk: { S: expect.stringMatching(/C#PJqB0fHsqRcCHlw=$/) }, sk: { S: 'META' } };
    expect(there.map(({ output }) => output)).toEqual([
      ...connections.map(({ user }) => ({
        TableName,
        Item: {
          ...key,
          connectionId: { S: id },
          apiId: { S: 'local00000' },
          stage: { S: 'live' },
          region: { S: 'AWS::Region' },
          connectedAt: { N: '1701245041794' },
          // 8,100 seconds after 1701245041.796, in whole seconds.
          expiresAt: { N: '1701253141000' },
          ttl: { N: '1701253141' },
          ...(user !== undefined && {
            userId: { S: user },
            identityExpiresAt: { N: '1900000000000' },
          }),
        },
      })),
      ...connections.map(() => ({
        TableName,
        Key: key,
        UpdateExpression: 'SET closing = if_not_exists(closing, :id)',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':id': { S: 'PJqB0E1tKRcF-Qw=' } },
      })),
    ]);
  });
});
