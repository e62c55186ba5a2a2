import { setImmediate } from 'node:timers/promises';
import { type Frame, handshakeText, parseFrame, RawPeer } from './raw-peer.js';

/** Bytes to send without waiting for an answer. */
export interface RawSpeech {
  readonly port: number;
  readonly bytes: Buffer;
  /** Positions at which the bytes are split, as fractions from 0 to 1. */
  readonly cuts: readonly number[];
  readonly ending: 'end' | 'reset';
}

/** The gateway's answers until it ended the TCP connection. */
export interface RawAnswer {
  /** The status of each HTTP response, in order. */
  readonly statuses: readonly number[];
  /** The frames after the last response, if that accepted a handshake. */
  readonly frames: readonly Frame[];
}

/** Longest wait for an answer, in milliseconds. A longer one means that the gateway hangs. */
const PATIENCE_MS = 10_000;
/** The first byte of the answer to bytes that began like TLS but are not. */
const TLS_ALERT = 0x15;

/**
 * Sends the bytes, ends the connection and reads the answer, unless it was a reset. Throws if the gateway
 * does not end the connection, too, or its answer is neither HTTP nor TLS.
 */
export async function speak({ port, bytes, cuts, ending }: RawSpeech): Promise<RawAnswer> {
  await using peer = await RawPeer.open(port);
  await writeInPieces(peer, bytes, cuts);
  peer.leave(ending);
  await soon(peer.closed, peer);
  return readAnswer(ending === 'end' ? peer.received : Buffer.alloc(0));
}

/** A peer whose handshake has been accepted. Does not poll, unlike `RawPeer.connect`. */
export async function shakeHands(port: number): Promise<RawPeer> {
  const peer = await RawPeer.open(port);
  peer.write(handshakeText());
  await news(peer);
  await peer.until(/^HTTP\/1\.1 101 [^]*\r\n\r\n/);
  return peer;
}

/** Writes each piece separately. */
export async function writeInPieces(
  peer: RawPeer,
  bytes: Buffer,
  cuts: readonly number[],
): Promise<void> {
  let start = 0;
  for (const cut of [...cuts.toSorted((left, right) => left - right), 1]) {
    const end = Math.floor(cut * bytes.length);
    peer.write(bytes.subarray(start, end));
    start = end;
    await setImmediate();
  }
}

/** Reads frames up to the last one according to `isLast`, or to the end of the TCP connection. */
export async function framesUntil(
  peer: RawPeer,
  isLast: (frame: Frame) => boolean,
): Promise<readonly Frame[]> {
  const all: Frame[] = [];
  for (;;) {
    const { frames, rest } = readFrames(peer.received);
    peer.received = rest;
    all.push(...frames);
    if (all.some(isLast) || peer.socket.destroyed) return all;
    await news(peer);
  }
}

/** Waits for more bytes, or the end. */
async function news(peer: RawPeer): Promise<void> {
  const more = new Promise((resolve) => {
    peer.socket.once('data', resolve);
  });
  await soon(Promise.race([more, peer.closed]), peer);
}

async function soon(event: Promise<unknown>, peer: RawPeer): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => {
      const seen = JSON.stringify(peer.received.toString('latin1'));
      reject(new Error(`The gateway said ${seen} and then left the peer waiting.`));
    }, PATIENCE_MS);
  });
  await Promise.race([event, late]).finally(() => clearTimeout(timer));
}

function readAnswer(bytes: Buffer): RawAnswer {
  const statuses: number[] = [];
  if (bytes[0] === TLS_ALERT) return { statuses, frames: [] };
  let rest = bytes;
  while (rest.length > 0) {
    const text = rest.toString('latin1');
    const [head, status] = /^HTTP\/1\.1 (\d{3}) [^]*?\r\n\r\n/.exec(text) ?? [];
    if (head === undefined) throw new Error(`${JSON.stringify(text)} is not an HTTP response.`);
    statuses.push(Number(status));
    rest = rest.subarray(head.length);
    if (status === '101') return { statuses, frames: readFrames(rest).frames };
    // The answer to HEAD names a length, but has no body.
    if (!rest.toString('latin1').startsWith('HTTP/1.1 ')) rest = rest.subarray(bodyLength(head));
  }
  return { statuses, frames: [] };
}

/**
 * The length of a body: empty for Node's own refusals, which are chunked; without a length, everything up
 * to the end.
 */
function bodyLength(head: string): number {
  if (/\r\ntransfer-encoding: chunked/i.test(head)) return '0\r\n\r\n'.length;
  return Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.POSITIVE_INFINITY);
}

function readFrames(bytes: Buffer): { readonly frames: Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let rest = bytes;
  for (;;) {
    let found: ReturnType<typeof parseFrame>;
    try {
      found = parseFrame(rest);
    } catch {
      return { frames, rest };
    }
    frames.push(found.frame);
    rest = rest.subarray(found.length);
  }
}
