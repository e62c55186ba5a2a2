import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { channelsAfter } from '../src/dev/control/channels-after.js';
import { startGateway } from '../src/dev/start-gateway.js';
import { askControl, type ControlRequest, ControlStream } from './control-request.js';
import { type LocalApiOptions, openLocalApi } from './local-api.js';
import { openConnection } from './open-connection.js';
import { Peer } from './peer.js';
import { sendSigned } from './signed-request.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

async function openControlled(options: LocalApiOptions = {}) {
  const api = await openLocalApi({
    control: true,
    routes: ['$connect', '$disconnect', { routeKey: '$default', twoWay: true }],
    respond: ({ body }) => ({ statusCode: 200, body }),
    ...options,
  });
  const { port } = api.gateway;
  return {
    api,
    port,
    gateway: api.gateway,
    ask: (path: string, request?: ControlRequest) => askControl(port, path, request),
    connectionId: () => api.handler.of('$connect').at(-1)?.requestContext.connectionId ?? '',
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

describe('the control API', () => {
  it('only exists with the option', async () => {
    await using controlled = await openControlled({ control: false });
    expect((await controlled.ask('state')).status).toBe(403);
    expect((await controlled.ask('')).text).not.toContain('<html');
  });

  it('returns the state: URL, routes, clock, faults and connections', async () => {
    await using controlled = await openControlled();
    const { api, port, gateway } = controlled;
    const peer = await Peer.connect(api.url, { headers: { 'User-Agent': 'a test' } });
    gateway.faults.add({ on: 'post', kind: 'gone' });
    gateway.clock.advance(60_000);
    peer.send('hello');
    await peer.next();
    const { json } = await controlled.ask('state');
    expect(json).toEqual({
      pid: process.pid,
      url: `ws://localhost:${port}/dev`,
      stage: 'dev',
      routes: ['$connect', '$disconnect', '$default'],
      clockAheadMs: 60_000,
      faults: [{ on: 'post', kind: 'gone' }],
      faultKinds: expect.objectContaining({ $disconnect: ['lost', 'delayed'] }),
      connections: [
        {
          connectionId: controlled.connectionId(),
          connectedAt: expect.any(Number),
          lastActiveAt: expect.any(Number),
          sourceIp: '127.0.0.1',
          userAgent: 'a test',
          channels: [],
        },
      ],
      failures: [],
      canKillEnvironments: false,
    });
    const [{ connectedAt, lastActiveAt }] = json['connections'] as [
      { connectedAt: number; lastActiveAt: number },
    ];
    expect(lastActiveAt - connectedAt).toBeGreaterThanOrEqual(60_000);
  });

  it('streams the existing events and then each new one, with their contents', async () => {
    await using controlled = await openControlled();
    const peer = await Peer.connect(controlled.api.url);
    await using stream = new ControlStream(controlled.port);
    await vi.waitFor(() => expect(stream.entries).toHaveLength(1));
    peer.send('hello');
    await vi.waitFor(() => expect(stream.entries).toHaveLength(2));
    const connectionId = controlled.connectionId();
    const entry = { connectionId, result: 'ok', detail: '200', durationMs: expect.any(Number) };
    expect(stream.entries).toEqual([
      {
        ...entry,
        number: 1,
        time: expect.any(Number),
        route: '$connect',
        event: expect.objectContaining({ requestContext: expect.any(Object) }),
      },
      {
        ...entry,
        number: 2,
        time: expect.any(Number),
        route: '$default',
        event: expect.objectContaining({ body: 'hello' }),
        frames: ['hello'],
      },
    ]);
  });

  it('streams the state whenever it has changed', async () => {
    await using controlled = await openControlled();
    await using stream = new ControlStream(controlled.port);
    await vi.waitFor(() => expect(stream.state).toMatchObject({ connections: [] }));
    const peer = await Peer.connect(controlled.api.url);
    await vi.waitFor(() => expect(stream.state).toMatchObject({ connections: [{}] }));
    peer.webSocket.close();
    await vi.waitFor(() => expect(stream.state).toMatchObject({ connections: [] }));
  });

  it('keeps the last 200 events', async () => {
    await using controlled = await openControlled();
    const peer = await Peer.connect(controlled.api.url);
    for (let count = 0; count < 210; count++) peer.send(String(count));
    await vi.waitFor(() => expect(controlled.api.log).toHaveLength(211));
    await using stream = new ControlStream(controlled.port);
    await vi.waitFor(() => expect(stream.entries.at(-1)).toMatchObject({ number: 211 }));
    expect(stream.entries).toHaveLength(200);
    expect(stream.entries[0]).toMatchObject({ number: 12 });
  });

  it.each([
    ['lost', 'lost', []],
    ['doubled', 'ok', ['hi', 'hi']],
    ['arrived-gone', 'refused', ['hi']],
    ['throttled', 'throttled', []],
    [undefined, 'ok', ['hi']],
  ] as const)('shows a post under the fault %s as %s with %j', async (kind, result, frames) => {
    await using controlled = await openControlled();
    const { gateway, port } = controlled;
    await using peer = await Peer.connect(controlled.api.url);
    await using stream = new ControlStream(port);
    if (kind) gateway.faults.add({ on: 'post', kind });
    const path = `/dev/@connections/${controlled.connectionId()}`;
    const key = gateway.credentials.issue('test');
    await sendSigned({ port, path, key, body: 'hi', method: 'POST' });
    await vi.waitFor(() =>
      expect(stream.entries.at(-1)).toMatchObject({ route: 'POST @connections', result, frames }),
    );
    expect(peer.webSocket.readyState).toBe(1);
  });

  it('advances the clock', async () => {
    await using controlled = await openControlled();
    const peer = await Peer.connect(controlled.api.url);
    const { json } = await controlled.ask('clock', { method: 'POST', body: { by: '10m' } });
    expect(json).toEqual({ clockAheadMs: 600_000 });
    expect((await peer.closed).code).toBe(1001);
  });

  it.each(['', '10', '0s', '-1m', 'ten minutes', '366d', undefined])(
    'refuses to advance the clock by %j',
    async (by) => {
      await using controlled = await openControlled();
      const { status, json } = await controlled.ask('clock', { method: 'POST', body: { by } });
      expect([status, json]).toEqual([
        400,
        { message: expect.stringContaining('is not a duration') },
      ]);
      expect(controlled.gateway.clock.aheadMs).toBe(0);
    },
  );

  it('adds, lists and clears faults', async () => {
    await using controlled = await openControlled();
    const fault = { on: 'invocation', kind: 'killed', routeKey: 'a', delayMs: 5, times: 2 };
    const added = await controlled.ask('faults', { method: 'POST', body: fault });
    expect(added.json).toEqual({ faults: [fault] });
    expect((await controlled.ask('faults')).json).toEqual({ faults: [fault] });
    expect(controlled.gateway.faults.list).toEqual([fault]);
    expect((await controlled.ask('faults', { method: 'DELETE' })).json).toEqual({ faults: [] });
    expect(controlled.gateway.faults.list).toEqual([]);
  });

  it.each([
    [[], 'The body must be a JSON object.'],
    [{ on: 'toString', kind: 'lost' }, 'There is no fault of "toString". Use one of: "post", '],
    [{ on: 'post' }, 'The kind of the fault of "post" is missing. Use one of: "gone", '],
    [
      { on: 'post', kind: 'exploded' },
      'There is no fault "exploded" of "post". Use one of: "gone", ',
    ],
    [
      { on: '$disconnect', kind: 'killed' },
      'There is no fault "killed" of "$disconnect". Use one of: ',
    ],
    [{ on: 'post', kind: 'gone', often: 1 }, 'A fault has no "often". Use only: "on", "kind", '],
    [{ on: 'post', kind: 'gone', times: 0 }, '"times" is 0, but must be a whole number from 1.'],
    [{ on: 'post', kind: 'gone', times: '2' }, '"times" is "2", but must be'],
    [{ on: 'post', kind: 'gone', probability: 2 }, '"probability" is 2, but must be'],
    [
      { on: 'post', kind: 'gone', connectionId: '' },
      '"connectionId" (--connection) is "", but must be',
    ],
    [{ on: 'post', kind: 'delayed' }, 'The fault "delayed" needs "delayMs"'],
    [{ on: 'post', kind: 'delayed', delayMs: -1 }, '"delayMs" (--delay) is -1, but must be'],
    [{ on: 'post', kind: 'gone', delayMs: 1 }, 'The fault "gone" has no "delayMs"'],
    [{ on: 'invocation', kind: 'delayed', delayMs: 1, routeKey: 'a' }, 'has no "routeKey"'],
  ])('refuses the fault %j', async (body, message) => {
    await using controlled = await openControlled();
    const { status, json } = await controlled.ask('faults', { method: 'POST', body });
    expect([status, json]).toEqual([400, { message: expect.stringContaining(message) }]);
    expect(controlled.gateway.faults.list).toEqual([]);
  });

  it('posts to a connection and closes it', async () => {
    await using controlled = await openControlled();
    const peer = await Peer.connect(controlled.api.url);
    const path = `connections/${encodeURIComponent(controlled.connectionId())}`;
    await controlled.ask(path, { method: 'POST', body: { text: 'hello ✓' } });
    expect(await peer.next()).toBe('hello ✓');
    await controlled.ask(path, { method: 'DELETE' });
    expect((await peer.closed).code).toBe(1000);
    await vi.waitFor(async () => {
      const { status, json } = await controlled.ask(path, { method: 'DELETE' });
      expect(status).toBe(404);
      expect(json['message']).toContain(controlled.connectionId());
    });
  });

  it.each([
    [{}, 400, 'Send the frame as {"text":"…"}.'],
    [{ text: 'x'.repeat(131_073) }, 413, 'The frame has 131073 bytes'],
    ['x'.repeat(1_048_577), 413, 'The body has 1048577 bytes'],
    ['{', 400, 'The body is not JSON.'],
  ])('refuses to post what is not a frame (%#)', async (body, status, message) => {
    await using controlled = await openControlled();
    await using peer = await Peer.connect(controlled.api.url);
    const path = `connections/${controlled.connectionId()}`;
    const answer = await controlled.ask(path, { method: 'POST', body });
    expect([answer.status, answer.json]).toEqual([
      status,
      { message: expect.stringContaining(message) },
    ]);
    expect(peer.webSocket.readyState).toBe(1);
  });

  it('says that there are no environments to kill, and names an unknown path', async () => {
    await using controlled = await openControlled();
    expect(await controlled.ask('environments', { method: 'DELETE' })).toMatchObject({
      status: 409,
      json: { message: 'The functions behind this gateway run elsewhere.' },
    });
    expect(await controlled.ask('nonsense')).toMatchObject({
      status: 404,
      json: { message: 'There is no GET /@gatecast/nonsense.' },
    });
  });
});

describe('access to the control API', () => {
  it.each(['localhost', 'LOCALHOST:80', '127.0.0.1:3000', '[::1]:3000'])(
    'a request to %s',
    async (Host) => {
      await using controlled = await openControlled();
      expect((await controlled.ask('state', { headers: { Host } })).status).toBe(200);
    },
  );

  it.each(['evil.example', 'localhost.evil.example', 'evil.example:3000', '0.0.0.0', '10.0.0.1'])(
    'no request to %s, a name that DNS rebinding could use',
    async (Host) => {
      await using controlled = await openControlled();
      for (const path of ['state', 'events', 'faults', '']) {
        const { status, text } = await controlled.ask(path, { headers: { Host } });
        expect([path, status, text]).toEqual([path, 403, expect.stringContaining('localhost')]);
      }
    },
  );

  const changes = [
    ['POST', 'clock', { by: '1m' }],
    ['POST', 'faults', { on: 'post', kind: 'gone' }],
    ['DELETE', 'faults', undefined],
    ['DELETE', 'environments', undefined],
    ['POST', 'connections/a', { text: 'hi' }],
    ['DELETE', 'connections/a', undefined],
  ] as const;

  it.each(changes)('no %s %s from a page of another origin', async (method, path, body) => {
    await using controlled = await openControlled();
    const { port } = controlled;
    for (const Origin of [
      'http://evil.example',
      'null',
      'http://localhost:1',
      'http://localhost',
    ]) {
      const { status, json } = await controlled.ask(path, { method, body, headers: { Origin } });
      expect([Origin, status, json]).toEqual([
        Origin,
        403,
        { message: 'Pages of another origin may not read or change anything.' },
      ]);
    }
    expect(controlled.gateway.clock.aheadMs).toBe(0);
    expect(controlled.gateway.faults.list).toEqual([]);
    const headers = { Origin: `http://localhost:${port}` };
    expect((await controlled.ask(path, { method, body, headers })).status).not.toBe(403);
  });

  it.each<Readonly<Record<string, string>>>([
    { Origin: 'http://evil.example' },
    { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' },
    { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors' },
  ])('I12 no read by a page of another origin: %j', async (headers) => {
    await using controlled = await openControlled();
    for (const path of ['state', 'events', 'faults', '']) {
      expect([path, (await controlled.ask(path, { headers })).status]).toEqual([path, 403]);
    }
    // A link to the page, and the page itself.
    const link = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' };
    expect((await controlled.ask('', { headers: link })).status).toBe(200);
    const own = { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors' };
    expect((await controlled.ask('state', { headers: own })).status).toBe(200);
  });

  it.each(changes)('no %s %s that is not JSON', async (method, path, body) => {
    await using controlled = await openControlled();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp']) {
      const headers = { 'Content-Type': type };
      const { status } = await controlled.ask(path, { method, body, headers });
      expect([type, status]).toEqual([type, 415]);
    }
    expect(controlled.gateway.clock.aheadMs).toBe(0);
    expect(controlled.gateway.faults.list).toEqual([]);
  });
});

describe('the channels of a connection', () => {
  const subscribe = '{"action":"subscribe","id":"1","channels":[{"channel":"a"},{"channel":"b"}]}';
  const after = (channels: string[], body: string, answer: string | undefined): string[] => [
    ...channelsAfter(new Set(channels), {
      event: { body },
      frames: answer === undefined ? [] : [answer],
    }),
  ];

  it('grow by the live channels in the reply to a subscribe frame', () => {
    const answer =
      '{"type":"reply","id":"1","data":{"channels":[{"channel":"a","result":"live"},{"channel":"b","error":{}}]}}';
    expect(after(['c'], subscribe, answer)).toEqual(['c', 'a']);
  });

  it('shrink by the channels in the reply to an unsubscribe frame', () => {
    const body = '{"action":"unsubscribe","id":"1","channels":["a"]}';
    const answer = '{"type":"reply","id":"1","data":{"channels":[{"channel":"a"}]}}';
    expect(after(['a', 'c'], body, answer)).toEqual(['c']);
  });

  it.each([
    undefined,
    '',
    'null',
    '{"type":"error","id":"1"}',
    '{"type":"reply","id":"1","data":null}',
    '{"type":"reply","id":"2","data":{"channels":[{"channel":"a"}]}}',
    '{"type":"reply","id":"1","data":{"channels":[null,1,{"channel":2}]}}',
  ])('do not change after the answer %j', (answer) => {
    expect(after(['c'], subscribe, answer)).toEqual(['c']);
  });
});

describe('functions of gatecast dev', () => {
  it('shows the channels of an app, and kills its environments', async () => {
    const entry = fixture('rooms/app.ts');
    await using gateway = await startGateway({ quiet: true, entry, control: true });
    await using connection = await openConnection(gateway.url);
    await using stream = new ControlStream(gateway.port);
    connection.send('{"action":"subscribe","id":"1","channels":[{"channel":"rooms/1"}]}');
    await connection.receive();
    await vi.waitFor(() =>
      expect(stream.state['connections']).toMatchObject([{ channels: ['rooms/1'] }]),
    );
    expect(stream.state).toMatchObject({ canKillEnvironments: true });
    const kill = { method: 'DELETE' };
    expect((await askControl(gateway.port, 'environments', kill)).json).toEqual({ killed: 1 });
    expect((await askControl(gateway.port, 'environments', kill)).json).toEqual({ killed: 0 });
    // The app's store was in the memory of that process.
    expect(await connection.closed).toBe(1001);
    await using next = await openConnection(gateway.url);
    next.send('{"action":"subscribe","id":"2","channels":[{"channel":"rooms/1"}]}');
    await next.receive();
    const colds = () => stream.entries.filter(({ coldStartMs }) => coldStartMs !== undefined);
    await vi.waitFor(() => expect(colds()).toHaveLength(1));
  });

  it('shows why a reload failed, until one succeeds', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'gatecast-control-'));
    const { isTTY } = process.stderr;
    try {
      // On a terminal, esbuild's messages have colours, whose codes a page would show.
      process.stderr.isTTY = true;
      const entry = join(directory, 'app.mjs');
      await copyFile(fixture('tells-pid.mjs'), entry);
      await using gateway = await startGateway({
        quiet: true,
        entry,
        routes: ['$default'],
        control: true,
        watch: true,
        onReload() {},
      });
      await using stream = new ControlStream(gateway.port);
      const failures = (expected: unknown) =>
        vi.waitFor(() => expect(stream.state['failures']).toEqual(expected), { timeout: 10_000 });
      await failures([]);
      await writeFile(entry, 'export const handler = ;');
      const message = expect.stringContaining('[ERROR] Unexpected ";"');
      await failures([{ functionName: 'app', message }]);
      expect(JSON.stringify(stream.state['failures'])).not.toContain('u001b');
      await writeFile(entry, 'export const handler = async () => {};');
      await failures([]);
    } finally {
      process.stderr.isTTY = isTTY;
      await rm(directory, { recursive: true });
    }
  });
});
