import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';

/**
 * SHA-256 of `node:crypto`, with a secret an HMAC, in the form that `@smithy/signature-v4` takes.
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
