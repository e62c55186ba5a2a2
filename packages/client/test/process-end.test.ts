// What is done in processes of their own, with the package as it is built: that the client neither ends
// one nor keeps one alive.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { TestingServer } from './testing-server.js';

const folder = fileURLToPath(new URL('..', import.meta.url));

/** Runs lines of a module that have a client, and says what the process wrote and how it ended. */
async function run(url: string, lines: string, ofNode = false): Promise<string> {
  const child = spawn(
    process.execPath,
    [
      ...(ofNode ? ['--experimental-websocket'] : []),
      '--input-type=module',
      '--eval',
      `import { createClient } from '@gatecast/client';
       ${ofNode ? 'const { WebSocket } = globalThis;' : `import { WebSocket } from 'ws';`}
       const client = createClient({ url: '${url}', WebSocket });
       const connected = new Promise((resolve) => {
         client.onState((state) => state === 'connected' && resolve());
       });
       ${lines}`,
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  child.stdout.on('data', (data) => (output += String(data)));
  child.stderr.on('data', (data) => (output += String(data)));
  try {
    const [code] = (await once(child, 'close')) as [number];
    return `${output.trim()} ${code}`.trim();
  } finally {
    child.kill();
  }
}

/** Completes the handshake and says nothing more, as when the network is gone. */
async function silentServer(): Promise<AsyncDisposable & { readonly url: string }> {
  const server: Server = createServer((stream) => {
    stream.on('error', () => {});
    stream.on('data', (data) => {
      const [, key] = /sec-websocket-key: *(\S+)/i.exec(String(data)) ?? [];
      if (key === undefined) return;
      const accept = createHash('sha1')
        .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64');
      stream.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: gatecast.v1\r\n\r\n`,
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    url: `ws://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}

describe('close()', () => {
  it('F10 lets the process end, when the other end agrees', async () => {
    await using server = await TestingServer.start();
    const output = await run(
      server.url,
      `await connected;
       await client.channel('a').subscribe();
       client.close();
       console.log('closed');`,
    );
    expect(output).toBe('closed 0');
  });

  it("F10 lets the process end, when the other end agrees to the close of Node's own WebSocket", async () => {
    await using server = await TestingServer.start();
    const output = await run(
      server.url,
      `await connected;
       client.close();
       console.log('closed');`,
      true,
    );
    expect(output).toContain('closed 0');
  });

  it('F10 lets the process end, when the other end says nothing more', async () => {
    await using server = await silentServer();
    const output = await run(
      server.url,
      `await connected;
       client.channel('a').send('post');
       client.close();
       console.log('closed');`,
    );
    expect(output).toBe('closed 0');
  });

  it('F10 lets the process end before there is a connection, and while it waits', async () => {
    expect(await run('ws://127.0.0.1:9', 'client.close();')).toBe('0');
    const output = await run(
      'ws://127.0.0.1:9',
      `client.onState((state) => {
         if (state === 'waiting') client.close();
       });`,
    );
    expect(output).toBe('0');
  });
});

describe('what nobody waits for', () => {
  it('F9 ends no process: sends that are pending when the client is closed', async () => {
    await using server = await TestingServer.start();
    const output = await run(
      server.url,
      `await connected;
       client.channel('a').send('post', 1);
       client.channel('a').send('post', 2);
       client.channel('b').subscribe();
       await new Promise((resolve) => setTimeout(resolve, 20));
       client.channel('c').subscribe();
       client.close();
       setTimeout(() => console.log('alive'), 50);`,
    );
    expect(output).toBe('alive 0');
  });

  it('F9 ends no process: messages without a reply while there is no connection', async () => {
    const output = await run(
      'ws://127.0.0.1:9',
      `client.channel('a').send('typing', 1, { reply: false });
       client.close();
       client.channel('a').send('typing', 1, { reply: false });
       setTimeout(() => console.log('alive'), 50);`,
    );
    expect(output).toBe('alive 0');
  });

  it('F9 ends no process: a farewell that forbids to come back', async () => {
    await using server = await TestingServer.start();
    server.script = (_, connection) =>
      connection.send({ type: 'bye', code: 'X', reason: 'x', reconnect: false });
    const output = await run(
      server.url,
      `await connected;
       client.channel('a').send('post', 1);
       client.channel('b').subscribe();
       client.onState((state, { code }) => setTimeout(() => console.log(state, code), 50));`,
    );
    expect(output).toMatch(/^Gatecast: ws:.*\(X\)\nclosed X 0$/);
  });

  it('F9 ends no process: a subscription that is taken back', async () => {
    await using server = await TestingServer.start();
    server.script = ({ id }, connection) => connection.refuse(id, 'ERR_INTERNAL');
    const output = await run(
      server.url,
      `await connected;
       client.channel('a').subscribe();
       client.channel('a').unsubscribe();
       client.channel('b').subscribe().catch(() => {});
       await new Promise((resolve) => setTimeout(resolve, 50));
       client.channel('b').unsubscribe();
       setTimeout(() => {
         console.log('alive');
         client.close();
       }, 50);`,
    );
    expect(output).toBe('alive 0');
  });

  it('F9 ends the process all the same: an answer that the app should have looked at', async () => {
    await using server = await TestingServer.start();
    server.script = ({ id }, connection) => connection.refuse(id, 'ERR_FORBIDDEN');
    const output = await run(server.url, `client.channel('a').send('post', 1);`);
    expect(output).toContain("code: 'ERR_FORBIDDEN'");
    expect(output).toMatch(/ 1$/);
  });
});
