import type { IncomingMessage } from 'node:http';

/** The body of a request, or why it could not be read. */
export type RequestBody =
  | { readonly type: 'whole'; readonly body: Buffer }
  | { readonly type: 'too large'; readonly bytes: number }
  | { readonly type: 'cut off' };

/**
 * Reads a body to its end even if it is too large, because a client that is still sending could miss the
 * answer. Keeps at most `maxBytes`.
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
