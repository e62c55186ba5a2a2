import { base64url } from './bytes.js';
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
