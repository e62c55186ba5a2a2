import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type LocalGateway, startGateway } from '../src/dev/start-gateway.js';
import {
  allow,
  notes,
  openTestService,
  policy,
  queueArn,
  type TestService,
  tableArn,
} from './local-services.js';

const entry = fileURLToPath(new URL('fixtures/calls-services.mjs', import.meta.url));
const options = { quiet: true, entry, routes: ['$default'], tables: [notes] } as const;
const item = { TableName: 'notes', Item: { pk: { S: 'a' }, author: { S: 'ann' } } };
const key = { TableName: 'notes', Key: { pk: { S: 'a' } } };

afterEach(() => {
  vi.unstubAllEnvs();
});

interface Call {
  readonly service?: 'dynamodb' | 'sqs';
  readonly operation?: string;
  readonly input?: object;
  readonly variable?: string;
}

/** What the SDK in a function made of a call, or the value of one of its variables. */
async function call(gateway: LocalGateway, event: Call, name = 'calls-services'): Promise<unknown> {
  const result = await gateway.invoke(name, { service: 'dynamodb', ...event });
  return result.type === 'response' ? result.payload : result;
}

const endpointIn = (gateway: LocalGateway, name?: string): Promise<unknown> =>
  call(gateway, { variable: 'AWS_ENDPOINT_URL_DYNAMODB' }, name);
const targetsOf = ({ requests }: TestService): unknown[] =>
  requests.map(({ request }) => request.headers['x-amz-target']);

describe('a function with permissions', () => {
  it('calls the embedded DynamoDB as they allow', async () => {
    const permissions = policy(allow('dynamodb:PutItem'));
    await using gateway = await startGateway({ ...options, permissions });
    expect(await call(gateway, { operation: 'PutItem', input: item })).toEqual({ output: {} });
    expect(await call(gateway, { operation: 'GetItem', input: key })).toEqual({
      name: 'AccessDeniedException',
      message:
        'User: arn:aws:sts::123456789012:assumed-role/calls-services/calls-services is not authorized to ' +
        `perform: dynamodb:GetItem on resource: ${tableArn} because no identity-based policy allows the ` +
        'dynamodb:GetItem action',
      fault: 'client',
    });
  });

  it('knows the keys of tables and indexes, and which function calls', async () => {
    const mine = {
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': 'ann' },
      ArnLike: { 'lambda:SourceFunctionArn': 'arn:aws:lambda:*:*:function:calls-services' },
    };
    const Resource = [tableArn, `${tableArn}/index/byAuthor`];
    await using gateway = await startGateway({
      ...options,
      permissions: policy({ Effect: 'Allow', Action: '*', Resource, Condition: mine }),
    });
    const query = (IndexName: string | undefined, name: string, author: string) =>
      call(gateway, {
        operation: 'Query',
        input: {
          TableName: 'notes',
          IndexName,
          KeyConditionExpression: '#k = :k',
          ExpressionAttributeNames: { '#k': name },
          ExpressionAttributeValues: { ':k': { S: author } },
        },
      });
    const refused = { name: 'AccessDeniedException' };
    expect(await query('byAuthor', 'author', 'ann')).toMatchObject({ output: { Count: 0 } });
    expect(await query('byAuthor', 'author', 'bob')).toMatchObject(refused);
    expect(await query(undefined, 'pk', 'ann')).toMatchObject({ output: { Count: 0 } });
    expect(await call(gateway, { operation: 'PutItem', input: item })).toMatchObject(refused);
  });

  it('calls the recorder, which passes calls on to the endpoint of the function or of the shell', async () => {
    await using shell = await openTestService();
    await using own = await openTestService();
    vi.stubEnv('AWS_ENDPOINT_URL', shell.endpoint);
    const permissions = policy(allow('dynamodb:*'), allow('sqs:SendMessage', queueArn));
    const QUEUE_URL = 'https://sqs.us-east-1.amazonaws.com/123456789012/jobs';
    const environment = { QUEUE_URL, DEAD_URL: `${shell.endpoint}/000000000000/dead` };
    await using gateway = await startGateway({
      ...options,
      permissions,
      environment,
      functions: {
        other: { entry, environment: { AWS_ENDPOINT_URL_DYNAMODB: own.endpoint } },
      },
    });
    await call(gateway, { operation: 'GetItem', input: key });
    const send = { service: 'sqs', operation: 'SendMessage' } as const;
    await call(gateway, { ...send, input: { QueueUrl: 'QUEUE_URL', MessageBody: 'x' } });
    expect(
      await call(gateway, { ...send, input: { QueueUrl: 'DEAD_URL', MessageBody: 'x' } }),
    ).toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('on resource: arn:aws:sqs:us-east-1:123456789012:dead'),
    });
    expect(targetsOf(shell)).toEqual(['DynamoDB_20120810.GetItem', 'AmazonSQS.SendMessage']);
    await call(gateway, { operation: 'GetItem', input: key }, 'other');
    expect(targetsOf(own)).toEqual(['DynamoDB_20120810.GetItem']);
    expect(await endpointIn(gateway, 'other')).toBe(await endpointIn(gateway));
  });

  it('is the only one whose calls are recorded if another has none', async () => {
    await using gateway = await startGateway({
      ...options,
      functions: { free: { entry }, bound: { entry, permissions: policy(allow('sqs:*')) } },
    });
    const operation = { operation: 'GetItem', input: key };
    expect(await call(gateway, operation, 'free')).toEqual({ output: {} });
    expect(await call(gateway, operation, 'bound')).toMatchObject({
      name: 'AccessDeniedException',
    });
    const endpoint = gateway.environment['AWS_ENDPOINT_URL_DYNAMODB'];
    expect(await endpointIn(gateway, 'bound')).not.toBe(endpoint);
  });

  it('has no recorder without permissions', async () => {
    await using gateway = await startGateway(options);
    const endpoint = gateway.environment['AWS_ENDPOINT_URL_DYNAMODB'];
    expect(await endpointIn(gateway)).toBe(endpoint);
  });
});
