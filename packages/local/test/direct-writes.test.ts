// API Gateway itself writes the rows of connections, as a template without functions for that says.
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startGateway } from '../src/dev/start-gateway.js';
import type { Integration } from '../src/gateway/routes/integration-options.js';
import { type Running, startGatecast, urlOf } from './gatecast-command.js';
import { openConnection } from './open-connection.js';
import { refusalOf } from './peer.js';

const fixture = fileURLToPath(new URL('fixtures/direct-writes', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-direct-'));
  await cp(fixture, folder, { recursive: true });
  await symlink(modules, join(folder, 'node_modules'), 'junction');
});
afterAll(() => rm(folder, { recursive: true }));

function run(template: string, env?: Record<string, string>): Running {
  const args = ['dev', '--template', template, '--port', '0', '--ephemeral'];
  return startGatecast(args, { cwd: folder, ...(env && { env }) });
}

type Row = Readonly<Record<string, { readonly S?: string; readonly N?: string }>>;

/** The row of a connection as the function reads it, by default of the one that asks. */
async function row(url: string, of?: string): Promise<Row> {
  await using connection = await openConnection(url);
  connection.send(JSON.stringify({ action: 'row', of }));
  return JSON.parse(await connection.receive()) as Row;
}

describe('a template whose API Gateway writes rows', () => {
  it('8.9 makes a row at $connect and marks it at $disconnect', { timeout: 120_000 }, async () => {
    await using running = run('template.json');
    const url = await urlOf(running);
    expect(running.output.stderr).toBe('');
    const made = await row(url);
    const connectionId = made['connectionId']?.S ?? '';
    const expiresAt = made['expiresAt']?.N ?? '';
    const connectedAt = made['connectedAt']?.N ?? '';
    expect(Number(expiresAt) - Number(connectedAt)).toBeGreaterThan(8_098_000);
    expect(made).toEqual({
      pk: { S: `C#${connectionId}` },
      sk: { S: 'META' },
      connectionId: { S: connectionId },
      apiId: { S: 'local00000' },
      stage: { S: 'live' },
      region: { S: 'us-east-1' },
      connectedAt: { N: connectedAt },
      expiresAt: { N: expect.stringMatching(/^\d{10}000$/) },
      ttl: { N: expiresAt.slice(0, -3) },
    });
    await vi.waitFor(async () => {
      expect(await row(url, connectionId)).toEqual({ ...made, closing: { S: expect.any(String) } });
    });
    expect(running.output.stdout).toMatch(
      /\$connect +\S+ +ok +\d+ ms +200 of dynamodb:PutItem\n[^]*\$disconnect +\S+ +ok +\d+ ms +200 of dynamodb:UpdateItem\n/,
    );
    expect(running.output.stderr).toBe('');

    for (const user of [`it's "q" \\ \\' $context.stage #end`, '</b> é 你 🙂 \n\t\u0001']) {
      expect(await row(`${url}?user=${encodeURIComponent(user)}`)).toMatchObject({
        userId: { S: user },
        identityExpiresAt: { N: '1900000000000' },
      });
    }
  });

  it('8.10 refuses the handshake if the write is refused', { timeout: 120_000 }, async () => {
    const template = await readFile(join(folder, 'template.json'), 'utf8');
    const item = /(\{\\"TableName\\":\\")",\s*\{\s*"Ref": "Table"\s*\},\s*"/;
    await writeFile(join(folder, 'without-table.json'), template.replace(item, '$1Missing'));
    await using running = run('without-table.json');
    expect((await refusalOf(await urlOf(running))).status).toBe(500);
    // The integration's role only allows the table of the template.
    const line = 'dynamodb:PutItem answered 400 AccessDeniedException, and no integration';
    await vi.waitFor(() => expect(running.output.stdout).toContain(line));
  });

  it('8.20 writes to the DynamoDB that AWS_ENDPOINT_URL names', { timeout: 120_000 }, async () => {
    await using other = await startGateway({ routes: [], tables: [table] });
    const { AWS_ENDPOINT_URL_DYNAMODB: endpoint = '' } = other.environment;
    await using running = run('template.json', { AWS_ENDPOINT_URL: endpoint });
    expect(await row(await urlOf(running))).toMatchObject({ sk: { S: 'META' } });
    await using lost = run('template.json', { AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:1' });
    expect((await refusalOf(await urlOf(lost))).status).toBe(502);
    const line =
      'dynamodb:PutItem could not be called: There is no DynamoDB at "http://127.0.0.1:1"';
    await vi.waitFor(() => expect(lost.output.stdout).toContain(line));
  });
});

const table = {
  TableName: 'Table',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
} as const;

const dynamodb = (operation: string, template: string, answer?: string): Integration => ({
  type: 'AWS',
  integrationUri: `arn:aws:apigateway:us-east-1:dynamodb:action/${operation}`,
  requestTemplates: { $default: template },
  responses: [
    {
      integrationResponseKey: '$default',
      ...(answer !== undefined && { responseTemplates: { $default: answer } }),
    },
  ],
});

describe('routes to DynamoDB in code', () => {
  const key = '"pk":{"S":"$context.connectionId"},"sk":{"S":"x"}';
  const put = dynamodb('PutItem', `{"TableName":"Table","Item":{${key},"n":{"N":"1"}}}`);
  const get = dynamodb(
    'GetItem',
    `{"TableName":"Table","Key":{${key}},"ConsistentRead":true}`,
    `$input.path('$.Item.n.N')$input.path('$.__type')`,
  );

  it('8.9 work without any function', async () => {
    const routes = [
      { routeKey: '$connect', integration: put },
      { routeKey: '$default', twoWay: true, integration: get },
      {
        routeKey: 'add',
        twoWay: true,
        integration: dynamodb('UpdateItem', '{"TableName":"Table"}', "$input.path('$.__type')"),
      },
    ];
    await using gateway = await startGateway({ routes, tables: [table] });
    await using connection = await openConnection(gateway.url);
    connection.send('{}');
    expect(await connection.receive()).toBe('1');
    connection.send('{"action":"add"}');
    expect(await connection.receive()).toContain('ValidationException');
  });

  it('8.9 start the embedded DynamoDB also without a table', async () => {
    const integration = dynamodb('ListTables', '{}', "$input.json('$')");
    await using gateway = await startGateway({
      routes: [{ routeKey: '$default', twoWay: true, integration }],
    });
    await using connection = await openConnection(gateway.url);
    connection.send('{}');
    expect(await connection.receive()).toBe('{"TableNames":[]}');
  });

  it('8.9 are refused if they are of another service', async () => {
    const integration = {
      ...put,
      integrationUri: 'arn:aws:apigateway:us-east-1:sqs:action/SendMessage',
    };
    const routes = [{ routeKey: '$connect', integration }];
    await expect(startGateway({ routes, tables: [table] })).rejects.toThrow(
      'does not lead to an operation of a service that runs locally: "dynamodb".',
    );
  });
});
