import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import {
  mkdir,
  mkdtemp,
  open,
  readdir,
  readlink,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalApi, openLocalApi } from './local-api.js';
import { Peer } from './peer.js';
import { sendRequest } from './signed-request.js';

/** What happens in the directory while the gateway opens a file. */
const meanwhile = vi.hoisted(() => ({
  beforeOpen: async () => {},
  afterOpen: async () => {},
}));

vi.mock(import('node:fs/promises'), async (importOriginal) => {
  const original = await importOriginal();
  return {
    ...original,
    async open(...options) {
      await meanwhile.beforeOpen();
      const file = await original.open(...options);
      await meanwhile.afterOpen();
      return file;
    },
  };
});

let root: string;
let staticDirectory: string;
let api: LocalApi;

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
    'public/module.mjs': 'export {}',
    'public/robots.txt': 'all',
    'public/add.wasm': 'wasm',
    'public/manifest.webmanifest': '{}',
    'public/PHOTO.JPG': 'jpeg',
    'public/OLD.HTM': 'page',
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
  api = await openLocalApi({ staticDirectory });
});

afterAll(async () => {
  await api.gateway.close();
  await rm(root, { recursive: true });
});

describe('the static directory', () => {
  it('is served in addition to the API, with index.html at /', async () => {
    const { port } = api.gateway;
    const page = await sendRequest({ port, path: '/?x=1' });
    expect(page).toMatchObject({ status: 200, body: '<h1>Hello</h1>' });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['cache-control']).toBe('no-cache');
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
    ['/module.mjs', 'text/javascript; charset=utf-8'],
    ['/robots.txt', 'text/plain; charset=utf-8'],
    // Browsers compile it as it arrives only with this type.
    ['/add.wasm', 'application/wasm'],
    ['/manifest.webmanifest', 'application/manifest+json'],
    ['/PHOTO.JPG', 'image/jpeg'],
    ['/OLD.HTM', 'text/html; charset=utf-8'],
    ['/data.bin', 'application/octet-stream'],
  ])('serves %s as %s', async (path, type) => {
    const { headers } = await sendRequest({ port: api.gateway.port, path });
    expect(headers['content-type']).toBe(type);
  });

  it.each(['GET', 'HEAD'])('answers %s once', async (method) => {
    const printed = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { port } = api.gateway;
    const reported = api.log.length;
    await sendRequest({ port, path: '/page.css', method });
    await sendRequest({ port, path: '/none.css' });
    const texts = printed.mock.calls.map(([text]) => String(text));
    printed.mockRestore();
    expect(texts).toEqual([]);
    const details = api.log.slice(reported).map(({ detail }) => detail);
    expect(details).toEqual(['403 GET /none.css: there is no such file, and the API is at /dev']);
  });

  it('answers HEAD without the file', async () => {
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
    '/assets%2findex.html',
    '/assets',
    '/none.txt',
    '/index.html/',
    'secret.txt',
  ])('does not serve %s', async (path) => {
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
    expect((await sendRequest({ port: api.gateway.port, path })).status).toBe(403);
  });

  it('refuses other methods', async () => {
    const { status } = await sendRequest({ port: api.gateway.port, path: '/', method: 'POST' });
    expect(status).toBe(403);
  });

  it('without it, / has one line about the gateway', async () => {
    await using bare = await openLocalApi();
    const { port } = bare.gateway;
    const { status, headers, body } = await sendRequest({ port, path: '/' });
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(body).toBe(`A local API Gateway. Connect to ws://localhost:${port}/dev.\n`);
  });
});

// Windows needs a privilege for links, and has no FIFOs.
describe.skipIf(process.platform === 'win32')('a link or another special file', () => {
  let linked: LocalApi;

  beforeAll(async () => {
    linked = await openLocalApi({ staticDirectory: await special() });
    return () => linked.gateway.close();
  });

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
      '.link.css': 'real/page.css',
      '.folder': 'real',
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
      const answer = await sendRequest({ port: linked.gateway.port, path });
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
    '/.link.css',
    '/.folder/page.css',
    '/nothing.txt',
    '/loop.txt',
    '/device.txt',
    '/folder.txt',
    '/fifo.txt',
  ])('I13 is not served if it leads to anything else: %s', async (path) => {
    const { status, body } = await sendRequest({ port: linked.gateway.port, path });
    expect(status).toBe(403);
    expect(body).not.toContain('secret');
  });

  it('is not even opened, so that the writer of a FIFO keeps waiting', async () => {
    const fifo = join(root, 'public/pipe.txt');
    execFileSync('mkfifo', [fifo]);
    let hasReader = false;
    const writer = open(fifo, 'w').then((file) => {
      hasReader = true;
      return file.close();
    });
    try {
      const { status } = await sendRequest({ port: api.gateway.port, path: '/pipe.txt' });
      expect([status, hasReader]).toEqual([403, false]);
    } finally {
      const reader = await open(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
      await writer;
      await reader.close();
      await unlink(fifo);
    }
  });

  it('I13 may be the directory itself', async () => {
    const link = join(root, 'link-to-public');
    await symlink(staticDirectory, link);
    await using api = await openLocalApi({ staticDirectory: link });
    expect((await sendRequest({ port: api.gateway.port, path: '/page.css' })).body).toBe('a{}');
  });
});

// Only there can these files exist.
describe.skipIf(process.platform === 'win32')(
  'a file whose name has another meaning on Windows',
  () => {
    it.each([
      ['con', '/con'],
      ['nul.txt', '/nul.txt'],
      ['page.css:x', '/page.css%3ax'],
      ['page.css.', '/page.css.'],
      ['page.css ', '/page.css%20'],
      ['a\\b.css', '/a%5cb.css'],
      ['aux/page.css', '/aux/page.css'],
      ['assets/com1.css', '/assets/com1.css'],
    ])('I13 is not served anywhere: %j', async (name, path) => {
      await mkdir(join(staticDirectory, 'aux'), { recursive: true });
      await writeFile(join(staticDirectory, name), 'secret');
      const { status, body } = await sendRequest({ port: api.gateway.port, path });
      expect([status, body]).toEqual([403, '{"message":"Forbidden"}']);
    });
  },
);

// Windows has no FIFOs, needs a privilege for links, and does not let open files be replaced.
describe.skipIf(process.platform === 'win32')('a file that is replaced while it is opened', () => {
  let folder: string;
  let page: string;

  const answerIf = async (changes: Partial<typeof meanwhile>) => {
    folder = await mkdtemp(join(staticDirectory, 'changing-'));
    page = join(folder, 'page.txt');
    await writeFile(page, 'public');
    Object.assign(meanwhile, changes);
    const path = `/${folder.split('/').at(-1)}/page.txt`;
    return sendRequest({ port: api.gateway.port, path });
  };

  afterEach(() => {
    Object.assign(meanwhile, { beforeOpen: async () => {}, afterOpen: async () => {} });
  });

  const refused = { status: 403, body: '{"message":"Forbidden"}' };

  it('I13 is served if nothing has happened', async () => {
    expect(await answerIf({})).toMatchObject({ status: 200, body: 'public' });
  });

  it('I13 is not served if its folder has become a link to another', async () => {
    const outside = await mkdtemp(join(root, 'outside-'));
    await writeFile(join(outside, 'page.txt'), 'secret');
    const beforeOpen = async () => {
      await rename(folder, `${folder}-old`);
      await symlink(outside, folder);
    };
    expect(await answerIf({ beforeOpen })).toMatchObject(refused);
  });

  it('I13 is not served if it has become a link', async () => {
    const beforeOpen = async () => {
      await unlink(page);
      await symlink(join(root, 'secret.txt'), page);
    };
    expect(await answerIf({ beforeOpen })).toMatchObject(refused);
  });

  it('I13 is not served if it has become a FIFO', async () => {
    const beforeOpen = async () => {
      await unlink(page);
      execFileSync('mkfifo', [page]);
    };
    expect(await answerIf({ beforeOpen })).toMatchObject(refused);
  });

  it('I13 is not served if another file has taken its place', async () => {
    const afterOpen = async () => {
      await writeFile(`${page}.new`, 'new');
      await rename(`${page}.new`, page);
    };
    expect(await answerIf({ afterOpen })).toMatchObject(refused);
  });

  it('I13 is not served if it has been removed', async () => {
    expect(await answerIf({ afterOpen: () => unlink(page) })).toMatchObject(refused);
  });
});

// Needs files with holes, and /proc to see which files are open.
describe.runIf(process.platform === 'linux')('a huge file', () => {
  const hugeFile = async () => {
    const folder = await mkdtemp(join(staticDirectory, 'huge-'));
    const file = join(folder, 'huge.bin');
    await writeFile(file, '');
    await truncate(file, 2 ** 32);
    return { file, path: file.slice(staticDirectory.length) };
  };

  const isOpen = async (path: string) => {
    const names = await readdir('/proc/self/fd');
    const targets = names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => ''));
    return (await Promise.all(targets)).some((target) => target.includes(path));
  };

  it('is not read to answer HEAD, and is closed', async () => {
    const { port } = api.gateway;
    const { path } = await hugeFile();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await sendRequest({ port, path, method: 'HEAD', agent })).status).toBe(200);
    // The next answer on the same TCP connection comes after the whole first one.
    expect((await sendRequest({ port, path: '/page.css', agent })).body).toBe('a{}');
    agent.destroy();
    expect(await isOpen(path)).toBe(false);
  });

  it('is closed if the client leaves in the middle, and nothing is printed', async () => {
    const print = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { path } = await hugeFile();
    const request = get({ host: '127.0.0.1', port: api.gateway.port, path, agent: false });
    const [response] = await once(request, 'response');
    await once(response, 'data');
    expect(await isOpen(path)).toBe(true);
    request.destroy();
    await vi.waitFor(async () => expect(await isOpen(path)).toBe(false), { timeout: 10_000 });
    const printed = print.mock.calls.length;
    print.mockRestore();
    expect(printed).toBe(0);
  });

  it('is closed if something has taken its place', async () => {
    const { file, path } = await hugeFile();
    meanwhile.afterOpen = () => rename(file, `${file}.old`);
    const { status } = await sendRequest({ port: api.gateway.port, path });
    meanwhile.afterOpen = async () => {};
    expect([status, await isOpen(path)]).toEqual([403, false]);
  });
});
