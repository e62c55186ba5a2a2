/** Bytes as base64url without padding, which is legal in a sub-protocol and in a frame's id. */
export function base64url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** A frame's id: 128 random bits, since whoever guesses it can guess the ids of its events. */
export function frameId(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(16)));
}
