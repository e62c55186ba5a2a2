/** Largest frame in bytes, in both directions (row 5.14). */
export const MAX_FRAME_BYTES = 32_768;
/** Largest message in bytes, in both directions (row 5.15). */
export const MAX_MESSAGE_BYTES = 131_072;

const MAX_HEADER_BYTES = 14;
const CONTINUATION = 0x0;
const BINARY = 0x2;

/**
 * Parses only the headers of a connection's frames, from chunks of any size, until a frame is larger than
 * API Gateway accepts. (`ws` limits messages, not frames.)
 */
export class FrameMeter {
  /** Number of messages before the frame that is too large. */
  completeMessages = 0;
  #isExceeded = false;
  #payloadBytesLeft = 0;
  #headerBytes = 0;
  readonly #header = Buffer.alloc(MAX_HEADER_BYTES);

  /**
   * Parses a chunk. Returns true from the beginning of a frame that is too large on, and then stops
   * parsing.
   */
  read(chunk: Buffer): boolean {
    let offset = 0;
    while (offset < chunk.length && !this.#isExceeded) {
      if (this.#payloadBytesLeft > 0) {
        const skipped = Math.min(this.#payloadBytesLeft, chunk.length - offset);
        this.#payloadBytesLeft -= skipped;
        offset += skipped;
      } else {
        this.#header[this.#headerBytes++] = chunk[offset++] as number;
        if (this.#headerBytes === this.#headerLength()) this.#beginPayload();
      }
    }
    return this.#isExceeded;
  }

  #headerLength(): number {
    if (this.#headerBytes < 2) return 2;
    const second = this.#header[1] as number;
    const maskBytes = second & 0x80 ? 4 : 0;
    const lengthBytes = { 126: 2, 127: 8 }[second & 0x7f] ?? 0;
    return 2 + lengthBytes + maskBytes;
  }

  #beginPayload(): void {
    const [first = 0, second = 0] = this.#header;
    this.#headerBytes = 0;
    this.#payloadBytesLeft = this.#payloadLength(second & 0x7f);
    const opcode = first & 0x0f;
    const isData = opcode >= CONTINUATION && opcode <= BINARY;
    if (this.#payloadBytesLeft > MAX_FRAME_BYTES) {
      this.#isExceeded = true;
      return;
    }
    const isLast = (first & 0x80) !== 0;
    if (isData && isLast) this.completeMessages++;
  }

  #payloadLength(shortLength: number): number {
    if (shortLength === 126) return this.#header.readUInt16BE(2);
    if (shortLength === 127) return Number(this.#header.readBigUInt64BE(2));
    return shortLength;
  }
}
