// What a newcomer reads, on the client and in the terminal of `gatecast dev`, after a typical mistake that
// shows when clients come. Those in the app itself are in typical-mistakes.test.ts.
import { execFile } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  type Client,
  type ClientChannel,
  createClient,
  type UntypedChannel,
} from '@gatecast/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { MistakesFolder, PATIENCE } from './mistakes-folder.js';
import type { RunningCommand } from './running-command.js';

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwks = {
  keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a', alg: 'RS256', use: 'sig' }],
};
const inTenMinutes = (): number => Math.floor(Date.now() / 1000) + 600;

function token(claims: object = {}): string {
  const known = { iss: 'https://issuer.example', aud: 'chat', sub: 'ann', exp: inTenMinutes() };
  const parts = [
    { alg: 'RS256', kid: 'a' },
    { ...known, ...claims },
  ];
  const text = parts
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
}

let folder: MistakesFolder;
let dev: RunningCommand;
let url: string;
let client: Client;
let room: ClientChannel<UntypedChannel>;

beforeAll(async () => {
  const source = new URL('fixtures/mistakes-at-work.ts', import.meta.url);
  folder = await MistakesFolder.with({
    'app.ts': await readFile(source, 'utf8'),
    'package.json': '{ "type": "module" }',
  });
  dev = folder.dev(['app.ts', '--port', '0'], { MISTAKES_JWKS: JSON.stringify(jwks) });
  url = await dev.prints(/^WebSocket +(\S+)$/m, PATIENCE);
  client = createClient({ url, WebSocket, token: () => token() });
  room = client.channel('rooms/1');
  await room.subscribe();
});

afterAll(async () => {
  client.close();
  await dev[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Waits until the terminal shows a text. */
async function terminalShows(...texts: readonly string[]): Promise<void> {
  await vi.waitFor(() => {
    const { stdout, stderr } = dev.output;
    for (const text of texts) expect(stdout + stderr).toContain(text);
  }, PATIENCE);
}

/** What a message is refused with. */
function refusalOf(message: string, data: unknown = {}): Promise<string> {
  return room.send(message, data).then(
    () => 'nothing',
    (error: Error) => error.message,
  );
}

const internal = 'The server could not handle this. Its logs say why.';

it('4 13 a message that the class does not have', async () => {
  const text = 'There is no action "rooms.pots": the channel class "rooms" has no message "pots".';
  expect(await refusalOf('pots')).toBe(text);
  await terminalShows(`ERR_ACTION_UNKNOWN: ${text}`);
});

describe('5 a missing await', () => {
  it('before publish() does no harm while the handler runs', async () => {
    const heard = new Promise((resolve) => room.on('message', resolve));
    await room.send('notAwaited', {});
    expect(await heard).toEqual({ text: 'in time' });
  });

  it('before work that goes on after the answer', async () => {
    expect(await refusalOf('late')).toBe('nothing');
    await terminalShows(
      '[ERR_INVOCATION_OVER]: publish() on "rooms/1" was used after its invocation was answered.\n' +
        '  Await everything that a handler starts.',
    );
  });

  it('before the next() of a plugin', async () => {
    expect(await refusalOf('hasty')).toBe(internal);
    await terminalShows(
      '[ERR_PLUGIN_NEXT_NOT_AWAITED]: Plugin "impatient" did not await next() in onMessage.\n' +
        '  Write "await next()", or return what next() returns.',
    );
  });

  it('13 before the subscribe() of a channel that fits no class', async () => {
    const script = `
      import { createClient } from '@gatecast/client';
      import { WebSocket } from 'ws';
      const [, , url, token] = process.argv;
      createClient({ url, WebSocket, token: () => token }).channel('romos/1').subscribe();`;
    await folder.write('page.mjs', script);
    const stderr = await new Promise<string>((resolve) => {
      const args = ['page.mjs', url, token()];
      execFile(process.execPath, args, { cwd: folder.path }, (_error, _stdout, text) =>
        resolve(text),
      );
    });
    const text = `There is no channel "romos/1": it fits no pattern of the app's channels.`;
    expect(stderr).toContain(`ClientRequestError: ${text}\n`);
    await terminalShows(`ERR_CHANNEL_UNKNOWN: ${text}`);
  });
});

it('3 the pattern in place of the name of a channel', async () => {
  await expect(client.channel('rooms/:roomId').subscribe()).rejects.toThrow(
    'There is no channel "rooms/:roomId": that is a pattern. Give its parameters values.',
  );
});

describe('6 wrong data', () => {
  it('of a client', async () => {
    expect(await refusalOf('post', { txt: 'hi' })).toBe(
      'The data does not fit the message. text: Invalid key: Expected "text" but received undefined',
    );
    await terminalShows('ERR_VALIDATION: text');
    expect(await refusalOf('post', { text: 1n })).toBe(
      'The data of "rooms.post" to "rooms/1" is not JSON. Send no cycles and no bigints.',
    );
  });

  const notJson =
    '[ERR_PUBLISH_DATA]: The data of event "message" on "rooms/1" cannot be written as JSON';
  const plain = '  Publish plain data, without cycles and bigint.\n';
  it.each([
    ['bigint', `${notJson}: Do not know how to serialize a BigInt\n${plain}`],
    ['circle', `${notJson}: Converting circular structure to JSON\n`],
    [
      'nameless',
      '[ERR_PUBLISH_EVENT]: publish() on "rooms/1" was given an object as the name of an event, not a string of 1 to 64 characters.\n' +
        "  Give the name of an event in the contract of the channel first, then its data: publish('message', data).\n",
    ],
    [
      'otherRoom',
      '[ERR_PUBLISH_UNKNOWN_CHANNEL]: The server used the channel "room/1", which matches no channel class.\n' +
        '  Build the name with channelName(pattern, params); the patterns are: rooms/:roomId.\n',
    ],
  ])('of publish(): %s', async (message, text) => {
    expect(await refusalOf(message)).toBe(internal);
    await terminalShows(text);
  });
});

describe('where nobody listens to onRefused', () => {
  const warnings: string[] = [];

  beforeEach(() => {
    warnings.length = 0;
    vi.spyOn(console, 'warn').mockImplementation((...values) => {
      warnings.push(
        values.map((value) => (value instanceof Error ? value.message : value)).join(' '),
      );
    });
  });

  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** What the console says of an attempt to connect. */
  async function warningOf(options: { url: string; token?: () => string }): Promise<string> {
    const wrong = createClient({ WebSocket, ...options });
    wrong
      .channel('rooms/1')
      .subscribe()
      .catch(() => {});
    await vi.waitFor(() => expect(warnings).toHaveLength(1), PATIENCE);
    wrong.close();
    return warnings[0] ?? '';
  }

  const connect =
    'Could not connect. Check the network, the URL with its stage, the token, the allowed origins, and ' +
    '`handshake`: direct writes need query. A browser does not tell which: the terminal of `gatecast dev` does, ' +
    'and elsewhere `cause`. (ERR_HANDSHAKE)';

  it.each([
    ['has expired', { exp: 1_000_000_000 }, 'Token expired at 2001-09-09T01:46:40.000Z'],
    ['is for another audience', { aud: 'shop' }, 'Audience not allowed: shop. Expected: chat'],
    ['is missing', undefined, 'A token is needed.'],
  ])('9 a token that %s', async (_what, claims, reason) => {
    const options = claims ? { url, token: () => token(claims) } : { url };
    expect(await warningOf(options)).toBe(
      `Gatecast: ${url}: ${connect} Unexpected server response: 401`,
    );
    await terminalShows(`ERR_UNAUTHORIZED: ${reason}\n`);
  });

  it.each([
    ['no stage', '', 'GET /: the API is at /dev'],
    ['another stage', '/prod', 'GET /prod: the API is at /dev'],
  ])('10 a URL with %s', async (_what, path, reason) => {
    const wrong = url.replace('/dev', path);
    expect(await warningOf({ url: wrong })).toBe(
      `Gatecast: ${wrong}: ${connect} Unexpected server response: 403`,
    );
    await terminalShows(`403 ${reason}\n`);
  });

  it('10 a URL with another port', async () => {
    const wrong = 'ws://127.0.0.1:1/dev';
    expect(await warningOf({ url: wrong })).toBe(
      `Gatecast: ${wrong}: ${connect} connect ECONNREFUSED 127.0.0.1:1`,
    );
  });
});

it('10 a URL of http', () => {
  expect(() => createClient({ url: 'http://localhost:3000/dev', WebSocket })).toThrow(
    'The option "url" of createClient is wrong: http://localhost:3000/dev. Write "ws://localhost:3000/dev".',
  );
});
