import { open, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Exchange } from './answer.js';

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};

/**
 * Answers with a file of the directory; `index.html` for a path that ends with a slash. Returns false,
 * without answering, if the file does not exist or a part of its path begins with a dot.
 */
export async function serveFile(
  directory: string,
  pathname: string,
  { request, response }: Exchange,
): Promise<boolean> {
  const path = filePath(directory, pathname);
  if (path === undefined || !(await isFile(path))) return false;
  const file = await open(path).catch(() => undefined);
  if (!file) return false;
  response.writeHead(200, {
    'Content-Type': contentTypes[extname(path)] ?? 'application/octet-stream',
    'Cache-Control': 'no-store',
  });
  if (request.method === 'HEAD') {
    await file.close();
    response.end();
    return true;
  }
  // If a client leaves early, the stream fails. That error is ignored.
  await pipeline(file.createReadStream(), response).catch(() => {});
  return true;
}

function filePath(directory: string, pathname: string): string | undefined {
  const segments = pathname.split('/').slice(1).map(decoded);
  if (segments.at(-1) === '') segments.splice(-1, 1, 'index.html');
  // Percent-encoded separators and dots could lead out of the directory.
  const isSafe = segments.every(
    (segment) => segment !== undefined && /^[^./\\\0][^/\\\0]*$/.test(segment),
  );
  return isSafe ? join(directory, ...(segments as string[])) : undefined;
}

async function isFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ?? false;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
