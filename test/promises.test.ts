// Compares promises in README and docs with the code and the packages. `documents.test.ts` compiles the
// code of the documents, and `links.test.ts` follows their links.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { iamActions } from '@gatecast/adapters/dynamodb';
import { clientErrors } from '@gatecast/client';
import {
  MAX_CHANNEL_BYTES_PER_CONNECTION,
  MAX_CHANNEL_NAME_BYTES,
  MAX_CHANNELS_PER_CONNECTION,
  MAX_CHANNELS_PER_FRAME,
  MAX_FRAME_BYTES,
  MAX_ID_LENGTH,
  wireErrors,
} from '@gatecast/protocol';
import { describe, expect, it } from 'vitest';
import { MAX_OBJECTS } from '../packages/framework/src/channel/validate.js';
import { ROW_LIFETIME_MS } from '../packages/framework/src/dispatch/connect.js';
import { MOST_IDENTITIES } from '../packages/framework/src/dispatch/identity-cache.js';
import { errorTable } from '../packages/framework/src/errors/error-table.js';
import { ANSWER_MS } from '../packages/framework/src/invocation/invocation.js';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Packages whose files ARCHITECTURE.md names. */
const PACKAGES = ['client', 'local', 'framework', 'adapters', 'protocol', 'cdk-construct'];
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
/** A page as one line, so that sentences are found in spite of line breaks. */
const page = (path: string): string => read(path).replaceAll(/\s+/g, ' ');
const grouped = (value: number): string => value.toLocaleString('en-US');

const packages = readdirSync(join(root, 'packages'));
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...packages.map((name) => `packages/${name}/README.md`),
];

interface Manifest {
  readonly engines: { readonly node: string };
  readonly peerDependencies?: Readonly<Record<string, string>>;
}
const manifest = (folder: string): Manifest =>
  JSON.parse(read(join(folder, 'package.json'))) as Manifest;

/** The lowest version of a range such as `>=20.19` or `^3.521.0`, as a number that can be compared. */
function lowest(range: string): number {
  const [major = 0, minor = 0] = (/\d+(\.\d+)?/.exec(range)?.[0] ?? '').split('.').map(Number);
  return major * 10_000 + minor;
}

it('every package has the license of the repository, which npm would not take from the root', () => {
  for (const name of packages) expect(read(`packages/${name}/LICENSE`)).toBe(read('LICENSE'));
});

describe('versions', () => {
  const floor = manifest('.').engines.node;

  it('L2 all packages require the same version of Node', () => {
    for (const name of packages) expect(manifest(`packages/${name}`).engines.node).toBe(floor);
  });

  it('L2 README says which Node is required, now and with the AWS SDK of 2027', () => {
    const readme = page('README.md');
    expect(readme).toContain(`Node ${floor.replace('>=', '')} or newer`);
    expect(readme).toContain('Node 22 is the floor from January 2027 on, because the AWS SDK');
  });

  it('L2 the installed peers run on the Node that the packages require', () => {
    const peers = packages.flatMap((name) =>
      Object.keys(manifest(`packages/${name}`).peerDependencies ?? {}),
    );
    expect(peers.length).toBeGreaterThan(4);
    const tooNew = peers.filter((name) => {
      const { engines } = manifest(`node_modules/${name}`) as Partial<Manifest>;
      return lowest(engines?.node ?? '0') > lowest(floor);
    });
    expect(tooNew).toEqual([]);
  });
});

describe('limits', () => {
  const security = page('docs/security.md');

  it.each([
    ['frame', `${MAX_FRAME_BYTES / 1_024} KB (API Gateway)`],
    [
      'channels of a frame, of a connection',
      `${MAX_CHANNELS_PER_FRAME}, ${MAX_CHANNELS_PER_CONNECTION}`,
    ],
    ["bytes of the names of a connection's channels", grouped(MAX_CHANNEL_BYTES_PER_CONNECTION)],
    ['length of a channel name, of a frame id', `${MAX_CHANNEL_NAME_BYTES}, ${MAX_ID_LENGTH}`],
    ['objects and lists in a message that has a schema', grouped(MAX_OBJECTS)],
    [
      'time of an invocation',
      `yours; a handler that hangs is answered ${ANSWER_MS} ms before its end`,
    ],
  ])('L9 L10 the page on security has the real limit: %s', (limit, value) => {
    expect(security).toContain(`| ${limit} | ${value} |`);
  });

  it('L9 L10 the page on security has the limits of caches and stores', () => {
    expect(security).toContain(`identities of up to ${grouped(MOST_IDENTITIES)} connections`);
    const minutes = ROW_LIFETIME_MS / 60_000;
    const lifetime = `${Math.floor(minutes / 60)} h ${minutes % 60} min after`;
    expect(security).toContain(lifetime);
    expect(page('docs/stores.md')).toContain(lifetime);
    expect(page('docs/store-redis.md')).toContain(lifetime);
  });

  it('L10 the page on stores lists the actions that the store calls', () => {
    const [, list = ''] = /"Action": (\[[^\]]*\])/.exec(read('docs/stores.md')) ?? [];
    expect(JSON.parse(list)).toEqual(iamActions);
  });

  it('the page on permissions names each action of the construct, and no others', () => {
    const folder = 'packages/cdk-construct/src';
    const source = readdirSync(join(root, folder)).map((name) => read(`${folder}/${name}`));
    const [, granted = ''] = read('docs/permissions.md').split('## What the construct grants');
    const actionsIn = (text: string, quote: string) => {
      const pattern = new RegExp(`${quote}([a-z0-9-]+:[A-Z][A-Za-z]+\\*?)${quote}`, 'g');
      return [...new Set([...text.matchAll(pattern)].map(([, action = '']) => action))].toSorted();
    };
    const actions = actionsIn(source.join(''), "'");
    expect(actions.length).toBeGreaterThan(20);
    expect(actionsIn(granted, '`')).toEqual(actions);
  });
});

/** Pages with wrong promises that are gone, and the correct ones. */
const mended: readonly (readonly [path: string, gone: string, there: string])[] = [
  [
    'docs/store-redis.md',
    'For connections and subscriptions that is bearable.',
    'If the authorizer runs inside `$connect`, the same happens with its next message',
  ],
  [
    'docs/store-redis.md',
    'Otherwise they deliver each',
    'a stage never posts to the connections of another stage or removes them',
  ],
  [
    'docs/stores.md',
    'What is throttled, or does not reach DynamoDB',
    'After that no call begins, and running calls are aborted.',
  ],
  [
    'packages/framework/src/jwt.ts',
    'The keys themselves, so that nothing is fetched.',
    'The keys themselves. Then keys are never fetched',
  ],
  [
    'packages/framework/src/plugins/logger.ts',
    'Never a token, a header or the body of a message.',
    "A refusal may quote up to 80 characters of a channel's name or an action",
  ],
  [
    'docs/local-gateway.md',
    'rooms.post PJqB0fHsqRcCHlw= failed',
    'A Gatecast app answers with an error frame instead.',
  ],
  [
    'packages/local/README.md',
    'No Lambda function needs a change',
    'says which functions need a change',
  ],
  [
    'packages/client/src/channel.ts',
    'there is no subscription then',
    'After `ERR_TIMEOUT` the server may have the subscription',
  ],
  [
    'packages/client/src/client.ts',
    'nothing is left running',
    "one of Node's own keeps the process alive",
  ],
  [
    'ARCHITECTURE.md',
    'No room imports one further down the table. The single exception',
    'A room imports only rooms above it in this table',
  ],
];

it.each(mended)('L10 %s is right, and no longer says “%s”', (path, gone, there) => {
  const text = page(path).replaceAll(' * ', ' ');
  expect(text).not.toContain(gone);
  expect(text).toContain(there);
});

describe('names', () => {
  it('L10 every path in ARCHITECTURE.md and the docs exists', () => {
    const homes = ['.', 'packages', 'packages/framework/src', 'packages/local/src'];
    // A path without a folder is a file of the folder that was mentioned before.
    const folders = PACKAGES.flatMap((name) =>
      readdirSync(join(root, 'packages', name, 'src'), { recursive: true, withFileTypes: true }),
    );
    const files = new Set(folders.map(({ name }) => name));
    const isThere = (file: string): boolean =>
      homes.some((home) => existsSync(join(root, home, file))) ||
      (!file.includes('/') && files.has(file));
    const named = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/security.md'].flatMap((path) =>
      [...read(path).matchAll(/`((?:[\w-]+\/)*[\w-]+(?:\.test)?\.(?:ts|mjs))`/g)].map(
        ([, file = '']) => file,
      ),
    );
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((file) => !isThere(file))).toEqual([]);
  });

  it('L10 every error code in the docs exists', () => {
    const known = { ...errorTable, ...wireErrors, ...clientErrors };
    const named = pages.flatMap((path) => read(path).match(/\bERR_[A-Z_]*[A-Z]\b/g) ?? []);
    // Except for codes of Node, of OpenSSL and of apps in examples.
    const others = /^ERR_(?:TLS|SSL)_|^ERR_(?:TOO_LONG|TOO_LOW|NO_TENANT)$/;
    const ours = named.filter((code) => !others.test(code));
    expect(ours.length).toBeGreaterThan(50);
    expect(ours.filter((code) => !Object.hasOwn(known, code))).toEqual([]);
  });

  it('L3 the page for operators has every variable that the packages read', () => {
    const texts = ['framework', 'adapters'].flatMap((name) => {
      const source = join(root, 'packages', name, 'src');
      return readdirSync(source, { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => readFileSync(join(source, file), 'utf8'));
    });
    const variables = new Set(texts.flatMap((text) => text.match(/\bGATECAST_[A-Z_]+\b/g) ?? []));
    expect(variables.size).toBeGreaterThan(10);
    const operate = read('docs/operate.md');
    expect([...variables].filter((name) => !operate.includes(`\`${name}\``))).toEqual([]);
  });

  it('L3 the page for operators has each alarm of the construct, and its filter of log lines', () => {
    const source = read('packages/cdk-construct/src/alarms.ts');
    const alarms = [...source.matchAll(/this\.alarm\('(\w+)'/g)].map(([, name = '']) => name);
    const [, filter = ''] = /FAILED_DELIVERY =\s+'(.*)';/.exec(source) ?? [];
    const operate = read('docs/operate.md');
    const listed = [...operate.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = '']) => name);
    expect(alarms.length).toBeGreaterThan(5);
    expect(alarms.filter((name) => !listed.includes(name))).toEqual([]);
    expect(filter).toContain('ERR_DELIVERY_');
    expect(operate).toContain(`\n${filter}\n`);
  });

  it('L10 every cell about what others promise names its source', () => {
    const [, section = ''] = read('docs/history.md').split('## Beside others');
    const [, , ...rows] = section.split('\n').filter((line) => line.startsWith('|'));
    // The first two columns are the subject and Gatecast.
    const cells = rows.flatMap((row) => row.split(' | ').slice(2));
    expect(cells.length).toBe(8 * 5);
    const isSourced = (cell: string): boolean =>
      /\[source\]\[[\w-]+\]|^(?:not documented|none found)(?: \|)?$/.test(cell);
    expect(cells.filter((cell) => !isSourced(cell))).toEqual([]);
    const named = [...section.matchAll(/\[source\]\[([\w-]+)\]/g)].map(([, name]) => name);
    const defined = [...section.matchAll(/^\[([\w-]+)\]: https:\/\/\S+$/gm)].map(
      ([, name]) => name,
    );
    expect(new Set(named)).toEqual(new Set(defined));
  });

  it('L10 the table and the recipe have exactly the existing rooms', () => {
    const source = join(root, 'packages/framework/src');
    const rooms = readdirSync(source, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .toSorted();
    const [, chapter = ''] = read('ARCHITECTURE.md').split('## The rooms of `framework/src`');
    const table = [...chapter.matchAll(/^\| `(\w+)\/` \|/gm)].map(([, name = '']) => name);
    expect(table.toSorted()).toEqual(rooms);
    const [line = ''] = /^time, errors <- .*$/m.exec(read('CONTRIBUTING.md')) ?? [];
    expect(line.split(/, | <- /).toSorted()).toEqual(rooms);
  });
});
