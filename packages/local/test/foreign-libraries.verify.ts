import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startGateway } from '../src/dev/start-gateway.js';
import type { PolicyDocument } from '../src/iam/policy-document.js';
import { openDynamoDbTable } from './dynamodb-table.js';
import { Peer } from './peer.js';

// No longer maintained, or too large to be installed for every test.
const PACKAGES = [
  'aws-sdk@2.1693.0',
  'aws-lambda-graphql@0.12.1',
  'apollo-link@1.2.14',
  'graphql@14.7.0',
  'graphql-subscriptions@1.2.1',
  'subscriptions-transport-ws@0.9.19',
];

const directory = await mkdtemp(join(tmpdir(), 'gatecast-libraries-'));
afterAll(() => rm(directory, { recursive: true }));

const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--legacy-peer-deps'];
const installed = spawnSync('npm', ['install', ...options, '--prefix', directory, ...PACKAGES], {
  encoding: 'utf8',
  shell: process.platform === 'win32',
});
if (installed.status !== 0) {
  throw new Error(`${PACKAGES.join(', ')} could not be installed:\n${installed.stderr}`);
}

/** The fixture beside the packages that it uses. */
async function fixture(name: string): Promise<string> {
  const file = join(directory, name);
  await cp(fileURLToPath(new URL(`fixtures/foreign/${name}`, import.meta.url)), file);
  return file;
}

interface Answer {
  readonly data?: unknown;
}

/** The parts of the client of "subscriptions-transport-ws" that are used. */
interface SubscriptionClient {
  request(operation: { readonly query: string }): {
    subscribe(observer: {
      next(answer: Answer): void;
      error(error: unknown): void;
      complete?(): void;
    }): { unsubscribe(): void };
  };
  close(): void;
}

function openClient(url: string): SubscriptionClient {
  const { SubscriptionClient: Client } = createRequire(join(directory, 'any.cjs'))(
    'subscriptions-transport-ws',
  ) as {
    SubscriptionClient: new (
      url: string,
      options: object,
      webSocket: unknown,
    ) => SubscriptionClient;
  };
  return new Client(url, { reconnect: false }, WebSocket);
}

const ask = (client: SubscriptionClient, query: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    client.request({ query }).subscribe({ next: ({ data }) => resolve(data), error: reject });
  });

describe('I1 I15 version 2 of the SDK, whose bundle is large', () => {
  it.each(['fromDomainName', 'fromApiId'])('posts to its endpoint: %s', async (how) => {
    await using gateway = await startGateway({
      quiet: true,
      entry: await fixture('sdk-v2.cjs'),
      routes: ['$default'],
      memoryMb: 256,
    });
    await using peer = await Peer.connect(gateway.url);
    peer.send(how);
    expect(await peer.next()).toBe(how);
    expect(await peer.next()).toBe('410 GoneException');
  });
});

describe('version 2 of the SDK under permissions', () => {
  it('is warned of, because it does not call the local DynamoDB', async () => {
    const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const permissions: PolicyDocument = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'dynamodb:*', Resource: '*' }],
    };
    await using gateway = await startGateway({
      quiet: true,
      entry: await fixture('sdk-v2.cjs'),
      routes: ['$default'],
      permissions,
    });
    expect(written.mock.calls.flat().join('')).toContain(
      'Warning: "sdk-v2" has version 2 of the AWS SDK',
    );
    written.mockRestore();
    expect(gateway.port).toBeGreaterThan(0);
  });
});

describe('I1 I6 aws-lambda-graphql', () => {
  it('answers, and sends a subscriber what another client says', async () => {
    await using table = await openDynamoDbTable('graphql', 'id');
    await using gateway = await startGateway({
      quiet: true,
      entry: await fixture('lambda-graphql.cjs'),
      routes: ['$connect', '$disconnect', '$default'],
      environment: { AWS_ENDPOINT_URL_DYNAMODB: table.endpoint, TABLE_NAME: 'graphql' },
      // Its subscriptions are in the memory of the process.
      maxEnvironments: 1,
    });
    const ann = openClient(gateway.url);
    const bob = openClient(gateway.url);
    try {
      expect(await ask(bob, '{ hello }')).toEqual({ hello: 'world' });
      const heard = ask(ann, 'subscription { said }');
      // An answer to a later message of the same connection: the subscription is stored by then.
      expect(await ask(ann, '{ hello }')).toEqual({ hello: 'world' });
      expect(await ask(bob, 'mutation { say(text: "hello") }')).toEqual({ say: true });
      expect(await heard).toEqual({ said: 'hello' });
    } finally {
      ann.close();
      bob.close();
    }
  });
});
