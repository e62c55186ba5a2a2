import { constants } from 'node:fs';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { extname, isAbsolute, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Exchange } from './answer.js';

const contentTypes: Readonly<Record<string, string>> = {
  '.avif': 'image/avif',
  '.css': 'text/css; charset=utf-8',
  '.gif': 'image/gif',
  '.htm': 'text/html; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.xml': 'application/xml',
};

/** What Windows takes for a device, another stream of a file, or another name. */
const WINDOWS_NAME = /[<>:"|?*]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Answers with a file of the directory; `index.html` for a path that ends with a slash. Returns false,
 * without answering, for everything else: a path that leads to a file outside of the directory, to one
 * with a part that begins with a dot, or to something that is not a regular file.
 */
export async function serveFile(
  directory: string,
  pathname: string,
  { request, response }: Exchange,
): Promise<boolean> {
  const segments = segmentsOf(pathname);
  const file = segments && (await openInside(directory, segments).catch(() => undefined));
  if (!segments || !file) return false;
  response.writeHead(200, {
    'Content-Type':
      contentTypes[extname(join(...segments)).toLowerCase()] ?? 'application/octet-stream',
    'Cache-Control': 'no-cache',
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

function segmentsOf(pathname: string): string[] | undefined {
  const segments = pathname.split('/').slice(1).map(decoded);
  if (segments.at(-1) === '') segments.splice(-1, 1, 'index.html');
  const isFit = segments.every(
    (segment) => /^[^/\\\0]+$/.test(segment) && !isHidden(segment) && !WINDOWS_NAME.test(segment),
  );
  return isFit ? segments : undefined;
}

/**
 * Opens the file to which a path leads through all links, if that file is served. Throws if there is no
 * such file.
 */
async function openInside(
  directory: string,
  segments: readonly string[],
): Promise<FileHandle | undefined> {
  const root = await realpath(directory);
  const path = await realpath(join(root, ...segments));
  const below = relative(root, path);
  // On another drive, the relative path is absolute.
  const isInside = !isAbsolute(below) && !below.split(sep).some(isHidden);
  // Before it is opened, because that alone may have an effect on a device.
  if (!isInside || !(await stat(path)).isFile()) return undefined;
  // Without waiting for a writer, in case a FIFO has taken its place. Windows lacks these flags, so
  // that they count as 0.
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const file = await open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  if (await isFileAt(path, file).catch(() => false)) return file;
  await file.close();
  return undefined;
}

/** Whether an open file is the regular file at its path, and no link has been put on the way to it. */
async function isFileAt(path: string, file: FileHandle): Promise<boolean> {
  // The file numbers of Windows do not fit into a number.
  const exact = { bigint: true } as const;
  const [opened, found] = [await file.stat(exact), await stat(path, exact)];
  const isSame = opened.dev === found.dev && opened.ino === found.ino;
  return isSame && opened.isFile() && (await realpath(path)) === path;
}

/** Also `..`, which leads out of the directory. */
function isHidden(segment: string): boolean {
  return segment.startsWith('.');
}

/** A text that no path may have, if the encoding is wrong. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return '\0';
  }
}
