import { utf8 } from './bytes.js';

// A synchronous implementation, because the browser's own SHA-256 only returns a promise.

const CONSTANTS: Uint32Array = fractionsOfRoots(64, 1 / 3);
const INITIAL: Uint32Array = fractionsOfRoots(8, 1 / 2);

/** SHA-256 (FIPS 180-4) of a text in UTF-8. */
export function sha256(text: string): Uint8Array {
  const message = utf8(text);
  const padded = new Uint8Array((((message.length + 8) >> 6) + 1) << 6);
  padded.set(message);
  padded[message.length] = 0x80;
  const words = new DataView(padded.buffer);
  // No text here has the 512 MB at which this would not suffice.
  words.setUint32(padded.length - 4, message.length << 3);

  const hash = INITIAL.slice();
  for (let block = 0; block < padded.length; block += 64) compress(hash, words, block);
  const digest = new DataView(new ArrayBuffer(32));
  hash.forEach((word, index) => digest.setUint32(index * 4, word));
  return new Uint8Array(digest.buffer);
}

function compress(hash: Uint32Array, words: DataView, block: number): void {
  const w = new Uint32Array(64);
  let [a, b, c, d, e, f, g, h] = hash as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  for (let t = 0; t < 64; t += 1) {
    if (t < 16) w[t] = words.getUint32(block + t * 4);
    else {
      const x = w[t - 15] as number;
      const y = w[t - 2] as number;
      const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
      const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
      w[t] = (w[t - 16] as number) + s0 + (w[t - 7] as number) + s1;
    }
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (CONSTANTS[t] as number) + (w[t] as number)) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => {
    hash[index] = (hash[index] as number) + word;
  });
}

function rotate(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

/**
 * The constants of the standard: the first 32 bits of the fractional parts of the square or cube roots of
 * the first primes.
 */
function fractionsOfRoots(count: number, power: number): Uint32Array {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate += 1) {
    if (primes.every((prime) => candidate % prime)) primes.push(candidate);
  }
  return Uint32Array.from(primes, (prime) => (prime ** power % 1) * 2 ** 32);
}
