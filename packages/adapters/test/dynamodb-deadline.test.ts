import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, expect, it, vi } from 'vitest';
import { sdkPort } from '../src/dynamodb/sdk-port.js';
import { startRefusing } from './engines/refusing-server.js';
import { credentials } from './table-under-test.js';

afterEach(() => {
  vi.restoreAllMocks();
});

it.each([
  ['is sent if it was signed in time', 1, 'ThrottlingException', 3],
  ['is not sent if it was signed too late', 0, 'NoAnswerError', 0],
])('a request %s', async (_when, leftMs, name, sent) => {
  await using server = await startRefusing({ status: 400, type: 'ThrottlingException' });
  const endsAt = Date.now() + 60_000;
  // A client of the user: it may retry, and signs the request after the process has slept.
  const client = new DynamoDBClient({
    endpoint: server.endpoint,
    region: 'us-east-1',
    maxAttempts: 3,
    credentials: async () => {
      vi.spyOn(Date, 'now').mockReturnValue(endsAt - leftMs);
      return credentials;
    },
  });
  const { signal } = new AbortController();
  const key = { pk: { S: 'p' }, sk: { S: 's' } };
  const call = sdkPort(client).call('GetItem', { TableName: 'chat', Key: key }, { signal, endsAt });
  await expect(call).rejects.toMatchObject({ name });
  expect(server.served.count).toBe(sent);
  client.destroy();
});
