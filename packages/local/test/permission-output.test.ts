import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../src/dev/start-gateway.js';
import type { PolicyDocument } from '../src/iam/policy-document.js';
import { askControl } from './control-request.js';
import { type Running, startGatecast, urlOf } from './gatecast-command.js';
import { openConnection } from './open-connection.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

const stage = 'arn:aws:execute-api:us-east-1:123456789012:local00000/dev';
const allow = (Action: string, Resource: string): PolicyDocument['Statement'][number] => ({
  Effect: 'Allow',
  Action,
  Resource,
});

/** The folder of a project. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-permissions-'));
  await copyFile(fixture('posts-with-sdk.mjs'), join(folder, 'posts-with-sdk.mjs'));
  await symlink(fixture('../../../../node_modules'), join(folder, 'node_modules'), 'dir');
});

afterAll(() => rm(folder, { recursive: true }));

/** `gatecast dev` with a template whose function posts each message back to its sender. */
async function dev(
  permissions: readonly string[],
  ...Statement: PolicyDocument['Statement']
): Promise<Running> {
  const template = templateWith(permissions, Statement);
  await writeFile(join(folder, 'template.json'), JSON.stringify(template));
  return startGatecast(['dev', '--template', 'template.json', '--port', '0'], { cwd: folder });
}

/** @param permissions the paths of the API that may invoke the function */
function templateWith(
  permissions: readonly string[],
  Statement: PolicyDocument['Statement'],
): object {
  const ApiId = { Ref: 'Api' };
  const arnOf = (logicalId: string): object => ({ 'Fn::GetAtt': [logicalId, 'Arn'] });
  const sub = (text: string): object => ({ 'Fn::Sub': text });
  const permission = (path: string): object => ({
    Type: 'AWS::Lambda::Permission',
    Properties: {
      Action: 'lambda:InvokeFunction',
      FunctionName: { Ref: 'Poster' },
      Principal: 'apigateway.amazonaws.com',
      SourceArn: sub(`arn:aws:execute-api:\${AWS::Region}:\${AWS::AccountId}:\${Api}/${path}`),
    },
  });
  const path = 'arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions';
  const trust = {
    Statement: [
      { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } },
    ],
  };
  const resources: Readonly<Record<string, readonly [type: string, properties: object]>> = {
    Api: ['ApiGatewayV2::Api', { Name: 'echo', ProtocolType: 'WEBSOCKET' }],
    Stage: ['ApiGatewayV2::Stage', { ApiId, StageName: 'dev', AutoDeploy: true }],
    Route: [
      'ApiGatewayV2::Route',
      { ApiId, RouteKey: '$default', Target: sub('integrations/${Integration}') },
    ],
    Integration: [
      'ApiGatewayV2::Integration',
      {
        ApiId,
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: sub(`${path}/\${Poster.Arn}/invocations`),
      },
    ],
    Role: [
      'IAM::Role',
      {
        AssumeRolePolicyDocument: trust,
        Policies: [{ PolicyName: 'own', PolicyDocument: { Statement } }],
      },
    ],
    Poster: [
      'Serverless::Function',
      {
        CodeUri: '.',
        Handler: 'posts-with-sdk.handler',
        Runtime: 'nodejs24.x',
        Role: arnOf('Role'),
      },
    ],
  };
  const Resources = Object.fromEntries(
    Object.entries(resources).map(([name, [type, Properties]]) => [
      name,
      { Type: `AWS::${type}`, Properties },
    ]),
  );
  const invoking = permissions.map((each, index) => [`Permission${index}`, permission(each)]);
  const Transform = 'AWS::Serverless-2016-10-31';
  return { Transform, Resources: { ...Resources, ...Object.fromEntries(invoking) } };
}

async function answersTo(url: string, ...messages: string[]): Promise<string[]> {
  await using connection = await openConnection(url);
  const answers: string[] = [];
  for (const message of messages) {
    connection.send(message);
    answers.push(await connection.receive());
  }
  return answers;
}

/** What is printed after the signal. */
async function lastWords(running: Running): Promise<string> {
  const before = running.output.stdout.length;
  running.kill('SIGINT');
  const { code, stdout } = await running.ended;
  expect(code).toBe(0);
  return stdout.slice(before);
}

describe('gatecast dev', { timeout: 120_000 }, () => {
  it('prints a refused call once, with a statement that allows it when it is pasted', async () => {
    await using refusing = await dev(
      ['dev/*', 'prod/*'],
      allow('execute-api:ManageConnections', `${stage}/GET/@connections/*`),
      allow('sqs:SendMessage', '*'),
    );
    const answers = await answersTo(await urlOf(refusing), 'one', 'two');
    expect(answers.join()).not.toMatch(/^(one|two)/);
    const unused = await lastWords(refusing);
    const { stdout } = refusing.output;
    const action = 'execute-api:ManageConnections';
    const resource = `${stage}/POST/@connections/*`;
    expect(stdout.split('may not call')).toHaveLength(2);
    expect(stdout).toContain(`  "Poster" may not call ${action} on ${resource}.\n`);
    const [, statement = ''] = /^This statement in .* would allow it:\n(.*)$/m.exec(stdout) ?? [];
    expect(unused).toContain(
      [
        'Permissions that nothing used:',
        `  all of Statement[0] of "Policies[0]" of "Role": ${action} on ${stage}/GET/@connections/*`,
        '  all of Statement[1] of "Policies[0]" of "Role": sqs:SendMessage on *',
        `  "Permission1" (AWS::Lambda::Permission) for ${stage.replace('/dev', '/prod')}/*`,
        '',
      ].join('\n'),
    );

    await using mended = await dev(
      ['dev/$default'],
      JSON.parse(statement) as PolicyDocument['Statement'][number],
    );
    expect(await answersTo(await urlOf(mended), 'one')).toEqual(['one']);
    expect(await lastWords(mended)).toContain('Each permission was used.\n');
    expect(mended.output.stdout).not.toContain('may not');
  });

  it('says that nothing was called', async () => {
    await using idle = await dev(['dev/*'], allow('sqs:SendMessage', '*'));
    await urlOf(idle);
    expect(await lastWords(idle)).toBe(
      'Stopping …\nNothing called anything that needs a permission.\n',
    );
  });
});

describe('gatecast permissions', { timeout: 120_000 }, () => {
  const command = (...args: string[]) =>
    startGatecast(['permissions', ...args], { cwd: folder }).ended;

  it('prints the least policy for what each function called', async () => {
    const Statement = [allow('execute-api:ManageConnections', `${stage}/*`), allow('s3:*', '*')];
    await using gateway = await startGateway({
      functions: {
        reader: { entry: fixture('posts-with-sdk.mjs') },
        poster: { entry: fixture('posts-with-sdk.mjs') },
      },
      routes: [{ routeKey: '$default', function: 'poster' }],
      permissions: { Statement },
      control: true,
      quiet: true,
    });
    const port = String(gateway.port);
    const none = await command('--port', port);
    expect([none.code, none.stdout]).toEqual([0, '{}\n']);
    expect(none.stderr).toMatch(/^"poster" called nothing .*\n"reader" called nothing .*\n$/);

    await answersTo(gateway.url, 'one', 'two');
    const policy = {
      Version: '2012-10-17',
      Statement: [allow('execute-api:ManageConnections', `${stage}/POST/@connections/*`)],
    };
    const all = await command('--port', port);
    expect(JSON.parse(all.stdout)).toEqual({ poster: policy });
    const one = await command('--port', port, '--function', 'poster');
    expect([one.code, JSON.parse(one.stdout), one.stderr]).toEqual([0, policy, '']);
    const idle = await command('--port', port, '--function', 'reader');
    expect([idle.code, idle.stdout]).toEqual([1, '']);
    const unknown = await command('--port', port, '--function', 'Nobody');
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      'There is no function "Nobody" with a role.\nPass one of: poster, reader.\n',
    ]);

    const { json } = await askControl(gateway.port, 'permissions');
    expect(json).toEqual({
      callers: [
        expect.objectContaining({
          name: 'poster',
          policy,
          calls: [expect.objectContaining({ count: 2, refused: 0 })],
        }),
        expect.objectContaining({ name: 'reader', calls: [] }),
      ],
      unused: [],
      unusedInvokePermissions: [],
      idleRoles: ['reader'],
      unseenActions: ['s3:*'],
    });
  });

  it('says what may be missing after a refusal', async () => {
    await using gateway = await startGateway({
      entry: fixture('posts-with-sdk.mjs'),
      routes: ['$default'],
      permissions: { Statement: [allow('sqs:SendMessage', '*')] },
      control: true,
      quiet: true,
    });
    await answersTo(gateway.url, 'one');
    const { code, stdout, stderr } = await command('--port', String(gateway.port));
    expect(code).toBe(0);
    expect(stdout).toContain('POST/@connections/*');
    expect(stderr).toMatch(
      /^One call was refused to "posts-with-sdk", so what it would have called/,
    );
    const { json } = await askControl(gateway.port, 'permissions');
    expect(json).toMatchObject({
      callers: [{ calls: [{ refused: 1, refusal: { statement: { Effect: 'Allow' } } }] }],
      unused: [{ place: 'Statement[0] of the permissions of "posts-with-sdk"' }],
    });
  });

  it('says that functions without a role may call everything', async () => {
    await using gateway = await startGateway({
      entry: fixture('posts-with-sdk.mjs'),
      routes: ['$default'],
      control: true,
      quiet: true,
    });
    await answersTo(gateway.url, 'one');
    const { code, stderr } = await command('--port', String(gateway.port));
    expect([code, stderr]).toEqual([
      1,
      'No function of this gateway has a role, so each may call everything, and nothing is recorded.\n' +
        'Run "gatecast dev" with --template or --assembly, which have the roles.\n',
    ]);
    const { json } = await askControl(gateway.port, 'permissions');
    expect(json['callers']).toEqual([]);
  });

  it('needs a running gateway, and takes nothing else', async () => {
    const absent = await command('--port', '9');
    expect([absent.code, absent.stdout]).toEqual([1, '']);
    expect(absent.stderr).toMatch(/^Port 9 .*\nStart "gatecast dev" first, or pass the port/);
    const wrong = await command('app.ts');
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      '"gatecast permissions" does not take "app.ts".\nRun "gatecast permissions --help" to see the usage.\n',
    ]);
  });
});
