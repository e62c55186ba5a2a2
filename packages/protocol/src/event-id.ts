import { sha256 } from './sha256.js';

/**
 * The id of an event that a message leads to. Both sides derive it from the frame, so that a client
 * recognises its own event even before the answer arrives, and a message that is sent again leads to the
 * same id. It is a hash, because only the sender may know the frame's id.
 *
 * @param ordinal - Number of the publish among those of this message on this channel, counted from 0.
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
