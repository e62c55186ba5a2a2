import {
  DynamoDBClient,
  ExecuteStatementCommand,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CancelMessageMoveTaskCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { servicesWith } from '../src/dev/dynamodb/dynamodb-service.js';
import { Credentials } from '../src/gateway/access/credentials.js';
import { actionIn, type ServiceAnswer } from '../src/gateway/aws-service.js';
import {
  allow,
  errorOf,
  openRecordedRole,
  openTestService,
  policy,
  principal,
  queueArn,
  tableArn,
} from './local-services.js';
import { sendRequest, sendSigned } from './signed-request.js';

const put = new PutItemCommand({ TableName: 'notes', Item: { pk: { S: 'a' } } });
const get = new GetItemCommand({ TableName: 'notes', Key: { pk: { S: 'a' } } });
const QueueUrl = (endpoint: string) => `${endpoint}/123456789012/jobs`;
const send = (endpoint: string) =>
  new SendMessageCommand({ QueueUrl: QueueUrl(endpoint), MessageBody: 'x' });

const notAllowed = (action: string, arn: string) =>
  `User: ${principal} is not authorized to perform: ${action} on resource: ${arn} because no ` +
  `identity-based policy allows the ${action} action`;
const denied = (action: string, arn: string) =>
  `User: ${principal} is not authorized to perform: ${action} on resource: ${arn} with an explicit deny ` +
  'in an identity-based policy';

describe('a call that a role does not allow', () => {
  it('is refused by DynamoDB, and the SDK does not try again', async () => {
    await using service = await openTestService();
    const endpoints = { dynamodb: service.endpoint };
    await using role = await openRecordedRole(policy(allow('dynamodb:GetItem')), endpoints);
    expect(await errorOf(role.dynamodb.send(put))).toEqual({
      name: 'AccessDeniedException',
      message: notAllowed('dynamodb:PutItem', tableArn),
      status: 400,
      attempts: 1,
    });
    expect(service.requests).toEqual([]);
    await role.dynamodb.send(get);
    expect(service.requests.map(({ body }) => body)).toEqual([
      '{"TableName":"notes","Key":{"pk":{"S":"a"}}}',
    ]);
  });

  it('is refused by DynamoDB with the words for a deny', async () => {
    await using role = await openRecordedRole(
      policy(allow('dynamodb:*'), { ...allow('dynamodb:PutItem'), Effect: 'Deny' }),
      {},
    );
    expect(await errorOf(role.dynamodb.send(put))).toEqual({
      name: 'AccessDeniedException',
      message: denied('dynamodb:PutItem', tableArn),
      status: 400,
      attempts: 1,
    });
  });

  it('is refused by DynamoDB with the words for a permissions boundary', async () => {
    const deny = { ...allow('dynamodb:GetItem'), Effect: 'Deny' } as const;
    await using role = await openRecordedRole(
      {
        arn: 'arn:aws:iam::123456789012:role/Chat',
        policies: [{ source: 'a policy', document: policy(allow('*', '*')) }],
        boundary: { source: 'a boundary', document: policy(allow('dynamodb:GetItem'), deny) },
      },
      {},
    );
    expect((await errorOf(role.dynamodb.send(put))).message).toBe(
      `User: ${principal} is not authorized to perform: dynamodb:PutItem on resource: ${tableArn} because no ` +
        'permissions boundary allows the dynamodb:PutItem action',
    );
    expect((await errorOf(role.dynamodb.send(get))).message).toBe(
      `User: ${principal} is not authorized to perform: dynamodb:GetItem on resource: ${tableArn} with an ` +
        'explicit deny in a permissions boundary',
    );
  });

  it('is refused on any resource if the operation has none', async () => {
    await using role = await openRecordedRole(policy(allow('dynamodb:GetItem')), {});
    expect((await errorOf(role.dynamodb.send(new ListTablesCommand({})))).message).toBe(
      `User: ${principal} is not authorized to perform: dynamodb:ListTables on resource: * because no ` +
        'identity-based policy allows the dynamodb:ListTables action',
    );
  });

  it('is refused by SQS, and the SDK does not try again', async () => {
    await using service = await openTestService();
    const permissions = policy(allow('sqs:ReceiveMessage', queueArn));
    await using role = await openRecordedRole(permissions, { sqs: service.endpoint });
    const refusal = {
      name: 'AccessDenied',
      message: notAllowed('sqs:sendmessage', queueArn),
      status: 403,
      attempts: 1,
    };
    expect(await errorOf(role.sqs.send(send(role.endpoint)))).toEqual(refusal);
    const Entries = [{ Id: '1', MessageBody: 'x' }];
    const batch = new SendMessageBatchCommand({ QueueUrl: QueueUrl(role.endpoint), Entries });
    expect(await errorOf(role.sqs.send(batch))).toEqual(refusal);
    const receive = new ReceiveMessageCommand({ QueueUrl: QueueUrl(role.endpoint) });
    expect(await role.sqs.send(receive)).toMatchObject({ $metadata: { httpStatusCode: 200 } });
    expect(service.requests).toHaveLength(1);
  });

  it('is refused by SQS in the query protocol of older clients', async () => {
    await using service = await openTestService();
    const permissions = policy(allow('sqs:ReceiveMessage', queueArn));
    await using role = await openRecordedRole(permissions, { sqs: service.endpoint });
    const request = {
      port: role.port,
      key: role.credential,
      path: '/123456789012/jobs',
      service: 'sqs',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    };
    const sent = await sendSigned({ ...request, body: 'Action=SendMessage&MessageBody=x' });
    expect(sent.status).toBe(403);
    expect(sent.headers['content-type']).toBe('text/xml');
    expect(sent.body).toContain(
      `<Type>Sender</Type><Code>AccessDenied</Code><Message>${notAllowed('sqs:sendmessage', queueArn)}</Message>`,
    );
    expect((await sendSigned({ ...request, body: 'Action=ReceiveMessage' })).status).toBe(200);
    const nothing = await sendSigned({ ...request, body: 'MessageBody=x' });
    expect(nothing.body).toContain('<Code>InvalidAction</Code>');
    expect(service.requests.map(({ request: { url } }) => url)).toEqual(['/123456789012/jobs']);
  });
});

describe('an integration with a role', () => {
  it('is checked as a function is', async () => {
    await using service = await openTestService();
    const { permissions } = new Credentials();
    const { dynamodb } = servicesWith(service.endpoint, { region: 'us-east-1', permissions });
    const caller = {
      principal,
      role: {
        arn: 'arn:aws:iam::123456789012:role/Chat',
        policies: [{ source: 'a policy', document: policy(allow('dynamodb:PutItem')) }],
      },
    };
    const call = dynamodb as (...sent: unknown[]) => Promise<ServiceAnswer>;
    const body = JSON.stringify({ TableName: 'notes' });
    expect(await call('PutItem', body, { caller })).toEqual({ status: 200, body: '{}' });
    expect(await call('GetItem', body, undefined)).toEqual({ status: 200, body: '{}' });
    const { status, body: refusal } = await call('GetItem', body, { caller });
    expect(status).toBe(400);
    expect(JSON.parse(refusal)).toEqual({
      __type: 'com.amazon.coral.service#AccessDeniedException',
      Message: notAllowed('dynamodb:GetItem', tableArn),
    });
    expect(service.requests).toHaveLength(2);
    const { body: far } = await call('PutItem', body, { caller, region: 'eu-west-1' });
    expect(JSON.parse(far)).toMatchObject({
      Message: notAllowed('dynamodb:PutItem', tableArn.replace('us-east-1', 'eu-west-1')),
    });
  });

  it('calls the service in the Region of its URI', () => {
    const uri = 'arn:aws:apigateway:eu-west-1:dynamodb:action/PutItem';
    const action = { service: 'dynamodb', operation: 'PutItem', region: 'eu-west-1' };
    expect(actionIn(uri)).toEqual(action);
  });
});

describe('a queue', () => {
  it('keeps its calls at the recorder, whatever host the service gives it', async () => {
    const jobs = 'http://sqs.us-east-1.localhost:4566/000000000000/jobs';
    await using service = await openTestService((response, { headers }) => {
      const isList = headers['x-amz-target'] === 'AmazonSQS.ListQueues';
      response.end(JSON.stringify(isList ? { QueueUrls: [jobs, jobs] } : { QueueUrl: jobs }));
    });
    const permissions = policy(allow(['sqs:GetQueueUrl', 'sqs:ListQueues'], '*'));
    await using role = await openRecordedRole(permissions, { sqs: service.endpoint });
    const led = `${role.endpoint}/000000000000/jobs`;
    const { QueueUrl } = await role.sqs.send(new GetQueueUrlCommand({ QueueName: 'jobs' }));
    expect(QueueUrl).toBe(led);
    const { QueueUrls } = await role.sqs.send(new ListQueuesCommand({}));
    expect(QueueUrls).toEqual([led, led]);
    const sent = role.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
    expect((await errorOf(sent)).name).toBe('AccessDenied');
  });

  it('has a URL in the query protocol, too', async () => {
    const answer = (url: string) =>
      '<GetQueueUrlResponse xmlns="http://queue.amazonaws.com/doc/2012-11-05/"><GetQueueUrlResult>' +
      `<QueueUrl>${url}/queue/jobs</QueueUrl></GetQueueUrlResult></GetQueueUrlResponse>`;
    await using service = await openTestService((response) =>
      response.end(answer('http://localhost:9324')),
    );
    await using role = await openRecordedRole(undefined, { sqs: service.endpoint });
    const request = { port: role.port, key: role.credential, path: '/', service: 'sqs' };
    const { body } = await sendSigned({ ...request, body: 'Action=GetQueueUrl&QueueName=jobs' });
    expect(body).toBe(answer(`http://localhost:${role.port}`));
  });
});

describe('a call whose permissions are not known', () => {
  const unknown = (action: string) =>
    `User: ${principal} is not authorized to perform: ${action} because the local gateway does not know ` +
    'which permissions it needs';

  it('is refused with its name', async () => {
    const everything = policy(allow('*', '*'));
    await using role = await openRecordedRole(everything, {});
    const select = new ExecuteStatementCommand({ Statement: 'SELECT * FROM notes' });
    expect(await errorOf(role.dynamodb.send(select))).toMatchObject({
      name: 'AccessDeniedException',
      message: unknown('dynamodb:ExecuteStatement'),
      attempts: 1,
    });
    const cancel = new CancelMessageMoveTaskCommand({ TaskHandle: 'x' });
    expect(await errorOf(role.sqs.send(cancel))).toMatchObject({
      name: 'AccessDenied',
      message: unknown('sqs:cancelmessagemovetask'),
      attempts: 1,
    });
  });

  it('is passed on without a role', async () => {
    await using service = await openTestService();
    await using role = await openRecordedRole(undefined, { dynamodb: service.endpoint });
    await role.dynamodb.send(new ExecuteStatementCommand({ Statement: 'SELECT * FROM notes' }));
    expect(service.requests).toHaveLength(1);
  });

  it('is refused as AWS refuses a request without an operation', async () => {
    await using role = await openRecordedRole(undefined, {});
    const request = { port: role.port, key: role.credential, path: '/', service: 'dynamodb' };
    for (const headers of [{}, { 'x-amz-target': 'DynamoDB_20111205.PutItem' }]) {
      const { status, body } = await sendSigned({ ...request, headers });
      expect(status).toBe(400);
      expect(JSON.parse(body)).toEqual({
        __type: 'com.amazon.coral.service#UnknownOperationException',
        message: '',
      });
    }
  });
});

describe('a body that is not an object of JSON', () => {
  it.each([
    ['with a byte order mark', '\uFEFF{"TableName":"notes"}'],
    ['in UTF-16', Buffer.from('{"TableName":"notes"}', 'utf16le')],
    ['with more after it', '{"TableName":"notes"} {}'],
    ['as a list', '[]'],
    ['without anything', ''],
  ])('%s is refused, because nobody knows what the service reads in it', async (_how, body) => {
    await using service = await openTestService();
    const endpoints = { dynamodb: service.endpoint, sqs: service.endpoint };
    await using role = await openRecordedRole(policy(allow('dynamodb:GetItem')), endpoints);
    for (const [name, target] of [
      ['dynamodb', 'DynamoDB_20120810.PutItem'],
      ['sqs', 'AmazonSQS.SendMessage'],
    ] as const) {
      const request = { port: role.port, key: role.credential, path: '/', service: name, body };
      const answer = await sendSigned({ ...request, headers: { 'x-amz-target': target } });
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.body)).toEqual({
        __type: 'com.amazon.coral.service#SerializationException',
        message: '',
      });
    }
    expect(service.requests).toEqual([]);
  });
});

describe('the owner of a resource', () => {
  it('is in its ARN, for a condition that allows the resources of one account', async () => {
    await using service = await openTestService();
    const own = { StringEquals: { 'aws:ResourceAccount': '${aws:PrincipalAccount}' } };
    const everything = { ...allow('*', '*'), Condition: own };
    const endpoints = { dynamodb: service.endpoint, sqs: service.endpoint };
    await using role = await openRecordedRole(policy(everything), endpoints);
    await role.dynamodb.send(get);
    await role.dynamodb.send(new ListTablesCommand({}));
    const TableName = tableArn.replace('123456789012', '210987654321');
    const far = new GetItemCommand({ TableName, Key: { pk: { S: 'a' } } });
    expect((await errorOf(role.dynamodb.send(far))).message).toBe(
      notAllowed('dynamodb:GetItem', TableName),
    );
    const QueueUrl = `${role.endpoint}/210987654321/jobs`;
    const sent = role.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
    expect((await errorOf(sent)).name).toBe('AccessDenied');
    expect(service.requests).toHaveLength(2);
  });
});

describe('a signature that is not valid', () => {
  const wrong =
    'The request signature we calculated does not match the signature you provided. ' +
    'Check your AWS Secret Access Key and signing method.';
  const strange = 'The security token included in the request is invalid.';

  it('is refused as both services do', async () => {
    await using role = await openRecordedRole(undefined, {});
    role.credentials.add({ ...role.credential, secretAccessKey: 'another' });
    expect(await errorOf(role.dynamodb.send(put))).toEqual({
      name: 'InvalidSignatureException',
      message: wrong,
      status: 400,
      attempts: 1,
    });
    expect(await errorOf(role.sqs.send(send(role.endpoint)))).toEqual({
      name: 'SignatureDoesNotMatch',
      message: wrong,
      status: 403,
      attempts: 1,
    });
    role.credentials.delete(role.credential.accessKeyId);
    expect(await errorOf(role.dynamodb.send(put))).toEqual({
      name: 'UnrecognizedClientException',
      message: strange,
      status: 400,
      attempts: 1,
    });
    expect(await errorOf(role.sqs.send(send(role.endpoint)))).toEqual({
      name: 'InvalidClientTokenId',
      message: strange,
      status: 403,
      attempts: 1,
    });
  });

  it('is refused without its token, and for another service', async () => {
    await using role = await openRecordedRole(undefined, {});
    const { accessKeyId, secretAccessKey } = role.credential;
    const options = { endpoint: role.endpoint, region: 'us-east-1' };
    const client = new DynamoDBClient({
      ...options,
      credentials: { accessKeyId, secretAccessKey },
    });
    expect((await errorOf(client.send(put))).name).toBe('UnrecognizedClientException');
    const request = { port: role.port, key: role.credential, path: '/', service: 'sns' };
    const { body } = await sendSigned(request);
    expect(body).toContain('Credential should be scoped to correct service');
  });

  it('is missing', async () => {
    await using role = await openRecordedRole(undefined, {});
    const headers = { host: `127.0.0.1:${role.port}`, 'x-amz-target': 'DynamoDB_20120810.PutItem' };
    const request = { port: role.port, path: '/', method: 'POST' };
    const { status, body } = await sendRequest({ ...request, headers });
    expect(status).toBe(400);
    expect(JSON.parse(body)).toMatchObject({
      __type: 'com.amazon.coral.service#MissingAuthenticationTokenException',
    });
  });

  it('may be for any Region, which the resource is in then', async () => {
    await using role = await openRecordedRole(policy(allow('dynamodb:*')), {});
    const { credential: credentials, endpoint } = role;
    const client = new DynamoDBClient({ endpoint, credentials, region: 'cn-north-1' });
    expect((await errorOf(client.send(put))).message).toContain(
      'on resource: arn:aws-cn:dynamodb:cn-north-1:123456789012:table/notes',
    );
  });
});
