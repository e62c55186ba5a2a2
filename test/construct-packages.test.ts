// The construct as its users get it: installed from the archive in CDK apps, and as sources of languages.
import { spawnSync } from 'node:child_process';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCommand } from './running-command.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const construct = join(root, 'packages/cdk-construct');
let folder: string;

async function run(command: string, args: readonly string[], cwd = folder): Promise<void> {
  const env = { ...process.env, CDK_OUTDIR: join(cwd, 'cdk.out') };
  await using running = startCommand(command, args, { cwd, env });
  const { code, stdout, stderr } = await running.ended;
  expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-construct-'));
  await run('npm', ['run', '--silent', 'packages', '--', join(folder, 'languages')], construct);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the sources of other languages', () => {
  /** All code of a language's package. */
  async function sources(language: string): Promise<string> {
    const entries = await readdir(join(folder, 'languages', language), {
      recursive: true,
      withFileTypes: true,
    });
    const files = entries.filter((entry) => /\.(py|java|cs|go)$/.test(entry.name));
    const read = files.map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8'));
    return (await Promise.all(read)).join('\n');
  }

  it.each(['python', 'java', 'dotnet', 'go'])('%s have every type', async (language) => {
    const assembly = JSON.parse(await readFile(join(construct, '.jsii'), 'utf8')) as {
      types: Readonly<Record<string, { readonly name: string }>>;
    };
    const names = Object.values(assembly.types).map(({ name }) => name);
    expect(names).toContain('GatecastApi');
    const code = await sources(language);
    const isMissing = (name: string): boolean =>
      !new RegExp(`\\b(class|interface|enum|type) ${name}\\b`).test(code);
    expect(names.filter(isMissing)).toEqual([]);
  });

  const hasPython = spawnSync('python3', ['--version']).status === 0;
  if (!hasPython && !process.env['CI']) {
    process.stderr.write(
      'Skipped: Python compiles the construct, because there is no python3 (apt-get install python3).\n',
    );
  }
  it.skipIf(!hasPython && !process.env['CI'])('Python compiles its source', async () => {
    const source = join(folder, 'languages/python/src');
    expect(await readdir(source)).toEqual(['gatecast']);
    await run('python3', ['-m', 'compileall', '-q', source]);
  });
});

describe('the archive for npm', () => {
  const apps = (): string => join(folder, 'apps');
  const installed = (): string => join(apps(), 'node_modules/@gatecast/cdk-construct');

  const FILES: Readonly<Record<string, string>> = {
    'package.json': '{ "private": true }',
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        exactOptionalPropertyTypes: true,
        target: 'ES2022',
        module: 'NodeNext',
        types: ['node'],
        skipLibCheck: true,
      },
    }),
    'commonjs/package.json': '{ "private": true }',
    'commonjs/app.ts': `import { App, Stack } from 'aws-cdk-lib';
import { GatecastApi } from '@gatecast/cdk-construct';

const app = new App();
new GatecastApi(new Stack(app, 'Chat'), 'Chat', { entry: 'server/app.ts' });
app.synth();
`,
    'esm/package.json': '{ "private": true, "type": "module" }',
    'esm/app.ts': `import { App, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { GatecastApi, type GatecastApiProps } from '@gatecast/cdk-construct';

class ChatStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    const chat: GatecastApiProps = { entry: 'server/app.ts' };
    new GatecastApi(this, 'Chat', chat);
  }
}

const app = new App();
new ChatStack(app, 'Chat', { env: { account: '111111111111', region: 'eu-central-1' } });
app.synth();
`,
    'javascript/package.json': '{ "private": true }',
    'javascript/app.js': `const { App, Stack } = require('aws-cdk-lib');
const { GatecastApi } = require('@gatecast/cdk-construct');

const app = new App();
new GatecastApi(new Stack(app, 'Chat'), 'Chat', { entry: 'server/app.ts' });
app.synth();
`,
    'other-stacks/package.json': '{ "private": true }',
    'other-stacks/app.ts': `import { App, Stack } from 'aws-cdk-lib';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { GatecastApi } from '@gatecast/cdk-construct';

const app = new App();
new Vpc(new Stack(app, 'Network'), 'Vpc');
const shop = new Stack(app, 'Chat');
new Table(shop, 'Orders', { partitionKey: { name: 'id', type: AttributeType.STRING } });
new Queue(new Stack(app, 'Orders'), 'Queue');
new GatecastApi(shop, 'Chat', { entry: 'server/app.ts' });
app.synth();
`,
  };

  beforeAll(async () => {
    await mkdir(apps());
    for (const app of ['commonjs', 'esm', 'javascript', 'other-stacks']) {
      await mkdir(join(apps(), app, 'server'), { recursive: true });
      await writeFile(
        join(apps(), app, 'server/app.ts'),
        'export const handler = async () => ({ statusCode: 200 });\n',
      );
    }
    for (const [file, text] of Object.entries(FILES)) await writeFile(join(apps(), file), text);
    const [archive = ''] = await readdir(join(folder, 'languages/js'));
    await copyFile(join(folder, 'languages/js', archive), join(apps(), 'construct.tgz'));
    // Without peers: CDK has 140 MB. test/newest-cdk.verify.ts installs it.
    const quietly = ['--no-audit', '--no-fund', '--loglevel=error', '--legacy-peer-deps'];
    await run('npm', ['install', ...quietly, './construct.tgz'], apps());
    for (const name of ['aws-cdk-lib', 'constructs', 'esbuild', '@types/node']) {
      const link = join(apps(), 'node_modules', name);
      await mkdir(dirname(link), { recursive: true });
      await symlink(join(root, 'node_modules', name), link, 'junction');
    }
    await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.'], apps());
  });

  it('has compiled files, the assembly and the license, but no sources', async () => {
    const entries = await readdir(installed(), { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(installed().length + 1));
    expect(files).toEqual(
      expect.arrayContaining(['.jsii', 'LICENSE', 'README.md', 'package.json', 'lib/index.js']),
    );
    const others = files.filter((file) => !/^lib[\\/].*(?<!\.test)\.(js|d\.ts)$/.test(file));
    expect(others.toSorted()).toEqual([
      '.jsii',
      'API.md',
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'common-js-names.mjs',
      'package.json',
    ]);
  });

  it.each(['commonjs', 'esm', 'javascript', 'other-stacks'])(
    'synthesizes in an app: %s',
    async (name) => {
      await run(process.execPath, ['app.js'], join(apps(), name));
      const assembly = await readdir(join(apps(), name, 'cdk.out'));
      expect(assembly).toContain('manifest.json');
      const { Resources } = JSON.parse(
        await readFile(join(apps(), name, 'cdk.out/Chat.template.json'), 'utf8'),
      ) as { Resources: Readonly<Record<string, { readonly Type: string }>> };
      const types = Object.values(Resources).map(({ Type }) => Type);
      expect(types).toContain('AWS::ApiGatewayV2::Api');
    },
  );
});
