import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { type Endpoints, openRecorder } from '../src/dev/recorder/recorder.js';
import { type Credential, Credentials } from '../src/gateway/access/credentials.js';
import type { PolicyDocument, PolicyStatement } from '../src/iam/policy-document.js';
import type { Role } from '../src/iam/role.js';

export const principal = 'arn:aws:sts::123456789012:assumed-role/Chat/send';
export const tableArn = 'arn:aws:dynamodb:us-east-1:123456789012:table/notes';
export const queueArn = 'arn:aws:sqs:us-east-1:123456789012:jobs';

export const notes = {
  TableName: 'notes',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'author', AttributeType: 'S' },
  ],
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'byAuthor',
      KeySchema: [{ AttributeName: 'author', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
} as const;

/** A statement that allows actions, on the table unless another resource is given. */
export const allow = (
  Action: string | readonly string[],
  Resource: string | readonly string[] = tableArn,
): PolicyStatement => ({ Effect: 'Allow', Action, Resource });

export const policy = (...Statement: readonly PolicyStatement[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement,
});

/** A function's role behind a recorder, with the SDK's clients. */
export interface RecordedRole extends AsyncDisposable {
  readonly endpoint: string;
  readonly port: number;
  readonly credential: Credential;
  readonly credentials: Credentials;
  readonly dynamodb: DynamoDBClient;
  readonly sqs: SQSClient;
  /** Replaces its permissions. */
  permit(permissions: PolicyDocument): void;
}

/** Opens a recorder before these endpoints, and clients with the keys of a role. */
export async function openRecordedRole(
  permissions: PolicyDocument | Role | undefined,
  endpoints: Endpoints,
): Promise<RecordedRole> {
  const credentials = new Credentials();
  const recorder = await openRecorder(credentials);
  const credential = credentials.issue(principal, permissions);
  const functionArn = 'arn:aws:lambda:us-east-1:123456789012:function:send';
  recorder.register(credential.accessKeyId, { functionArn, endpoints });
  const { endpoint } = recorder;
  const options = { endpoint, region: 'us-east-1', credentials: credential, maxAttempts: 3 };
  const dynamodb = new DynamoDBClient(options);
  const sqs = new SQSClient(options);
  return {
    endpoint,
    port: Number(new URL(endpoint).port),
    credential,
    credentials,
    dynamodb,
    sqs,
    permit(permissions) {
      const { role } = credentials.issue(principal, permissions);
      credentials.add({ ...credential, role });
    },
    async [Symbol.asyncDispose]() {
      dynamodb.destroy();
      sqs.destroy();
      await recorder[Symbol.asyncDispose]();
    },
  };
}

/** What the SDK made of an answer. */
export interface Seen {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly attempts: number | undefined;
}

/** The error that a call of the SDK ends with. */
export async function errorOf(call: Promise<unknown>): Promise<Seen> {
  try {
    await call;
  } catch (error) {
    const { name, message, $metadata } = error as Error & {
      readonly $metadata?: { readonly httpStatusCode?: number; readonly attempts?: number };
    };
    return { name, message, status: $metadata?.httpStatusCode, attempts: $metadata?.attempts };
  }
  throw new Error('The call was not refused.');
}

/** A service that answers as it is told. */
export interface TestService extends AsyncDisposable {
  readonly endpoint: string;
  /** The requests that reached it, with their bodies. */
  readonly requests: { readonly request: IncomingMessage; readonly body: string }[];
}

export async function openTestService(
  respond: (response: ServerResponse, request: IncomingMessage) => void = (response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.0');
    response.end('{}');
  },
): Promise<TestService> {
  const requests: TestService['requests'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ request, body: Buffer.concat(chunks).toString() });
      respond(response, request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      await closed;
    },
  };
}
