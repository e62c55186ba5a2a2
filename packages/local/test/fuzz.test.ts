import { Agent } from 'node:http';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalApi, openLocalApi, type SeenEvent } from './local-api.js';
import { Peer } from './peer.js';
import { framesUntil, shakeHands, speak, writeInPieces } from './raw-exchange.js';
import { clientFrame, type Frame, handshakeText } from './raw-peer.js';
import { type HttpResponse, sendSigned } from './signed-request.js';

// FUZZ_SEED repeats a run, FUZZ_TIMES=20 makes it 20 times as long.
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_118);
const times = Number(process.env['FUZZ_TIMES'] ?? 1);

const CLOSE = 0x8;
const PONG = 0xa;

/** Statuses in rows of sections 3 and 6, and those of Node for requests that are not HTTP. */
const statuses = [101, 200, 204, 403, 410, 413, 414, 426];
const statusesOfNode = [100, 400, 417, 431];
/** Codes in `frames.test.ts` and row 5.12. Any other code must be the client's own. */
const closeCodes = [1002, 1003, 1007, 1009];

const crashes: unknown[] = [];
const noteCrash = (error: unknown): void => void crashes.push(error);
let api: LocalApi;

beforeAll(async () => {
  process.on('uncaughtException', noteCrash).on('unhandledRejection', noteCrash);
  api = await openLocalApi({
    routes: ['$connect', '$disconnect', { routeKey: '$default', twoWay: true }],
    respond: ({ body }) => ({ statusCode: 200, ...(body !== undefined && { body }) }),
  });
});

afterAll(async () => {
  await api.gateway.close();
  process.off('uncaughtException', noteCrash).off('unhandledRejection', noteCrash);
});

/** Runs a property. fast-check prints the seed of a failure. */
async function holds<T extends [unknown, ...unknown[]]>(
  property: fc.IAsyncProperty<T>,
  runs: number,
): Promise<void> {
  await fc.assert(property, {
    seed,
    numRuns: runs * times,
    // Time limits for one case, and for the whole property with its shrinking: less than the test's own.
    timeout: 20_000,
    interruptAfterTimeLimit: 150_000 * times,
    markInterruptAsFailure: true,
  });
}

function lastConnectionId(): string {
  const isConnect = (event: SeenEvent) => event.requestContext.routeKey === '$connect';
  return api.handler.events.findLast(isConnect)?.requestContext.connectionId ?? '';
}

/** Asserts that a correct client is served, every connection got its $disconnect, and nothing crashed. */
async function expectHealth(): Promise<void> {
  await using peer = await Peer.connect(api.url);
  peer.send('hello');
  expect(await peer.next()).toBe('hello');
  const key = api.gateway.credentials.issue('a test');
  const path = `/dev/@connections/${lastConnectionId()}`;
  await sendSigned({ port: api.gateway.port, path, key, body: 'posted' });
  expect(await peer.next()).toBe('posted');
  peer.webSocket.close();
  const connected = api.handler.of('$connect').length;
  await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(connected));
  expect(crashes.splice(0)).toEqual([]);
}

const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });
const anyBytes = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const latin1 = fc
  .uint8Array({ maxLength: 40 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const oddly = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>, weight = 4): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: usual, weight }, { arbitrary: odd, weight: 1 });

describe('any handshake', { timeout: 180_000 * times }, () => {
  const method = oddly(
    fc.constant('GET'),
    fc.oneof(fc.constantFrom('POST', 'HEAD', 'get', 'OPTIONS', 'CONNECT', 'PRI', ''), latin1),
  );
  const target = oddly(
    fc.constantFrom('/dev', '/dev/', '/dev?a=b&a=%c'),
    fc.oneof(
      fc.constantFrom(
        '/',
        '//',
        '*',
        '/Dev',
        '/dev/%2e%2e',
        'http://x/dev',
        '/dev#',
        '/dev/../dev',
      ),
      fc.constantFrom(
        '/dev/@connections/AAAAAAAAAAACAAA=',
        '/dev/%40connections/%',
        `/${'x'.repeat(20_000)}`,
      ),
      latin1,
    ),
  );
  const version = oddly(
    fc.constant('HTTP/1.1'),
    fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'http/1.1', ''),
    9,
  );

  const usual: readonly (readonly [string, string])[] = [
    ['Host', 'localhost'],
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ['Sec-WebSocket-Version', '13'],
    ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ];
  const name = oddly(
    fc.constantFrom(...usual.map(([name]) => name)),
    fc.oneof(
      fc.constantFrom('Sec-WebSocket-Protocol', 'Sec-WebSocket-Extensions', 'Cookie'),
      latin1,
    ),
  );
  const value = fc.oneof(
    fc.constantFrom('', 'websocket', 'h2c', '13', '8', 'permessage-deflate; x=1', 'a,,b', 'a, a'),
    latin1,
    fc.constant('x'.repeat(20_000)),
  );
  const bodyHeader = fc.constantFrom(
    ['Content-Length', '5'] as const,
    ['Content-Length', '-1'] as const,
    ['Transfer-Encoding', 'chunked'] as const,
    ['Expect', '100-continue'] as const,
    ['Expect', 'the unexpected'] as const,
  );
  const oneOdd = fc.oneof(fc.tuple(name, value), bodyHeader);
  const headers = fc
    .tuple(
      fc.subarray([...usual.keys()], { minLength: 3 }),
      oddly(
        fc.constant<(readonly [string, string])[]>([]),
        fc.array(oneOdd, { minLength: 1, maxLength: 3 }),
        1,
      ),
      fc.boolean(),
    )
    .map(([kept, odd, isWhole]) => {
      const first = isWhole ? usual : kept.map((index) => usual[index] ?? ['', '']);
      return [...first, ...odd].map(([name, value]) => `${name}: ${value}\r\n`).join('');
    });
  const after = fc.oneof(
    fc.constant(Buffer.alloc(0)),
    anyBytes,
    fc.constant(Buffer.from(handshakeText())),
    fc.constant(clientFrame({ payload: 'early' })),
  );
  const request = fc
    .tuple(
      method,
      target,
      version,
      headers,
      fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', ''),
      after,
    )
    .map(([method, target, version, headers, end, after]) => {
      const head = `${method} ${target} ${version}\r\n${headers}${end}`;
      return Buffer.concat([Buffer.from(head, 'latin1'), after]);
    });
  const tls = anyBytes.map((bytes) => Buffer.concat([Buffer.from([0x16, 3, 1]), bytes]));
  const ending = oddly<'end' | 'reset'>(fc.constant('end'), fc.constant('reset'));

  it('is answered with a known status, or closed', async () => {
    const allowed = [...statuses, ...statusesOfNode];
    const property = fc.asyncProperty(
      oddly(request, fc.oneof(anyBytes, tls), 19),
      cuts,
      ending,
      async (bytes, cuts, ending) => {
        const { port } = api.gateway;
        const answer = await speak({ port, bytes, cuts, ending });
        for (const status of answer.statuses) expect(allowed).toContain(status);
      },
    );
    await holds(property, 3_500);
    await expectHealth();
  });
});

describe('any frames', { timeout: 180_000 * times }, () => {
  interface RawFrame {
    readonly isLast: boolean;
    readonly reserved: number;
    readonly opcode: number;
    readonly isMasked: boolean;
    readonly lengthBytes: 1 | 2 | 8;
    readonly payload: Buffer;
  }

  const large = fc
    .constantFrom(125, 126, 127, 4_000, 32_767, 32_768, 32_769, 65_535, 65_536, 140_000)
    .map((length) => Buffer.alloc(length, 'x'));
  const closing = fc
    .tuple(fc.integer({ min: 0, max: 0xffff }), anyBytes)
    .map(([code, reason]) => Buffer.concat([Buffer.from([code >> 8, code & 0xff]), reason]));
  const text = fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => Buffer.from(text));
  const rawFrame: fc.Arbitrary<RawFrame> = fc.record({
    isLast: oddly(fc.constant(true), fc.constant(false)),
    reserved: oddly(fc.constant(0), fc.integer({ min: 1, max: 7 }), 15),
    opcode: oddly(fc.constantFrom(1, 1, 1, 0, 8, 9, 10), fc.integer({ min: 0, max: 15 }), 9),
    isMasked: oddly(fc.constant(true), fc.constant(false), 15),
    lengthBytes: oddly(fc.constant<1 | 2 | 8>(1), fc.constantFrom(2, 8)),
    payload: fc.oneof(
      { arbitrary: text, weight: 6 },
      { arbitrary: closing, weight: 2 },
      { arbitrary: anyBytes, weight: 1 },
      { arbitrary: large, weight: 1 },
    ),
  });

  function encode({ isLast, reserved, opcode, isMasked, lengthBytes, payload }: RawFrame): Buffer {
    const { length } = payload;
    const least = length < 126 ? 1 : length < 65_536 ? 2 : 8;
    const bytes = Math.max(least, lengthBytes);
    const header = Buffer.alloc(bytes === 1 ? 2 : 2 + bytes);
    header[0] = (isLast ? 0x80 : 0) | (reserved << 4) | opcode;
    header[1] = (isMasked ? 0x80 : 0) | (bytes === 1 ? length : bytes === 2 ? 126 : 127);
    if (bytes === 2) header.writeUInt16BE(length, 2);
    if (bytes === 8) header.writeBigUInt64BE(BigInt(length), 2);
    // A mask of zeros leaves the payload as it is.
    return Buffer.concat([header, Buffer.alloc(isMasked ? 4 : 0), payload]);
  }

  function expectDefined(frames: readonly Frame[], sent: readonly RawFrame[]): void {
    const ownCodes = sent
      .filter(({ opcode, payload }) => opcode === CLOSE && payload.length > 1)
      .map(({ payload }) => payload.readUInt16BE(0));
    for (const { opcode, payload } of frames) {
      expect([0, 1, CLOSE, PONG]).toContain(opcode);
      expect(payload.length).toBeLessThanOrEqual(32_768);
    }
    const codes = frames
      .filter(({ opcode, payload }) => opcode === CLOSE && payload.length > 0)
      .map(({ payload }) => payload.readUInt16BE(0));
    for (const code of codes) expect([...closeCodes, ...ownCodes]).toContain(code);
  }

  it('that are complete are answered up to the last ping, or end with a known code', async () => {
    const lastPing = clientFrame({ opcode: 9, payload: 'last' });
    const isLast = ({ opcode, payload }: Frame) =>
      opcode === CLOSE || (opcode === PONG && payload.toString() === 'last');
    const property = fc.asyncProperty(
      fc.array(rawFrame, { minLength: 1, maxLength: 6 }),
      cuts,
      async (sent, cuts) => {
        await using peer = await shakeHands(api.gateway.port);
        await writeInPieces(peer, Buffer.concat([...sent.map(encode), lastPing]), cuts);
        const frames = await framesUntil(peer, isLast);
        expect(frames.some(isLast)).toBe(true);
        expectDefined(frames, sent);
      },
    );
    await holds(property, 1_600);
    await expectHealth();
  });

  it('that break off right after the handshake end with a known code or without one', async () => {
    const property = fc.asyncProperty(
      fc.array(rawFrame, { minLength: 1, maxLength: 3 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      cuts,
      async (sent, kept, cuts) => {
        const all = Buffer.concat(sent.map(encode));
        const some = all.subarray(0, Math.floor(kept * all.length));
        const bytes = Buffer.concat([Buffer.from(handshakeText()), some]);
        const answer = await speak({ port: api.gateway.port, bytes, cuts, ending: 'end' });
        expect(answer.statuses).toEqual([101]);
        expectDefined(answer.frames, sent);
      },
    );
    await holds(property, 1_600);
    await expectHealth();
  });

  it('5.16 of texts in fragments, with pings between, are one message each', async () => {
    const message = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), {
      minLength: 1,
      maxLength: 4,
    });
    const messages = fc.array(message, { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(messages, cuts, async (messages, cuts) => {
      await using peer = await shakeHands(api.gateway.port);
      const frames = messages.flatMap((parts) =>
        parts.flatMap((payload, index) => [
          clientFrame({
            opcode: index === 0 ? 1 : 0,
            isLast: index === parts.length - 1,
            payload,
          }),
          clientFrame({ opcode: 9, payload: 'ping' }),
        ]),
      );
      await writeInPieces(peer, Buffer.concat(frames), cuts);
      let missing = messages.length;
      const answers = await framesUntil(peer, ({ opcode }) => {
        if (opcode === 1) missing--;
        return missing === 0;
      });
      const texts = answers
        .filter(({ opcode }) => opcode === 1)
        .map(({ payload }) => String(payload));
      const sent = messages.map((parts) => parts.join(''));
      expect(texts.toSorted()).toEqual(sent.toSorted());
    });
    await holds(property, 500);
    await expectHealth();
  });
});

describe('any request to @connections', { timeout: 180_000 * times }, () => {
  const KB = 1024;
  const operations = ['POST', 'GET', 'DELETE'];
  const method = oddly(
    fc.constantFrom('POST', 'POST', 'GET', 'DELETE'),
    fc.constantFrom('PUT', 'PATCH', 'HEAD', 'OPTIONS', 'PROPFIND'),
  );
  const segment = fc.string({
    unit: fc.constantFrom(...Array.from("aZ09-_=%25@.~!*'()+;:,&$")),
    maxLength: 24,
  });
  const path = fc.oneof(
    { arbitrary: fc.constant('live' as const), weight: 4 },
    { arbitrary: fc.constant('/dev/@connections/AAAAAAAAAAACAAA='), weight: 2 },
    { arbitrary: segment.map((id) => `/dev/@connections/${id}`), weight: 2 },
    { arbitrary: fc.array(segment, { maxLength: 4 }).map((all) => `/${all.join('/')}`), weight: 1 },
    { arbitrary: segment.map((query) => `/dev/@connections/A?${query}`), weight: 1 },
  );
  const signing = oddly(
    fc.constant('valid' as const),
    fc.constantFrom('none', 'any text', 'any parts', 'other secret', 'other region', 'stale'),
    2,
  );
  const body = fc.oneof(
    { arbitrary: anyBytes, weight: 9 },
    {
      arbitrary: fc
        .constantFrom(32 * KB, 32 * KB + 1, 128 * KB, 128 * KB + 1)
        .map((length) => Buffer.alloc(length, 0xff)),
      weight: 1,
    },
  );
  const headers = fc.constantFrom<Record<string, string>>(
    {},
    {},
    { 'transfer-encoding': 'chunked' },
    { 'content-encoding': 'gzip' },
    { 'content-type': 'application/json' },
  );
  const request = fc.record({
    method,
    path,
    signing,
    text: fc.string(),
    body,
    headers,
    spelling: fc.constantFrom('@ =', '%40 %3D', '@ %3D', '%40 ='),
  });
  type Request = typeof request extends fc.Arbitrary<infer T> ? T : never;

  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  afterAll(() => agent.destroy());

  async function send(request: Request, path: string): Promise<HttpResponse> {
    const { method, signing, text, body, headers } = request;
    const { port, credentials } = api.gateway;
    const key = credentials.issue('a test');
    const tampering: Partial<Record<Request['signing'], string>> = {
      none: '',
      'any text': text,
      'any parts': `AWS4-HMAC-SHA256 Credential=${text}, SignedHeaders=${text}, Signature=${text}`,
    };
    const authorization = tampering[signing];
    return sendSigned({
      port,
      path,
      method,
      body,
      // Node's client would leave out the length of an unusual body.
      headers: 'transfer-encoding' in headers ? headers : { ...headers, ...lengthOf(body) },
      agent,
      key: signing === 'other secret' ? { ...key, secretAccessKey: 'guessed' } : key,
      ...(signing === 'other region' && { region: 'mars-1' }),
      ...(signing === 'stale' && { date: new Date(0) }),
      ...(authorization !== undefined && {
        tamper: (signed) => ({ ...signed, authorization }),
      }),
    });
  }

  const lengthOf = (body: Buffer) => ({ 'content-length': String(body.length) });

  function allowedStatuses({ method, path, signing, body }: Request): readonly number[] {
    // Here the gateway describes itself.
    if (path === '/') return [200, 403];
    if (path.startsWith('/')) return signing === 'valid' ? [403, 410, 413] : [403];
    if (signing !== 'valid' || !operations.includes(method)) return [403];
    if (method === 'POST') return [body.length > 128 * KB ? 413 : 200];
    return [method === 'GET' ? 200 : 204];
  }

  it('is refused unless it is signed, and answered with a known status', async () => {
    let peer: Peer | undefined;
    let id = '';
    const connect = async (): Promise<Peer> => {
      // Posted bytes need not be UTF-8 (row 6.8).
      const opened = await Peer.connect(api.url, { skipUTF8Validation: true });
      id = lastConnectionId();
      return opened;
    };
    const property = fc.asyncProperty(request, async (request) => {
      peer ??= await connect();
      const [at, equals] = request.spelling.split(' ') as [string, string];
      const live = `/dev/${at}connections/${id.replace('=', equals)}`;
      const isLive = request.path === 'live';
      const { status } = await send(request, isLive ? live : request.path);
      expect(allowedStatuses(request)).toContain(status);
      if (isLive && status === 204) {
        await peer.closed;
        peer = undefined;
      }
    });
    await holds(property, 3_400);
    await peer?.[Symbol.asyncDispose]();
    await expectHealth();
  });
});
