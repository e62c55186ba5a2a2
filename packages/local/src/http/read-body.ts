import type { IncomingMessage } from 'node:http';

/** The body of a request, or why there is none. */
export type RequestBody =
  | { readonly type: 'whole'; readonly body: Buffer }
  | { readonly type: 'too large'; readonly bytes: number }
  | { readonly type: 'cut off' };

/**
 * Reads a body to its end even when it is too large, because a client that is still sending would
 * miss the answer; keeps no more than `maxBytes` of it.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<RequestBody> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
    }
  } catch {
    return { type: 'cut off' };
  }
  return bytes > maxBytes
    ? { type: 'too large', bytes }
    : { type: 'whole', body: Buffer.concat(chunks) };
}
