import { base64url } from './bytes.js';
import { sha256 } from './sha256.js';

/**
 * The id of an event that a message leads to. Both sides derive it from the frame, so that a client
 * recognises its own event even before the answer arrives, and a message that is sent again leads to the
 * same id. It is a hash, because only the sender may know the frame's id.
 *
 * @param ordinal - Number of the publish among those of this message on this channel, counted from 0.
 * @returns 22 characters of base64url.
 * @group Ids and bytes
 */
export function eventId(channel: string, frameId: string, ordinal: number): string {
  return base64url(sha256(`${channel}\n${frameId}\n${ordinal}`).subarray(0, 16));
}
