import { base64url } from '@gatecast/protocol';

/** A frame's id: 128 random bits, since whoever guesses it can guess the ids of its events. */
export function frameId(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(16)));
}
