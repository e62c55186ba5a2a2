import { sha256 } from './sha256.js';

/**
 * The id of the event that a message frame leads to: both sides derive it from the frame, so a
 * client knows its own event before the answer arrives, and a message sent again makes the same
 * event. It is a hash, because the frame's id itself is the sender's alone.
 *
 * @param ordinal - Which publish of that handler on that channel it is, counted from 0.
 * @returns 22 characters of base64url.
 */
export function eventId(channel: string, frameId: string, ordinal: number): string {
  return base64url(sha256(`${channel}\n${frameId}\n${ordinal}`).subarray(0, 16));
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

function base64url(bytes: Uint8Array): string {
  let text = '';
  for (let index = 0; index < bytes.length; index += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(index, index + 3);
    const group = (a << 16) | (b << 8) | c;
    text += ALPHABET.charAt(group >> 18);
    text += ALPHABET.charAt((group >> 12) & 63);
    if (index + 1 < bytes.length) text += ALPHABET.charAt((group >> 6) & 63);
    if (index + 2 < bytes.length) text += ALPHABET.charAt(group & 63);
  }
  return text;
}
