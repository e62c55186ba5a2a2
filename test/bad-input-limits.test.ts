// Input that is too large, too much or not text: API Gateway's limits, then the framework's own.
import { describe, expect, it, vi } from 'vitest';
import { expectToWork, internalError, type Peer, serveApp } from './fixtures/bad-input/peer.js';

const FRAME_BYTES = 32 * 1024;
const MESSAGE_BYTES = 128 * 1024;
const app = serveApp();

/** A message frame of exactly `bytes` bytes. */
function frameOf(bytes: number, action = 'rooms.measure'): string {
  const [head, tail] = [`{"action":"${action}","id":"l","channel":"rooms/1","data":"`, '"}'];
  return `${head}${'x'.repeat(bytes - head.length - tail.length)}${tail}`;
}

/** Sends one message in frames of 32 KB. */
function sendInPieces({ webSocket }: Peer, text: string): void {
  for (let start = 0; start < text.length; start += FRAME_BYTES) {
    const fin = start + FRAME_BYTES >= text.length;
    webSocket.send(text.slice(start, start + FRAME_BYTES), { fin });
  }
}

const lengthOf = (frame: string): number => (JSON.parse(frame) as { data: string }).data.length;

describe('a frame', () => {
  it('of exactly 32 KB is handled', async () => {
    await using offender = await app.open();
    const frame = frameOf(FRAME_BYTES);
    expect(Buffer.byteLength(frame)).toBe(FRAME_BYTES);
    expect(await offender.ask(frame)).toEqual({ type: 'reply', id: 'l', data: lengthOf(frame) });
    await expectToWork(offender);
  });

  it('of one byte more ends its connection with 1009 and leaves nothing behind', async () => {
    await using offender = await app.open();
    await offender.subscribe('rooms/large');
    offender.send(frameOf(FRAME_BYTES + 1));
    expect(await offender.closed).toBe(1009);
    expect(offender.unread).toEqual([]);
    const isForgotten = async () => {
      const reply = await app.witness.request('rooms.post', 'rooms/large', { text: 'anyone?' });
      expect(reply).toMatchObject({ delivery: { delivered: 0, gone: 0 } });
    };
    await vi.waitFor(isForgotten, { timeout: 4_000 });
    await using next = await app.open();
    await expectToWork(next);
  });

  it('that is binary ends its connection with 1003', async () => {
    for (const bytes of [Buffer.from([0, 1, 2]), Buffer.from(frameOf(200))]) {
      await using offender = await app.open();
      offender.webSocket.send(bytes);
      expect(await offender.closed).toBe(1003);
      expect(offender.unread).toEqual([]);
    }
  });

  it('of text that is not UTF-8 ends its connection with 1007', async () => {
    await using offender = await app.open();
    offender.webSocket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false });
    expect(await offender.closed).toBe(1007);
    expect(offender.unread).toEqual([]);
  });
});

describe('a message in several frames', () => {
  it('of exactly 128 KB is handled', async () => {
    await using offender = await app.open();
    const text = frameOf(MESSAGE_BYTES);
    expect(Buffer.byteLength(text)).toBe(MESSAGE_BYTES);
    sendInPieces(offender, text);
    expect(await offender.next()).toEqual({ type: 'reply', id: 'l', data: lengthOf(text) });
    await expectToWork(offender);
  });

  it('of one byte more ends its connection with 1009', async () => {
    await using offender = await app.open();
    sendInPieces(offender, frameOf(MESSAGE_BYTES + 1));
    expect(await offender.closed).toBe(1009);
    expect(offender.unread).toEqual([]);
  });

  it('that is large and not JSON is refused', async () => {
    await using offender = await app.open();
    sendInPieces(offender, 'x'.repeat(MESSAGE_BYTES));
    expect(await offender.next()).toEqual({
      type: 'error',
      error: {
        code: 'ERR_FRAME_INVALID',
        message: 'The frame is not JSON, or has a forbidden key.',
      },
    });
    await expectToWork(offender);
  });

  it.each([
    ['reply', 'rooms.echo'],
    ['event', 'rooms.shout'],
  ])(
    'whose %s does not fit into a frame is answered with an internal error',
    async (_what, action) => {
      await using offender = await app.open();
      await offender.subscribe('rooms/1');
      sendInPieces(offender, frameOf(FRAME_BYTES + 1_024, action));
      expect(await offender.next()).toEqual({ type: 'error', id: 'l', error: internalError });
      await expectToWork(offender);
    },
  );
});

describe('201 channels', () => {
  const names = ['arrivals', ...Array.from({ length: 200 }, (_, index) => `rooms/${index}`)];
  const live = (channel: string) => ({ channel, result: 'live' });

  it.each(['subscribe', 'unsubscribe'])(
    'in one %s frame are refused as a whole',
    async (action) => {
      await using offender = await app.open();
      expect(await offender.ask({ action, id: 'c', channels: names })).toEqual({
        type: 'error',
        id: 'c',
        error: {
          code: 'ERR_CHANNEL_LIMIT',
          message: 'A frame may name at most 50 channels; this one names 201.',
        },
      });
      const reply = await offender.request('rooms.post', 'rooms/0', { text: 'to nobody' });
      expect(reply).toMatchObject({ delivery: { delivered: 0 } });
      await expectToWork(offender);
    },
  );

  it('in one frame after the other are refused from the limit on, until one is left', async () => {
    await using offender = await app.open();
    // Every connection is subscribed to "arrivals" already, so subscribing again does not count.
    for (let start = 0; start < 200; start += 50) {
      const page = names.slice(start, start + 50);
      expect(await offender.subscribe(...page)).toEqual(page.map(live));
    }
    const refused = {
      channel: 'rooms/199',
      error: {
        code: 'ERR_CHANNEL_LIMIT',
        message:
          'A connection may be subscribed to at most 200 channels, whose names have at most 16384 bytes.',
      },
    };
    expect(await offender.subscribe('rooms/199', 'rooms/7')).toEqual([refused, live('rooms/7')]);
    await expectToWork(offender, 'rooms/7');
    expect(await offender.subscribe('rooms/199')).toEqual([live('rooms/199')]);
  });
});
