import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { tablesOf } from '../src/dev/commands/table-arguments.js';
import { openEmbeddedDynamoDb } from '../src/dev/dynamodb/embedded-dynamodb.js';
import { startGateway } from '../src/dev/start-gateway.js';
import { startGatecast, urlOf } from './gatecast-command.js';
import { openConnection } from './open-connection.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const slow = { timeout: 120_000 };

/** Keeps what it is told in a table, and answers with what was there. */
const KEEPS = `
  import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
  const database = new DynamoDBClient({});
  export const handler = async ({ body }) => {
    const { table, ...item } = JSON.parse(body);
    const Item = Object.fromEntries(Object.entries(item).map(([name, S]) => [name, { S }]));
    const put = new PutItemCommand({ TableName: table, Item, ReturnValues: 'ALL_OLD' });
    const answer = await database.send(put).catch((error) => error.name);
    return { statusCode: 200, body: JSON.stringify(answer.Attributes ?? answer) };
  };`;

let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'gatecast-tables-'));
  await symlink(join(here, '../../../node_modules'), join(project, 'node_modules'), 'dir');
  await writeFile(join(project, 'app.mjs'), KEEPS);
  await writeFile(
    join(project, 'routes.json'),
    '{"version":1,"routes":[{"routeKey":"$default","twoWay":true}]}',
  );
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(project, { recursive: true });
});

const dev = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  startGatecast(['dev', 'app.mjs', '--routes', 'routes.json', '--port', '0', ...args], {
    cwd: project,
    env,
  });

async function ask(url: string, item: object): Promise<string> {
  await using client = await openConnection(url);
  client.send(JSON.stringify(item));
  // Awaited, because the connection ends with this function.
  return await client.receive();
}

describe('gatecast dev --table', slow, () => {
  it('I10 gives the function tables of its own, and names one that is missing', async () => {
    await using running = dev(['--table', 'auctions:id', '--table', 'bids:auction,at']);
    const url = await urlOf(running);
    const one = { table: 'auctions', id: '1', title: 'a boat' };
    await ask(url, one);
    expect(await ask(url, one)).toContain('a boat');
    const two = { table: 'bids', auction: '1', at: '2', by: 'ann' };
    await ask(url, two);
    expect(await ask(url, two)).toContain('ann');
    expect(running.output.stderr).toBe('');
    expect(await ask(url, { table: 'lots', id: '1' })).toBe('"ResourceNotFoundException"');
    await ask(url, { table: 'lots', id: '1' });
    expect(running.output.stderr).toMatch(
      /^Warning: PutItem: the embedded DynamoDB has no table "lots"\. .*"gatecast dev --table lots:KEY".*\n$/,
    );
  });

  it('I10 says that another DynamoDB has to have them', async () => {
    const endpoint = 'http://127.0.0.1:1';
    await using running = dev(['--table', 'auctions:id'], { AWS_ENDPOINT_URL_DYNAMODB: endpoint });
    await vi.waitFor(() => expect(running.output.stdout).toMatch(/^WebSocket/m), {
      timeout: 60_000,
    });
    expect(running.output.stderr).toBe(
      `Warning: nobody creates "auctions", because the functions use the DynamoDB at ${endpoint}. Create it there.\n`,
    );
  });

  it('I10 refuses a wrong value', async () => {
    const { code, stderr } = await dev(['--table', 'auctions']).ended;
    expect([code, stderr]).toEqual([
      2,
      '--table takes NAME:KEY or NAME:KEY,SORTKEY, such as auctions:id, not "auctions". The keys are strings.\n' +
        'Run "gatecast dev --help" to see the usage.\n',
    ]);
  });

  it.each([
    [['auctions:id:S'], 'takes NAME:KEY'],
    [['auctions:'], 'takes NAME:KEY'],
    [[':id'], 'takes NAME:KEY'],
    [['auctions:id,'], 'takes NAME:KEY'],
    [['auctions:id,at,by'], 'takes NAME:KEY'],
    [['a:id'], '3 to 255 letters, digits, "_", "-" and ".", unlike "a"'],
    [['my/table:id'], 'unlike "my/table"'],
    [['auctions:id,id'], 'both keys of "auctions" have the name "id"'],
    [['auctions:id', 'auctions:key'], 'names the table "auctions" twice'],
  ])('I10 refuses %j', (texts, message) => {
    expect(() => tablesOf(texts)).toThrow(message);
  });
});

it('I10 a table of your own cannot be the one of dynamoDbStore()', slow, async () => {
  const entry = join(here, 'fixtures/rooms-on-dynamodb/app.ts');
  const start = (name: string) =>
    startGateway({ quiet: true, entry, extraTables: tablesOf([`${name}:id`]) });
  await expect(start('gatecast')).rejects.toMatchObject({
    code: 'ERR_DATA_UNAVAILABLE',
    message: expect.stringContaining('There is a table "gatecast" already'),
    hint: expect.stringContaining('--table'),
  });
  await using gateway = await start('auctions');
  // Unlike with "tables".
  expect(gateway.environment).toMatchObject({ GATECAST_TABLE: 'gatecast' });
});

describe('the embedded DynamoDB tells the terminal', () => {
  async function toldBy(call: (client: DynamoDBClient) => Promise<unknown>): Promise<string> {
    const tables = tablesOf(['auctions:id', 'gatecast:pk']);
    const ofStores = new Set(['gatecast']);
    await using database = await openEmbeddedDynamoDb({ directory: undefined, tables, ofStores });
    const client = new DynamoDBClient({
      endpoint: database.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await call(client).catch(() => {});
    await call(client).catch(() => {});
    client.destroy();
    return write.mock.calls.map(([text]) => String(text)).join('');
  }
  const put = (TableName: string, key: string) =>
    new PutItemCommand({
      TableName,
      Item: { [key]: { S: '#ResourceNotFoundException"' } },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });

  it.each([
    [
      'ignores ReturnValuesOnConditionCheckFailure of PutItem',
      (client: DynamoDBClient) => client.send(put('auctions', 'id')),
    ],
    [
      'has no TransactWriteItems',
      (client: DynamoDBClient) =>
        client.send(
          new TransactWriteItemsCommand({
            TransactItems: [{ Put: { TableName: 'auctions', Item: { id: { S: '1' } } } }],
          }),
        ),
    ],
    [
      'ignores StreamSpecification of CreateTable',
      (client: DynamoDBClient) =>
        client.send(
          new CreateTableCommand({
            TableName: 'streamed',
            AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
            KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
            BillingMode: 'PAY_PER_REQUEST',
            StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
          }),
        ),
    ],
  ])('I10 once that it %s, and the way out', async (what, call) => {
    const told = await toldBy(call);
    expect(told).toMatch(
      new RegExp(`^Warning: the embedded DynamoDB ${what}\\. .*AWS_ENDPOINT_URL_DYNAMODB.*\n$`),
    );
  });

  it('I10 nothing about what works, or what a store of Gatecast sends', async () => {
    const Key = { id: { S: '#ResourceNotFoundException"' } };
    const told = await toldBy(async (client) => {
      await client.send(put('gatecast', 'pk'));
      await client.send(new GetItemCommand({ TableName: 'auctions', Key }));
    });
    expect(told).toBe('');
  });
});
