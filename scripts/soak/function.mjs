// The function behind the gateway of ../soak.mjs. A message says what becomes of it.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApiGatewayManagementApiClient,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';

const VERSION = 0;
const pad = 'x'.repeat(29_000);
const clients = new Map();

export async function handler(event) {
  const { routeKey, connectionId, domainName, stage } = event.requestContext;
  if (routeKey !== '$default') return { statusCode: 200 };
  const { id, kind } = JSON.parse(event.body);
  const answer = { id, pid: process.pid, version: VERSION };
  if (kind === 'throw') throw new Error('As asked.');
  if (kind === 'exit') process.exit(3);
  if (kind === 'exit later') setImmediate(() => process.exit(3));
  if (kind === 'reject later') setImmediate(() => void Promise.reject(new Error('As asked.')));
  if (kind === 'slow') await sleep(200);
  if (kind === 'large') answer.pad = pad;
  if (kind === 'flood')
    answer.refusal = await flood(`https://${domainName}/${stage}`, connectionId);
  return { statusCode: 200, body: JSON.stringify(answer) };
}

/** Posts until the gateway refuses it. Returns the name of the error. */
async function flood(endpoint, ConnectionId) {
  const client =
    clients.get(endpoint) ?? new ApiGatewayManagementApiClient({ endpoint, maxAttempts: 1 });
  clients.set(endpoint, client);
  const Data = 'x'.repeat(120_000);
  for (let count = 0; count < 2_000; count += 1) {
    try {
      await client.send(new PostToConnectionCommand({ ConnectionId, Data }));
    } catch (error) {
      return error.name;
    }
  }
  return 'none';
}
