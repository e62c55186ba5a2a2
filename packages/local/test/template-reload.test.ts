import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { commandsIn, printed, type Running, urlOf } from './gatecast-command.js';
import { openConnection } from './open-connection.js';
import { TemplateFolder } from './template-folder.js';

/** A template whose only function is in `app.ts` of a folder. */
const templateOf = (folder: string): string => `Transform: AWS::Serverless-2016-10-31
Resources:
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties:
      { Name: api, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action }
  Chat:
    Type: AWS::Serverless::Function
    Properties: { CodeUri: ${folder}, Handler: app.handler, Runtime: nodejs22.x }
  Permission:
    Type: AWS::Lambda::Permission
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: !Ref Chat
      Principal: apigateway.amazonaws.com
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri: !Sub
        'arn:aws:apigateway:\${AWS::Region}:lambda:path/2015-03-31/functions/\${Chat.Arn}/invocations'
  Default:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: $default
      RouteResponseSelectionExpression: $default
      Target: !Sub 'integrations/\${Integration}'
  Answer:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: { ApiId: !Ref Api, RouteId: !Ref Default, RouteResponseKey: $default }
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: { ApiId: !Ref Api, StageName: dev, AutoDeploy: true }
`;

const answering = (text: string): string =>
  `export const handler = async (): Promise<object> => ({ statusCode: 200, body: '${text}' });`;

async function ask(url: string): Promise<string> {
  await using connection = await openConnection(url);
  connection.send('a message');
  return await connection.receive();
}

interface Run extends AsyncDisposable {
  readonly running: Running;
  readonly url: string;
  /** Writes a file at once, because its watcher must not see half of it. */
  readonly write: (name: string, text: string) => Promise<void>;
}

async function run(): Promise<Run> {
  const template = templateOf('old');
  const folder = await TemplateFolder.with({
    'template.yaml': template,
    'old/app.ts': answering('old'),
    'new/note.txt': '',
  });
  const { dev } = commandsIn(() => folder.path);
  const running = dev('--template', 'template.yaml', '--ephemeral');
  return {
    running,
    url: await urlOf(running),
    async write(name, text) {
      await writeFile(join(folder.path, 'written'), text);
      await rename(join(folder.path, 'written'), join(folder.path, name));
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const patience = { timeout: 30_000, interval: 200 };

describe('gatecast dev with a changed template', { timeout: 90_000 }, () => {
  it('starts again when the source that could not be built is mended', async () => {
    await using project = await run();
    const { running, url, write } = project;
    expect(await ask(url)).toBe('old');
    await write('new/app.ts', 'export const {{{');
    await write('template.yaml', templateOf('new'));
    await printed(running, /Nothing runs until a file changes: "new.app\.ts" could not be bundled/);
    await write('new/app.ts', answering('new'));
    await printed(running, /A file has changed\. Reloading …/);
    await vi.waitFor(async () => expect(await ask(url)).toBe('new'), patience);
    expect(running.output.stdout.match(/could not be bundled/g)).toHaveLength(1);
  });

  it('runs the previous one until the source that it names is written', async () => {
    await using project = await run();
    const { running, url, write } = project;
    await write('template.yaml', templateOf('new'));
    await printed(running, /The template has changed, but it cannot run: The source of "Chat"/);
    expect(await ask(url)).toBe('old');
    await write('new/app.ts', answering('new'));
    await vi.waitFor(async () => expect(await ask(url)).toBe('new'), patience);
    // It can go back, too.
    await write('template.yaml', templateOf('old'));
    await vi.waitFor(async () => expect(await ask(url)).toBe('old'), patience);
    expect(running.output.stdout.match(/it cannot run/g)).toHaveLength(1);
    expect(running.output.stderr).toBe('');
  });
});
