// The cost of a first `$connect`: CPU time from the start of a process until the answer, for the chat,
// for a hand-written function that does the same, and for that function in NestJS; and what the code for
// history costs an app that has none. Each runs in a new process, one after the other. They share one
// DynamoDB in another process.
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { makeConnectEvent } from '@gatecast/framework/testing';
import { build } from 'esbuild';
// The bundler's settings are not exported by the package.
import { bundleSettings } from '../packages/local/dist/lambda/bundle-settings.js';

const ROUNDS = 15;
const TIMEOUT_MS = 60_000;
const STORE_TABLE = 'gatecast';
const HAND_WRITTEN_TABLE = 'connections';

const fileOf = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Settings for an ES module, as in guides for Lambda, from the packages' ES module builds. */
const usual = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  mainFields: ['module', 'main'],
  banner: {
    js: `import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);`,
  },
};

/** The code that only channels with history run. */
const LOG_FILES =
  /\/(?:dynamodb\/log\/|dispatch\/(?:history|history-access|sync|catch-up|tail-check)|publish\/(?:append|channel-history))[\w-]*\.js$/;

/** Bundles `undefined` in the place of everything that these files export. */
const withoutLog = {
  name: 'without-log',
  setup: ({ onLoad }) =>
    onLoad({ filter: LOG_FILES }, async ({ path }) => {
      const names = (await readFile(path, 'utf8')).matchAll(
        /^export (?:async )?(?:const|class|function)\*? (\w+)/gm,
      );
      return {
        contents: Array.from(names, ([, name]) => `export const ${name} = undefined;`).join('\n'),
      };
    }),
};

const HAND_WRITTEN = 'hand-written';
const bundles = [
  { name: HAND_WRITTEN, entry: 'coldstart/hand-written.mjs', settings: usual },
  {
    name: 'hand-written, bundled like Gatecast',
    entry: 'coldstart/hand-written.mjs',
    settings: bundleSettings('cjs'),
  },
  {
    name: 'gatecast: the chat',
    entry: '../examples/chat/server/app.ts',
    settings: bundleSettings('cjs'),
  },
  {
    name: 'gatecast: a channel without history',
    entry: 'coldstart/no-history.mjs',
    settings: bundleSettings('cjs'),
  },
  {
    name: 'the same, without the code for history',
    entry: 'coldstart/no-history.mjs',
    settings: { ...bundleSettings('cjs'), plugins: [withoutLog] },
  },
  {
    name: 'NestJS',
    entry: 'coldstart/nest.ts',
    settings: {
      ...usual,
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
      // Optional packages that NestJS only loads if they are installed.
      external: [
        '@nestjs/microservices',
        '@nestjs/platform-*',
        'class-validator',
        'class-transformer',
      ],
    },
  },
];

async function bundle({ name, entry, settings }, directory) {
  const { outputFiles } = await build({
    ...settings,
    entryPoints: [fileOf(entry)],
    minify: true,
    write: false,
  });
  const [{ contents }] = outputFiles;
  const file = join(
    directory,
    `${name.replaceAll(/\W+/g, '-')}.${settings.format === 'cjs' ? 'cjs' : 'mjs'}`,
  );
  await writeFile(file, contents);
  return { name, file, bytes: contents.length, gzipped: gzipSync(contents).length };
}

async function startDynamoDb() {
  const child = fork(fileOf('coldstart/dynamodb.mjs'), [STORE_TABLE, HAND_WRITTEN_TABLE], {
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  });
  const [endpoint] = await once(child, 'message');
  return { endpoint, stop: () => child.disconnect() };
}

function cpuMsOf({ name, file }, endpoint) {
  const event = JSON.stringify(makeConnectEvent());
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [fileOf('coldstart/first-connect.mjs'), file, event],
    {
      encoding: 'utf8',
      timeout: TIMEOUT_MS,
      // The variables of Lambda that the functions read, and only the necessary ones of the shell.
      env: {
        PATH: process.env.PATH,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'any',
        AWS_SECRET_ACCESS_KEY: 'any',
        AWS_SESSION_TOKEN: 'any',
        AWS_ENDPOINT_URL_DYNAMODB: endpoint,
        AWS_LAMBDA_FUNCTION_NAME: 'bench',
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
        GATECAST_TABLE: STORE_TABLE,
        TABLE_NAME: HAND_WRITTEN_TABLE,
      },
    },
  );
  if (status !== 0) throw new Error(`"${name}" failed.\n${stdout}${stderr}`);
  return JSON.parse(stdout.split('\n').at(-1)).cpuMs;
}

const quantile = (list, share) =>
  list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) * share)];
const rounded = (value) => Number(value.toFixed(2));

/** The order rotates, so that no function always follows the same other function. */
function measureRounds(functions, endpoint) {
  const rounds = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const turn = round % functions.length;
    const order = [...functions.slice(turn), ...functions.slice(0, turn)];
    rounds.push(new Map(order.map((built) => [built.name, cpuMsOf(built, endpoint)])));
  }
  // The first round also reads the files from disk, so it does not count.
  return rounds.slice(1);
}

export async function measure() {
  const directory = await mkdtemp(join(tmpdir(), 'gatecast-coldstart-'));
  const dynamoDb = await startDynamoDb();
  try {
    const functions = await Promise.all(bundles.map((settings) => bundle(settings, directory)));
    const rounds = measureRounds(functions, dynamoDb.endpoint);
    const rows = functions.map(({ name, bytes, gzipped }) => {
      const times = rounds.map((cpuMs) => cpuMs.get(name));
      const ratios = rounds.map((cpuMs) => cpuMs.get(name) / cpuMs.get(HAND_WRITTEN));
      return {
        name,
        KB: Math.round(bytes / 1_024),
        'KB, gzip': Number((gzipped / 1_024).toFixed(1)),
        'CPU ms': rounded(quantile(times, 0.5)),
        'times hand-written': rounded(quantile(ratios, 0.5)),
        'lower quartile': rounded(quantile(ratios, 0.25)),
      };
    });
    return { benchmark: 'coldstart', rounds: ROUNDS, node: process.version, rows };
  } finally {
    dynamoDb.stop();
    await rm(directory, { recursive: true });
  }
}
