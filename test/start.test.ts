import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import {
  describeRedis,
  freePort,
  RedisServer,
} from '../packages/adapters/test/engines/redis-server.js';
import { type RunningCommand, startCommand } from './running-command.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The frames to type in the README. */
async function typedFrames(): Promise<[subscribe: string, post: string]> {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const [subscribe, post] = [...readme.matchAll(/```json\n(.*)\n```/g)].map(([, frame]) => frame);
  if (subscribe === undefined || post === undefined) throw new Error('The README has no frames.');
  return [subscribe, post];
}

interface Peer extends AsyncDisposable {
  readonly socket: WebSocket;
  /** The next frame that has not been received yet. */
  next(): Promise<unknown>;
}

async function connect(url: string): Promise<Peer> {
  const socket = new WebSocket(url);
  const frames: unknown[] = [];
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString())));
  await once(socket, 'open');
  return {
    socket,
    async next() {
      while (frames.length === 0) await once(socket, 'message');
      return frames.shift();
    },
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

/** Sends the frames of the README from both clients, and checks the answers. */
async function expectToHearEachOther(ann: Peer, bob: Peer): Promise<void> {
  const [subscribe, post] = await typedFrames();
  for (const peer of [ann, bob]) {
    peer.socket.send(subscribe);
    expect(await peer.next()).toMatchObject({ type: 'reply', id: '1' });
  }
  for (const [speaker, listener] of [
    [ann, bob],
    [bob, ann],
  ] as const) {
    speaker.socket.send(post);
    const received = [await speaker.next(), await speaker.next()];
    const event = await listener.next();
    expect(event).toMatchObject({
      type: 'event',
      channel: 'rooms/general',
      event: 'message',
      data: { text: 'hello', from: 'me' },
    });
    expect(received).toContainEqual(event);
    expect(received).toContainEqual({
      type: 'reply',
      id: 'my-first-message',
      // The id is known already when the second guest uses it.
      data: { id: (event as { id: string }).id, duplicate: speaker === bob },
    });
  }
}

function startChat(args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningCommand {
  return startCommand('npm', ['start', '--', '--port', '0', '--ephemeral', ...args], {
    cwd: root,
    env: { ...process.env, ...env },
  });
}

const started = { timeout: 40_000 };

it('npm start serves the chat to a browser and to other clients, and prints nothing else', async () => {
  await using command = startChat([]);
  const page = await command.prints(/^Page {7}(\S+)$/m, started);
  const url = await command.prints(/^WebSocket {2}(\S+)$/m);
  expect(await (await fetch(page)).text()).toContain('<title>');
  {
    await using ann = await connect(url);
    await using bob = await connect(url);
    await expectToHearEachOther(ann, bob);
  }

  await command.prints(/(?:\$disconnect[^\n]*\n[^]*){2}/);
  command.kill('SIGINT');
  const { stdout, stderr } = await command.ended;
  const allowed = [
    /^$/,
    /^> (gatecast-workspace(@\S*)? )?start$/,
    /^> node scripts\/start\.mjs --port 0 --ephemeral$/,
    /^Building …$/,
    // Where that takes more than a second.
    /^Bundling and loading …$/,
    /^Page is the chat: open it twice\. Inspect is the page of the gateway, with all that passes through it\.$/,
    /^Stopping …$/,
    /^Page {7}http:\/\/localhost:\d+\/$/,
    /^Inspect {4}http:\/\/localhost:\d+\/@gatecast\/$/,
    /^WebSocket {2}ws:\/\/localhost:\d+\/dev$/,
    /^\d\d:\d\d:\d\d\.\d{3} {2}(\$connect|subscribe|rooms\.post|\$disconnect) +\S{16} {2}ok +\d+ ms {2}200( {2}cold start \d+ ms)?$/,
  ];
  const surprises = stdout.split('\n').filter((line) => !allowed.some((form) => form.test(line)));
  expect(surprises).toEqual([]);
  expect(stderr).toBe('');
});

describeRedis('npm start -- --store redis', () => {
  it('serves the chat on that server, without starting a DynamoDB', async () => {
    await using server = await RedisServer.start();
    // No table can have this name, so the gateway could not start with an embedded DynamoDB.
    const noTable = { GATECAST_TABLE: '!' };
    await using command = startChat(['--store', 'redis', '--redis-url', server.url], noTable);
    const url = await command.prints(/^WebSocket {2}(\S+)$/m, started);
    await using ann = await connect(url);
    await using bob = await connect(url);
    await expectToHearEachOther(ann, bob);
    const keys = await server.admin.keys('*');
    expect(keys.sort()).toEqual([
      expect.stringMatching(/^gatecast:c:\{\S{16}\}$/),
      expect.stringMatching(/^gatecast:c:\{\S{16}\}$/),
      // The history of the room: its head, the id of the message, the log.
      'gatecast:h:{rooms/general}',
      expect.stringMatching(/^gatecast:k:\{rooms\/general\}/),
      'gatecast:l:{rooms/general}',
      'gatecast:s:{rooms/general}',
    ]);
  });
});

it('npm start says in the terminal that there is no Redis server, and what to check', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  await using command = startChat(['--redis-url', `redis://${address}`]);
  const url = await command.prints(/^WebSocket {2}(\S+)$/m, started);
  await expect(connect(url)).rejects.toThrow('500');
  await vi.waitFor(() => {
    const { stderr } = command.output;
    expect(stderr).toContain(
      `The store \\"redis\\" could not save a connection: The connection to ${address} failed: connect ECONNREFUSED`,
    );
    expect(stderr).toContain('Check that the store is up, reachable');
  });
});

it('npm start refuses an unknown store', async () => {
  await using command = startChat(['--store', 'mysql']);
  expect(await command.ended).toMatchObject({
    code: 2,
    stderr: 'The option --store must be dynamodb or redis, not "mysql".\n',
  });
});
