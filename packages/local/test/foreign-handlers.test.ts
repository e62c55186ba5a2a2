import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { DynamoDBDocumentClient, PutCommand, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { createClient, type ExecutionResult, type Client as GraphqlClient } from 'graphql-ws';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type LocalGateway, startGateway } from '../src/dev/start-gateway.js';
import { readTemplate } from '../src/dev/template/read-template.js';
import { type DynamoDbTable, openDynamoDbTable } from './dynamodb-table.js';
import { Peer, refusalOf } from './peer.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/foreign/${name}`, import.meta.url));
const repository = fileURLToPath(new URL('../../..', import.meta.url));
const patience = { timeout: 15_000, interval: 50 };
const twoWay = [{ routeKey: '$default', twoWay: true }];

beforeAll(() => {
  // The SDK warns that it will drop Node 20, but this package supports it.
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
  return () => vi.unstubAllEnvs();
});

interface Table extends DynamoDbTable {
  put(connectionId: string): Promise<void>;
  ids(): Promise<string[]>;
}

const TableName = 'simplechat_connections';

async function openTable(): Promise<Table> {
  const opened = await openDynamoDbTable(TableName, 'connectionId');
  const table = DynamoDBDocumentClient.from(opened.client);
  return {
    ...opened,
    async put(connectionId) {
      await table.send(new PutCommand({ TableName, Item: { connectionId } }));
    },
    async ids() {
      const { Items = [] } = await table.send(new ScanCommand({ TableName, ConsistentRead: true }));
      return Items.map((item) => String(item['connectionId']));
    },
  };
}

/** The command-line client in AWS's guides. */
class Wscat implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #ended: Promise<unknown>;
  #output = '';

  constructor(url: string) {
    const command = `${repository}/node_modules/.bin/wscat`;
    this.#child = spawn(process.execPath, [command, '--slash', '-P', '-c', url]);
    this.#ended = once(this.#child, 'close');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
      });
    }
  }

  /** Its output since it connected, without prompts. */
  get lines(): string[] {
    const lines = this.#output.split('\n').map((line) => line.replace(/^(> )+/, ''));
    return lines.filter((line) => line !== '' && !line.startsWith('Received pong'));
  }

  /** It prints nothing when it has connected, and drops earlier input, so this sends a ping. */
  async connected(): Promise<void> {
    await vi.waitFor(() => {
      this.type('/ping');
      if (!this.#output.includes('Received pong (data: "")')) throw new Error(this.#output);
    }, patience);
  }

  type(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** As Ctrl-D does. */
  async quit(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

describe('the chat of the AWS samples', { timeout: 60_000 }, () => {
  it('serves two wscat clients, and removes those that are gone', async () => {
    await using table = await openTable();
    await using gateway = await startGateway({
      quiet: true,
      entry: fixture('chat.mjs'),
      routes: ['$connect', '$disconnect', 'sendmessage'],
      environment: { AWS_ENDPOINT_URL_DYNAMODB: table.endpoint, TABLE_NAME: TableName },
    });
    await using ann = new Wscat(gateway.url);
    await using bob = new Wscat(gateway.url);
    await Promise.all([ann.connected(), bob.connected()]);
    const connected = await table.ids();
    expect(connected).toHaveLength(2);
    await table.put('AAAAAAAAAAACAAA=');

    ann.type('{"action":"sendmessage","data":"hello"}');
    await vi.waitFor(async () => {
      expect([ann.lines, bob.lines]).toEqual([['hello'], ['hello']]);
      expect((await table.ids()).toSorted()).toEqual(connected.toSorted());
    }, patience);

    await ann.quit();
    await vi.waitFor(async () => expect(await table.ids()).toHaveLength(1), patience);
    bob.type('{"action":"nosuchaction"}');
    await vi.waitFor(() => expect(bob.lines).toHaveLength(2), patience);
    expect(bob.lines[1]).toMatch(/^{"message": "Forbidden", /);
  });
});

describe('I1 a template in the way of the AWS samples', { timeout: 60_000 }, () => {
  async function startTemplate(table: Table): Promise<LocalGateway> {
    vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', table.endpoint);
    const { options } = await readTemplate(fixture('chat-template/template.yaml'), {
      parameters: { TableName },
      stage: undefined,
    });
    return startGateway({ ...options, quiet: true });
  }

  it('runs the chat, whose functions take the endpoint from the event', async () => {
    await using table = await openTable();
    await using gateway = await startTemplate(table);
    await using ann = await Peer.connect(gateway.url);
    await using bob = await Peer.connect(gateway.url);
    await table.put('AAAAAAAAAAACAAA=');
    ann.send({ action: 'sendmessage', data: 'hello' });
    expect(await Promise.all([ann.next(), bob.next()])).toEqual(['hello', 'hello']);
    await vi.waitFor(async () => expect(await table.ids()).toHaveLength(2), patience);
  });

  it('runs a function of "serverless-patterns", with references in its variables', async () => {
    await using table = await openTable();
    await using gateway = await startTemplate(table);
    await using peer = await Peer.connect(gateway.url);
    peer.send('anything');
    const names = [await peer.next(), await peer.next(), await peer.next()];
    expect(names).toEqual(['url', 'id and region', 'socket url']);
  });
});

describe('a handler', () => {
  it('wrapped by middy goes through its middleware', async () => {
    await using gateway = await startGateway({
      quiet: true,
      entry: fixture('middy.mjs'),
      routes: twoWay,
    });
    await using peer = await Peer.connect(gateway.url);
    peer.send({ text: 'hello' });
    expect(await peer.next()).toBe('HELLO at $default');
    peer.send('no JSON');
    expect(await peer.next()).toBe('SyntaxError');
  });

  it('of a CommonJS module with a callback returns its value or its error', async () => {
    await using gateway = await startGateway({
      quiet: true,
      entry: fixture('callback.cjs'),
      routes: twoWay,
    });
    await using peer = await Peer.connect(gateway.url);
    peer.send('a/b');
    expect(await peer.next()).toBe('b');
    peer.send('fail');
    expect(await peer.next()).toContain('"Internal server error"');
  });
});

describe('a file with several handlers', () => {
  it('serves each route with the function that names one of them', async () => {
    const entry = fixture('several.cjs');
    await using gateway = await startGateway({
      quiet: true,
      functions: {
        connect: { entry, handler: 'connect' },
        default: { entry, handler: 'default' },
      },
      routes: [
        { routeKey: '$connect', function: 'connect' },
        { routeKey: '$default', function: 'default', twoWay: true },
      ],
    });
    await using peer = await Peer.connect(`${gateway.url}?name=ann`);
    peer.send('hello');
    expect(await peer.next()).toBe('default: hello, no channel');
    expect(await refusalOf(gateway.url)).toMatchObject({ status: 401 });
  });
});

describe('the logger of Powertools for AWS Lambda', () => {
  it('writes its lines with the request id of the invocation', async () => {
    // Run as a command, because a function writes to the standard output of the gateway.
    const command = fileURLToPath(new URL('../bin/gatecast.js', import.meta.url));
    const routes = fileURLToPath(new URL('fixtures/two-way-default.json', import.meta.url));
    const options = ['--port', '0', '--routes', routes];
    const args = [command, 'dev', fixture('powertools-logger.mjs'), ...options];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    try {
      const url = await vi.waitFor(() => {
        const found = /^WebSocket +(\S+)$/m.exec(output)?.[1];
        return found ?? Promise.reject(new Error(output));
      }, patience);
      await using peer = await Peer.connect(url);
      peer.send('hello');
      const requestId = await peer.next();
      expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
      const line = await vi.waitFor(
        () => /^\{.*A message came.*\}$/m.exec(output)?.[0] ?? Promise.reject(new Error(output)),
        patience,
      );
      expect(JSON.parse(line)).toMatchObject({
        level: 'INFO',
        service: 'orders',
        function_name: 'powertools-logger',
        function_request_id: requestId,
        connectionId: expect.stringMatching(/^[\w-]{15}=$/),
      });
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });
});

describe('GraphQL over "graphql-transport-ws"', () => {
  /** One environment, because the handler keeps its subscriptions in memory. */
  const start = (): Promise<LocalGateway> =>
    startGateway({
      quiet: true,
      entry: fixture('graphql.mjs'),
      routes: ['$connect', '$disconnect', '$default'],
      maxEnvironments: 1,
    });

  const open = (url: string, keepAlive = 0): GraphqlClient =>
    createClient({ url, webSocketImpl: WebSocket, keepAlive, retryAttempts: 0 });

  async function ask(client: GraphqlClient, query: string): Promise<unknown> {
    const results: ExecutionResult[] = [];
    for await (const result of client.iterate({ query })) results.push(result as ExecutionResult);
    return results;
  }

  it('subscribes, gets what others say, and completes', async () => {
    await using gateway = await start();
    const ann = open(gateway.url);
    const bob = open(gateway.url);
    const heard = ann.iterate({ query: 'subscription { said }' });
    const first = heard.next();
    await vi.waitFor(
      async () => expect(await ask(bob, '{ subscribers }')).toEqual([{ data: { subscribers: 1 } }]),
      patience,
    );
    expect(await ask(bob, 'mutation { say(text: "hello") }')).toEqual([{ data: { say: true } }]);
    expect(await first).toEqual({ done: false, value: { data: { said: 'hello' } } });
    await heard.return?.();
    await vi.waitFor(
      async () => expect(await ask(bob, '{ subscribers }')).toEqual([{ data: { subscribers: 0 } }]),
      patience,
    );
    await Promise.all([ann.dispose(), bob.dispose()]);
  });

  it('answers pings', async () => {
    await using gateway = await start();
    const client = open(gateway.url, 10);
    const ponged = new Promise<boolean>((resolve) => {
      client.on('pong', (received) => resolve(received));
    });
    const heard = client.iterate({ query: 'subscription { said }' });
    const end = heard.next();
    expect(await ponged).toBe(true);
    await heard.return?.();
    await client.dispose();
    await end;
  });

  it('refuses a client that does not offer it', async () => {
    await using gateway = await start();
    expect(await refusalOf(gateway.url)).toMatchObject({ status: 400 });
  });
});
