import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';

/**
 * SHA-256 of `node:crypto`, or HMAC if a secret is given, with the interface that `@smithy/signature-v4`
 * expects.
 */
export class Sha256 {
  readonly #secret: string | Buffer | undefined;
  #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = ArrayBuffer.isView(secret)
      ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
      : secret instanceof ArrayBuffer
        ? Buffer.from(secret)
        : secret;
    this.#hash = this.#start();
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = this.#start();
  }

  #start(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret);
  }
}
