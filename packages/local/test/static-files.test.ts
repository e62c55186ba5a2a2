import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openLocalApi } from './local-api.js';
import { Peer } from './peer.js';
import { sendRequest } from './signed-request.js';

let root: string;
let staticDirectory: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'gatecast-static-'));
  staticDirectory = join(root, 'public');
  await mkdir(join(staticDirectory, 'assets'), { recursive: true });
  await mkdir(join(staticDirectory, '.git'));
  const files = {
    'secret.txt': 'secret',
    'public-other.txt': 'secret',
    'public/index.html': '<h1>Hello</h1>',
    'public/assets/index.html': 'assets',
    'public/assets/a b.js': 'export {}',
    'public/data.bin': 'x'.repeat(200_000),
    'public/.env': 'secret',
    'public/.git/config': 'secret',
    'public/page.css': 'a{}',
    'public/icon.svg': '<svg/>',
    'public/icon.png': 'png',
    'public/favicon.ico': 'ico',
    'public/data.json': '{}',
    'public/app.js.map': '{}',
    'public/font.woff2': 'font',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
});

afterAll(() => rm(root, { recursive: true }));

describe('the static directory', () => {
  it('is served in addition to the API, with index.html at /', async () => {
    await using api = await openLocalApi({ staticDirectory });
    const { port } = api.gateway;
    const page = await sendRequest({ port, path: '/?x=1' });
    expect(page).toMatchObject({ status: 200, body: '<h1>Hello</h1>' });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['cache-control']).toBe('no-store');
    expect((await sendRequest({ port, path: '/assets/' })).body).toBe('assets');
    expect((await sendRequest({ port, path: '/assets/a%20b.js' })).body).toBe('export {}');
    expect((await sendRequest({ port, path: '/data.bin' })).body).toHaveLength(200_000);
    expect((await Peer.connect(api.url)).webSocket.readyState).toBe(1);
  });

  it.each([
    ['/page.css', 'text/css; charset=utf-8'],
    ['/assets/a%20b.js', 'text/javascript; charset=utf-8'],
    ['/icon.svg', 'image/svg+xml'],
    ['/icon.png', 'image/png'],
    ['/favicon.ico', 'image/x-icon'],
    ['/data.json', 'application/json'],
    ['/app.js.map', 'application/json'],
    ['/font.woff2', 'font/woff2'],
    ['/data.bin', 'application/octet-stream'],
  ])('serves %s as %s', async (path, type) => {
    await using api = await openLocalApi({ staticDirectory });
    const { headers } = await sendRequest({ port: api.gateway.port, path });
    expect(headers['content-type']).toBe(type);
  });

  it.each(['GET', 'HEAD'])('answers %s once', async (method) => {
    const printed = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await using api = await openLocalApi({ staticDirectory });
    const { port } = api.gateway;
    await sendRequest({ port, path: '/page.css', method });
    await sendRequest({ port, path: '/none.css' });
    const texts = printed.mock.calls.map(([text]) => String(text));
    printed.mockRestore();
    expect(texts).toEqual([]);
    expect(api.log.map(({ detail }) => detail)).toEqual(['403 GET /none.css: the API is at /dev']);
  });

  it('answers HEAD without the file', async () => {
    await using api = await openLocalApi({ staticDirectory });
    const { status, headers, body } = await sendRequest({
      port: api.gateway.port,
      path: '/page.css',
      method: 'HEAD',
    });
    expect([status, headers['content-type'], body]).toEqual([200, 'text/css; charset=utf-8', '']);
  });

  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/../../secret.txt',
    '/assets/..%5c..%5csecret.txt',
    '/..\\secret.txt',
    '/../public-other.txt',
    '//secret.txt',
    '/.env',
    '/.git/config',
    '/%2eenv',
    '/index.html%00.txt',
    '/%',
    '/assets',
    '/none.txt',
    '/index.html/',
    'secret.txt',
  ])('does not serve %s', async (path) => {
    await using api = await openLocalApi({ staticDirectory });
    const { status, body } = await sendRequest({ port: api.gateway.port, path });
    expect(status).toBe(path.startsWith('/') ? 403 : 400);
    expect(body).not.toContain('secret');
  });

  it.each([
    '/con',
    '/nul.txt',
    '/COM1.log',
    '/page.css%3a%3a$DATA',
    '/c%3asecret.txt',
    '/page.css.',
    '/page.css%20',
    '/assets%20/index.html',
    '/secret.txt%3fx',
  ])('I13 does not serve a name that Windows reads as something else: %s', async (path) => {
    await using api = await openLocalApi({ staticDirectory });
    expect((await sendRequest({ port: api.gateway.port, path })).status).toBe(403);
  });

  it('refuses other methods', async () => {
    await using api = await openLocalApi({ staticDirectory });
    const { status } = await sendRequest({ port: api.gateway.port, path: '/', method: 'POST' });
    expect(status).toBe(403);
  });

  it('without it, / has one line about the gateway', async () => {
    await using api = await openLocalApi();
    const { status, body } = await sendRequest({ port: api.gateway.port, path: '/' });
    expect(status).toBe(200);
    expect(body).toBe(`A local API Gateway. Connect to ws://localhost:${api.gateway.port}/dev.\n`);
  });
});

// Windows needs a privilege for links, and has no FIFOs.
describe.skipIf(process.platform === 'win32')('a link or another special file', () => {
  const special = async () => {
    const directory = await mkdtemp(join(root, 'special-'));
    await mkdir(join(directory, 'real'));
    await mkdir(join(directory, '.hidden'));
    await writeFile(join(directory, 'real/page.css'), 'a{}');
    await writeFile(join(directory, '.hidden/key.txt'), 'secret');
    const links = {
      'inside.css': 'real/page.css',
      folder: 'real',
      'back-and-forth.css': `../${directory.split('/').at(-1)}/real/page.css`,
      'outside.txt': '../secret.txt',
      'absolute.txt': join(root, 'secret.txt'),
      'outside-folder': root,
      'twice.txt': 'outside.txt',
      'environment.txt': '.hidden/key.txt',
      'hidden-folder': '.hidden',
      'nothing.txt': 'none.txt',
      'loop.txt': 'loop.txt',
      'device.txt': '/dev/zero',
      'folder.txt': 'real',
    };
    for (const [name, target] of Object.entries(links))
      await symlink(target, join(directory, name));
    execFileSync('mkfifo', [join(directory, 'fifo.txt')]);
    return directory;
  };

  it.each(['/inside.css', '/folder/page.css', '/back-and-forth.css'])(
    'I13 is served if it leads to a file of the directory: %s',
    async (path) => {
      await using api = await openLocalApi({ staticDirectory: await special() });
      const answer = await sendRequest({ port: api.gateway.port, path });
      expect(answer).toMatchObject({ status: 200, body: 'a{}' });
    },
  );

  it.each([
    '/outside.txt',
    '/absolute.txt',
    '/outside-folder/secret.txt',
    '/twice.txt',
    '/environment.txt',
    '/hidden-folder/key.txt',
    '/nothing.txt',
    '/loop.txt',
    '/device.txt',
    '/folder.txt',
    '/fifo.txt',
  ])('I13 is not served if it leads to anything else: %s', async (path) => {
    await using api = await openLocalApi({ staticDirectory: await special() });
    const { status, body } = await sendRequest({ port: api.gateway.port, path });
    expect(status).toBe(403);
    expect(body).not.toContain('secret');
  });

  it('I13 may be the directory itself', async () => {
    const link = join(root, 'link-to-public');
    await symlink(staticDirectory, link);
    await using api = await openLocalApi({ staticDirectory: link });
    expect((await sendRequest({ port: api.gateway.port, path: '/page.css' })).body).toBe('a{}');
  });
});
