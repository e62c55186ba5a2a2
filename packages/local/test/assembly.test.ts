import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LocalGateway, startGateway } from '../src/dev/start-gateway.js';
import { functionNamed } from '../src/dev/template/read-functions.js';
import {
  type ReadTemplate,
  readAssembly,
  readTemplate,
} from '../src/dev/template/read-template.js';
import { synthesize } from './fixtures/cdk/synthesize.js';
import { openConnection } from './open-connection.js';
import { gatecast } from './run-command.js';

const slow = { timeout: 120_000 };
const lockFile = fileURLToPath(new URL('../../../package-lock.json', import.meta.url));
const common = { parameters: {}, stage: undefined };

let project: string;
let assembly: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'gatecast-assembly-'));
  // In the project, a CommonJS module in a file that is called .js would load without any exports.
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  assembly = join(project, 'cdk.out');
  synthesize(assembly, lockFile);
}, 120_000);

afterAll(() => rm(project, { recursive: true }));

const read = (stack?: string): Promise<ReadTemplate> =>
  readAssembly(assembly, { stack, ...common });

async function run({ options }: ReadTemplate): Promise<LocalGateway> {
  return startGateway({ ...options, quiet: true });
}

async function ask(url: string, text: string): Promise<Record<string, unknown>> {
  await using connection = await openConnection(url);
  connection.send(text);
  return JSON.parse(await connection.receive()) as Record<string, unknown>;
}

describe('a cloud assembly', () => {
  it(
    'runs an API with the functions that the CDK built and a table of another stack',
    slow,
    async () => {
      const template = await read('Chat');
      await using gateway = await run(template);
      expect(gateway.url).toMatch(/\/live$/);
      await using connection = await openConnection(gateway.url);
      connection.send('hello');
      expect(JSON.parse(await connection.receive())).toEqual({
        body: 'hello',
        greeting: 'hello',
        connections: 1,
        name: functionNamed('Chat/Message', template),
        handler: 'index.handler',
        isInRoot: true,
      });
      const publisher = functionNamed('Publisher', template);
      expect(await gateway.invoke(publisher, { text: 'news' })).toMatchObject({
        type: 'response',
        payload: { posted: 1 },
      });
      expect(await connection.receive()).toBe('news');
    },
  );

  it('runs one instance of a construct beside another', slow, async () => {
    const template = await read('Rooms');
    expect(template.apiName).toBe('Rooms/Blue/Api');
    await using gateway = await run(template);
    const green = gateway.apis['Rooms/Green/Api'];
    if (green === undefined) throw new Error('The second API does not run.');
    expect(gateway.apiId).toMatch(/^[a-z0-9]{10}$/);
    expect(green.apiId).not.toBe(gateway.apiId);
    expect(green.port).not.toBe(gateway.port);
    await using inBlue = await openConnection(gateway.url);
    await using inGreen = await openConnection(green.url);
    inBlue.send('{}');
    expect(JSON.parse(await inBlue.receive())).toMatchObject({
      room: 'Blue',
      apiId: gateway.apiId,
    });
    inGreen.send('{}');
    expect(JSON.parse(await inGreen.receive())).toMatchObject({
      room: 'Green',
      apiId: green.apiId,
    });
    // Each reaches its own API by the name that API Gateway gives it.
    for (const [room, connection] of Object.entries({ Blue: inBlue, Green: inGreen })) {
      const publisher = functionNamed(`${room}/Publisher`, template);
      const result = await gateway.invoke(publisher, { text: `to ${room}` });
      expect(result).toMatchObject({ payload: { posted: 1 } });
      expect(await connection.receive()).toBe(`to ${room}`);
    }
  });

  it('runs the APIs of all stacks, with resources of the same name', slow, async () => {
    const template = await read();
    await using gateway = await run(template);
    expect(Object.keys(gateway.apis)).toEqual([
      'Rooms/Blue/Api',
      'Rooms/Green/Api',
      'Prod/Rooms/Red/Api',
    ]);
    const red = gateway.apis['Prod/Rooms/Red/Api']?.url ?? '';
    expect(await ask(red, '{}')).toMatchObject({ room: 'Red', region: 'eu-west-1' });
  });

  it('has the Region and the account of a stack that is for one environment only', async () => {
    const { options } = await read('Prod/Rooms');
    expect(options).toMatchObject({ region: 'eu-west-1', accountId: '111122223333' });
    expect(options.tables).toHaveLength(1);
  });

  it('names what does not run, and nothing that needs not run', async () => {
    const { warnings } = await read();
    expect(warnings).toEqual([
      expect.stringMatching(/^"Bucket\w+" \(AWS::S3::Bucket\) does not run locally\.$/),
    ]);
  });

  it('runs a single template of it with its assets', slow, async () => {
    const template = await readTemplate(join(assembly, 'Chat.template.json'), common);
    expect(template.warnings).toContainEqual(
      expect.stringContaining('no stack here exports "Data:ExportsOutputRef'),
    );
    expect(Object.keys(template.options.functions ?? {})).toHaveLength(4);
  });
});

describe('a cloud assembly is refused', () => {
  it.each([
    ['Chats', 'has no stack "Chats"', 'Data, Chat, Rooms, Prod/Rooms'],
    ['Data', 'The stack "Data" of', 'has no WebSocket API'],
  ])('with the stack %s', async (stack, message, hint) => {
    const error: unknown = await read(stack).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: expect.stringContaining(message) });
    expect(error).toMatchObject({ message: expect.stringContaining(hint) });
  });

  it('if the folder has no manifest', async () => {
    await expect(readAssembly(project, { stack: undefined, ...common })).rejects.toThrow(
      /is not a cloud assembly: ENOENT[^]+--assembly cdk\.out/,
    );
  });

  it('for a function in a zip file, which its asset is', async () => {
    const text = await readFile(join(assembly, 'Chat.assets.json'), 'utf8');
    const zipped = text.replaceAll('"packaging": "zip"', '"packaging": "file"');
    await writeFile(join(project, 'Zip.assets.json'), zipped);
    const template = await readFile(join(assembly, 'Chat.template.json'));
    await writeFile(join(project, 'Zip.template.json'), template);
    await expect(readTemplate(join(project, 'Zip.template.json'), common)).rejects.toThrow(
      /The code of "Connect\w+" is the file "[^"]+", which does not run locally\.\nPass the folder/,
    );
  });
});

describe('gatecast dev --assembly', () => {
  it('prints each API, and gatecast invoke runs the other functions', slow, async () => {
    const args = ['--assembly', 'cdk.out', '--stack', 'Rooms', '--port', '0', '--ephemeral'];
    await using running = gatecast(['dev', ...args], project);
    const blue = await running.printed(/^WebSocket {2}(\S+) {2}Rooms\/Blue\/Api$/m);
    const green = await running.printed(/^WebSocket {2}(\S+) {2}Rooms\/Green\/Api$/m);
    await running.printed(/^Invoke {5}(Rooms\/Blue\/Publisher, Rooms\/Green\/Publisher)$/m);
    await using connection = await openConnection(green);
    const { port } = new URL(blue);
    const data = JSON.stringify({ text: 'from a terminal' });
    await using invoked = gatecast(
      ['invoke', 'Green/Publisher', '--data', data, '--port', port],
      project,
    );
    expect(await invoked.code).toBe(0);
    expect(JSON.parse(invoked.output.stdout)).toEqual({ posted: 1 });
    expect(await connection.receive()).toBe('from a terminal');
    await running.printed(/^Rooms\/Green\/Api {2}\S+ {2}\$connect +\S+ +ok/m);
  });

  it('runs what has been synthesized again, on the same port', slow, async () => {
    const changed = join(project, 'changing.out');
    synthesize(changed, lockFile);
    const args = ['--assembly', changed, '--stack', 'Chat', '--port', '0', '--ephemeral'];
    await using running = gatecast(['dev', ...args], project);
    const url = await running.printed(/^WebSocket {2}(\S+)$/m);
    const file = join(changed, 'Chat.template.json');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replaceAll('"live"', '"next"').replaceAll('/live', '/next'));
    // The CDK writes it last.
    const manifest = join(changed, 'manifest.json');
    await writeFile(manifest, `${await readFile(manifest, 'utf8')}\n`);
    const next = await running.printed(/^WebSocket {2}(\S+\/next)$/m);
    expect(new URL(next).port).toBe(new URL(url).port);
    expect(await ask(next, 'again')).toMatchObject({ body: 'again' });
  });

  it.each([
    [['--stack', 'A', 'app.ts'], '--stack chooses a stack of --assembly, which is missing.'],
    [['--assembly', 'a', '--template', 'b'], 'Pass one of --template and --assembly.'],
    [['--assembly', 'a', 'app.ts'], '--assembly runs the functions of the template'],
    [['--assembly', 'a', '--handler', 'b'], 'leave it out with --assembly'],
  ])('refuses %j', async (args, message) => {
    await using running = gatecast(['dev', ...args], project);
    expect(await running.code).toBe(2);
    expect(running.output.stderr).toContain(message);
  });
});
