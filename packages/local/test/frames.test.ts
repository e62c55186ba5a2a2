import { describe, expect, it, vi } from 'vitest';
import { openLocalApi } from './local-api.js';
import { clientFrame, frameHeader, RawPeer } from './raw-peer.js';

const KB = 1024;
const routes = ['$disconnect', { routeKey: '$default', twoWay: true }];
const openEcho = (options = {}) =>
  openLocalApi({ routes, respond: ({ body }) => ({ statusCode: 200, body }), ...options });

const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

async function closeCode(peer: RawPeer): Promise<number> {
  const { opcode, payload } = await peer.nextFrame();
  expect(opcode).toBe(CLOSE);
  return payload.readUInt16BE(0);
}

async function writeSlowly(peer: RawPeer, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    await new Promise((resolve) => {
      peer.socket.write(Buffer.from([byte]), resolve);
    });
  }
}

describe('frames of a client', () => {
  it('5.14 7.11 may have 32 KB', async () => {
    await using api = await openEcho();
    await using peer = await RawPeer.connect(api.gateway.port);
    peer.write(clientFrame({ payload: 'x'.repeat(32 * KB) }));
    await vi.waitFor(() => expect(api.handler.of('$default')).toHaveLength(1));
    expect(api.handler.of('$default')[0]?.body).toHaveLength(32 * KB);
  });

  it('5.14 end the connection with 1009 when they are larger', async () => {
    await using api = await openEcho();
    await using peer = await RawPeer.connect(api.gateway.port);
    peer.write(clientFrame({ payload: 'x'.repeat(32 * KB + 1) }));
    expect(await closeCode(peer)).toBe(1009);
    peer.write(clientFrame({ opcode: CLOSE, payload: Buffer.from([0x03, 0xf1]) }));
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
    expect(api.handler.of('$disconnect')[0]?.requestContext).toMatchObject({
      disconnectStatusCode: 1009,
    });
    expect(api.handler.of('$default')).toEqual([]);
  });

  it('5.14 end it as soon as the header claims too much, for any length', async () => {
    for (const length of [32 * KB + 1, 65_535, 65_536, 2 ** 32, Number.MAX_SAFE_INTEGER + 1]) {
      await using api = await openEcho();
      await using peer = await RawPeer.connect(api.gateway.port);
      peer.write(frameHeader({ opcode: 1, isLast: true, length }));
      peer.write('mask');
      expect(await closeCode(peer)).toBe(1009);
    }
  });

  it('5.14 end it in the middle of a message, after the messages before it', async () => {
    await using api = await openEcho();
    await using peer = await RawPeer.connect(api.gateway.port);
    peer.write(
      Buffer.concat([
        clientFrame({ payload: 'whole' }),
        clientFrame({ payload: 'half', isLast: false }),
        clientFrame({ opcode: PING, payload: 'p' }),
        clientFrame({ opcode: 0, payload: 'x'.repeat(33 * KB) }),
        clientFrame({ payload: 'late' }),
      ]),
    );
    expect(await closeCode(peer)).toBe(1009);
    await vi.waitFor(() => expect(api.handler.of('$default')).toHaveLength(1));
    peer.socket.destroy();
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
    expect(api.handler.of('$default').map(({ body }) => body)).toEqual(['whole']);
  });

  it('5.14 are measured even if they arrive byte by byte', async () => {
    await using api = await openEcho();
    await using peer = await RawPeer.connect(api.gateway.port);
    const bytes = Buffer.concat([
      clientFrame({ payload: '' }),
      clientFrame({ payload: 'x'.repeat(125) }),
      clientFrame({ payload: 'y'.repeat(126), isLast: false }),
      clientFrame({ opcode: PING, payload: 'in between' }),
      clientFrame({ opcode: 0, payload: 'z' }),
    ]);
    await writeSlowly(peer, bytes);
    const opcodes: number[] = [];
    for (let count = 0; count < 4; count++) opcodes.push((await peer.nextFrame()).opcode);
    expect(opcodes.toSorted((left, right) => left - right)).toEqual([1, 1, 1, PONG]);
    expect(api.handler.of('$default').map(({ body }) => body)).toEqual([
      '',
      'x'.repeat(125),
      `${'y'.repeat(126)}z`,
    ]);
    await writeSlowly(peer, frameHeader({ opcode: 1, isLast: true, length: 70_000 }));
    peer.write('mask');
    expect(await closeCode(peer)).toBe(1009);
  });

  it('5.14 are measured over TLS too', async () => {
    await using api = await openEcho();
    await using peer = await RawPeer.connect(api.gateway.port, api.gateway.certificate);
    peer.write(clientFrame({ payload: 'x'.repeat(32 * KB + 1) }));
    expect(await closeCode(peer)).toBe(1009);
  });

  it('5.14 do not delay $disconnect if the client never answers the close frame', async () => {
    await using api = await openEcho();
    await using peer = await RawPeer.connect(api.gateway.port);
    peer.write(frameHeader({ opcode: 1, isLast: true, length: 70_000 }));
    peer.write('mask');
    expect(await closeCode(peer)).toBe(1009);
    const options = { timeout: 4_500 };
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1), options);
    expect(api.handler.of('$disconnect')[0]?.requestContext).toMatchObject({
      disconnectStatusCode: 1009,
    });
  });

  it('5.15 end the connection with 1009 when their message is larger than 128 KB', async () => {
    await using api = await openEcho();
    await using peer = await RawPeer.connect(api.gateway.port);
    const payload = 'x'.repeat(32 * KB);
    peer.write(clientFrame({ payload, isLast: false }));
    for (let count = 0; count < 3; count++) {
      peer.write(clientFrame({ opcode: 0, payload, isLast: false }));
    }
    peer.write(clientFrame({ opcode: 0, payload: 'x' }));
    expect(await closeCode(peer)).toBe(1009);
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
    expect(api.handler.of('$disconnect')[0]?.requestContext).toMatchObject({
      disconnectStatusCode: 1009,
    });
    expect(api.handler.of('$default')).toEqual([]);
  });

  it('5.16 make one event when their message is 128 KB large', async () => {
    await using api = await openEcho({ routes: ['$default'] });
    await using peer = await RawPeer.connect(api.gateway.port);
    // Two bytes each, so that a character is split between two frames.
    const text = `a${'é'.repeat(64 * KB - 1)}a`;
    const bytes = Buffer.from(text);
    expect(bytes).toHaveLength(128 * KB);
    for (let start = 0; start < bytes.length; start += 32 * KB) {
      const payload = bytes.subarray(start, start + 32 * KB);
      const isLast = start + 32 * KB === bytes.length;
      peer.write(clientFrame({ opcode: start === 0 ? 1 : 0, payload, isLast }));
    }
    await vi.waitFor(() => expect(api.handler.of('$default')).toHaveLength(1));
    expect(api.handler.of('$default')[0]?.body === text).toBe(true);
  });

  const closeFrame = (code: number, reason: string | Buffer) =>
    clientFrame({
      opcode: CLOSE,
      payload: Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]),
    });

  it.each<[what: string, code: number, ...bytes: Buffer[]]>([
    ['a byte that is not UTF-8', 1007, clientFrame({ payload: Buffer.from([0xff]) })],
    ['an overlong form', 1007, clientFrame({ payload: Buffer.from([0xc0, 0xaf]) })],
    ['a surrogate', 1007, clientFrame({ payload: Buffer.from([0xed, 0xa0, 0x80]) })],
    ['half a character at the end', 1007, clientFrame({ payload: Buffer.from([0xc3]) })],
    [
      'half a character at the end of several frames',
      1007,
      clientFrame({ payload: 'a', isLast: false }),
      clientFrame({ opcode: 0, payload: Buffer.from([0xe2, 0x82]) }),
    ],
    ['a frame without a mask', 1002, Buffer.from([0x81, 0x01, 0x61])],
    ['a reserved opcode', 1002, clientFrame({ opcode: 3, payload: 'a' })],
    ['a reserved bit', 1002, Buffer.from([0xc1, 0x80, 1, 2, 3, 4])],
    ['a continuation of nothing', 1002, clientFrame({ opcode: 0, payload: 'a' })],
    [
      'a new message within another',
      1002,
      clientFrame({ payload: 'a', isLast: false }),
      clientFrame({ payload: 'b' }),
    ],
    ['a ping in several frames', 1002, clientFrame({ opcode: PING, isLast: false })],
    ['a ping of 126 bytes', 1002, clientFrame({ opcode: PING, payload: 'x'.repeat(126) })],
    ['a reason that is not UTF-8', 1007, closeFrame(1000, Buffer.from([0xff]))],
    ['a close code that nobody may send', 1002, closeFrame(1005, '')],
    ['a close code that does not exist', 1002, closeFrame(999, '')],
    ['half a close code', 1002, clientFrame({ opcode: CLOSE, payload: Buffer.from([3]) })],
  ])(
    'I7 5.24 5.25 5.26 end the connection with 1007 or 1002, without an event, for %s: %i',
    async (_what, code, ...bytes) => {
      await using api = await openEcho();
      await using peer = await RawPeer.connect(api.gateway.port);
      peer.write(Buffer.concat(bytes));
      expect(await closeCode(peer)).toBe(code);
      await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
      expect(api.handler.of('$disconnect')[0]?.requestContext).toMatchObject({
        disconnectStatusCode: code,
        disconnectReason: '',
      });
      expect(api.handler.of('$default')).toEqual([]);
    },
  );

  it('I7 5.24 5.26 may contain every character of UTF-8, in messages and reasons', async () => {
    const text = 'a\u0000é\u20ac\ud83d\ude00\ufffd';
    await using api = await openEcho();
    await using peer = await RawPeer.connect(api.gateway.port);
    peer.write(clientFrame({ payload: text }));
    expect((await peer.nextFrame()).payload.toString()).toBe(text);
    peer.write(closeFrame(4_000, text));
    expect(await closeCode(peer)).toBe(4_000);
    await vi.waitFor(() => expect(api.handler.of('$disconnect')).toHaveLength(1));
    expect(api.handler.of('$disconnect')[0]?.requestContext).toMatchObject({
      disconnectStatusCode: 4_000,
      disconnectReason: text,
    });
  });
});

describe('frames to a client', () => {
  it('6.9 have at most 32 KB', async () => {
    const text = 'x'.repeat(70 * KB);
    await using api = await openEcho({ respond: () => ({ statusCode: 200, body: text }) });
    await using peer = await RawPeer.connect(api.gateway.port);
    peer.write(clientFrame({ payload: 'one' }));
    const frames = [await peer.nextFrame(), await peer.nextFrame(), await peer.nextFrame()];
    expect(frames.map(({ opcode, isLast, payload }) => [opcode, isLast, payload.length])).toEqual([
      [1, false, 32 * KB],
      [0, false, 32 * KB],
      [0, true, 6 * KB],
    ]);
  });

  it('6.9 are not split for a message of 32 KB', async () => {
    const text = 'x'.repeat(32 * KB);
    await using api = await openEcho({ respond: () => ({ statusCode: 200, body: text }) });
    await using peer = await RawPeer.connect(api.gateway.port);
    peer.write(clientFrame({ payload: 'one' }));
    const { isLast, payload } = await peer.nextFrame();
    expect([isLast, payload.length]).toEqual([true, 32 * KB]);
  });
});
