import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startCommand } from './running-command.js';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The frames that the README tells a stranger to type, as they stand there. */
async function typedFrames(): Promise<[subscribe: string, post: string]> {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
  const [subscribe, post] = [...readme.matchAll(/```json\n(.*)\n```/g)].map(([, frame]) => frame);
  if (subscribe === undefined || post === undefined) throw new Error('The README has no frames.');
  return [subscribe, post];
}

async function connect(url: string): Promise<{ socket: WebSocket; next: () => Promise<unknown> }> {
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
  };
}

it('npm start serves the chat to a browser and to a stranger, and says nothing else', {
  timeout: 60_000,
}, async () => {
  const [subscribe, post] = await typedFrames();
  await using command = startCommand('npm', ['start', '--', '--port', '0', '--ephemeral'], {
    cwd: root,
  });
  const page = await command.prints(/^Page {7}(\S+)$/m, { timeout: 40_000 });
  const url = await command.prints(/^WebSocket {2}(\S+)$/m);
  expect(await (await fetch(page)).text()).toContain('<title>');

  const [ann, bob] = [await connect(url), await connect(url)];
  for (const { socket, next } of [ann, bob]) {
    socket.send(subscribe);
    expect(await next()).toMatchObject({ type: 'reply', id: '1' });
  }
  ann.socket.send(post);
  const received = [await ann.next(), await ann.next()];
  const event = await bob.next();
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
    data: { id: (event as { id: string }).id },
  });
  for (const { socket } of [ann, bob]) {
    socket.close();
    await once(socket, 'close');
  }

  await command.prints(/(?:\$disconnect[^\n]*\n[^]*){2}/);
  command.kill('SIGINT');
  const { stdout, stderr } = await command.ended;
  const allowed = [
    /^$/,
    /^> (gatecast-workspace(@\S*)? )?start$/,
    /^> node scripts\/start\.mjs --port 0 --ephemeral$/,
    /^Building …$/,
    /^Page {7}http:\/\/localhost:\d+\/$/,
    /^WebSocket {2}ws:\/\/localhost:\d+\/dev$/,
    /^\d\d:\d\d:\d\d\.\d{3} {2}(\$connect|subscribe|rooms\.post|\$disconnect) +\S{16} {2}ok +\d+ ms {2}200( {2}cold start \d+ ms)?$/,
  ];
  const surprises = stdout.split('\n').filter((line) => !allowed.some((form) => form.test(line)));
  expect(surprises).toEqual([]);
  expect(stderr).toBe('');
});
