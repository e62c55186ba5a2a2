/**
 * Encodes a string in UTF-8. Not every engine of React Native has a `TextEncoder`.
 *
 * @group Ids and bytes
 */
export function utf8(text: string): Uint8Array {
  // Half of a surrogate pair becomes the replacement character, as with `TextEncoder`.
  const escaped = encodeURIComponent(text.replace(/[\ud800-\udfff]/gu, '\ufffd'));
  return Uint8Array.from(escaped.match(/%..|./g) ?? [], (unit) =>
    unit.length > 1 ? Number.parseInt(unit.slice(1), 16) : unit.charCodeAt(0),
  );
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * Bytes as base64url without padding, which is legal in a sub-protocol and in a frame's id.
 *
 * @group Ids and bytes
 */
export function base64url(bytes: Uint8Array): string {
  let text = '';
  for (let index = 0; index < bytes.length; index += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(index, index + 3);
    const group = (a << 16) | (b << 8) | c;
    for (const shift of [18, 12, 6, 0]) text += ALPHABET.charAt((group >> shift) & 63);
  }
  return text.slice(0, Math.ceil((bytes.length * 4) / 3));
}
