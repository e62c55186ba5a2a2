import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openConnection } from './open-connection.js';
import { gatecast, WEBSOCKET } from './run-command.js';

const TIME = { timeout: 60_000 };

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-handlers-'));
  await mkdir(join(directory, 'src'));
  // The files that a project of the Serverless framework has.
  const handlers = `
const answer = (name) => async (event) => {
  console.log(name, event.requestContext.routeKey);
  return { statusCode: 200, body: name };
};
exports.connect = answer('connect');
exports.default = answer('default');
exports.main = answer('main');
`;
  await writeFile(join(directory, 'handler.js'), handlers);
  await writeFile(
    join(directory, 'src/chat.ts'),
    'export const post = async () => console.log("post");',
  );
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

const dev = (...args: string[]) => gatecast(['dev', '--port', '0', ...args], directory);

/** Connects, and sends one message. */
async function talk(url: string, message = '{}'): Promise<void> {
  await using connection = await openConnection(url);
  connection.send(message);
}

describe('J2 gatecast dev runs', () => {
  it('several handlers of one file, each as a function of its own', TIME, async () => {
    await using running = dev('handler.js', '--routes', '$connect=connect,$default=default');
    await talk(await running.printed(WEBSOCKET));
    await running.printed(/\tINFO\tconnect \$connect$/m);
    expect(await running.printed(/\tINFO\t(default) \$default$/m)).toBe('default');
    await writeFile(
      join(directory, 'handler.js'),
      'exports.connect = exports.default = async () => {};',
    );
    await running.printed(/^\d\d:\S+ {2}connect reloaded$/m);
  });

  it('handlers of several files, without an entry', TIME, async () => {
    const routes = '$connect=handler.connect,say=src/chat.post';
    await using running = dev('--routes', routes);
    await talk(await running.printed(WEBSOCKET), '{"action":"say"}');
    await running.printed(/\tINFO\tconnect \$connect$/m);
    expect(await running.printed(/\tINFO\t(post)$/m)).toBe('post');
  });

  it.each([[['handler.js', '--handler', 'main']], [['--handler', 'handler.main']]])(
    'another export than "handler": %j',
    TIME,
    async (args) => {
      await using running = dev(...args, '--routes', '$default');
      await talk(await running.printed(WEBSOCKET));
      expect(await running.printed(/\tINFO\t(main) \$default$/m)).toBe('main');
    },
  );

  it('handlers of routes beside the one of the entry', TIME, async () => {
    const routes = '$connect=connect,$default';
    await using running = dev('handler.js', '--handler', 'main', '--routes', routes);
    await talk(await running.printed(WEBSOCKET));
    await running.printed(/\tINFO\tconnect \$connect$/m);
    expect(await running.printed(/\tINFO\t(main) \$default$/m)).toBe('main');
  });

  it('below a base path, on another address', TIME, async () => {
    const address = ['--host', '127.0.0.1', '--base-path', 'chat/v1'];
    await using running = dev('--handler', 'handler.main', '--routes', '$default', ...address);
    const url = await running.printed(WEBSOCKET);
    expect(new URL(url).pathname).toBe('/chat/v1');
    await talk(url.replace('localhost', '127.0.0.1'));
    expect(await running.printed(/\tINFO\t(main) \$default$/m)).toBe('main');
  });
});

describe('J2 gatecast dev refuses', () => {
  it.each([
    [['--handler', 'main'], 'Write FILE.EXPORT, such as src/app.main, or pass the entry file.'],
    [['--routes', 'a=main'], 'Write FILE.EXPORT, such as src/app.main, or pass the entry file.'],
    [['--routes', 'a=handler.main,b'], 'The entry file is missing.'],
    [['--routes', 'a='], '--routes takes KEY or KEY=HANDLER, joined by commas, not "a=".'],
    [['--routes', 'a,=main'], '--routes takes KEY or KEY=HANDLER, joined by commas, not "=main".'],
    [['--host', '', 'handler.js'], '--host takes'],
    [
      ['handler.js', '--handler', 'src/app.main', '--routes', 'a'],
      '--handler names a file, too: "src/app.main". Leave out "handler.js", or pass only the name of its export.',
    ],
    [
      ['handler.js', '--routes', 'a=main', '--inspect', '0'],
      '--inspect is for one function, but --routes names handlers.',
    ],
  ])('%j', TIME, async (args, message) => {
    await using running = dev(...args);
    expect(await running.code).toBe(2);
    expect(running.output.stderr).toContain(message);
  });

  it('a handler without a file, and names the files that it looked for', TIME, async () => {
    await using running = dev('--handler', 'src/nowhere.main', '--routes', 'a');
    expect(await running.code).toBe(1);
    expect(running.output.stderr).toContain('The source of "src/nowhere.main" was not found.');
    expect(running.output.stderr).toContain(join('src', 'nowhere.ts'));
  });

  it.each(['/chat', 'a//b'])('the base path "%s"', TIME, async (path) => {
    await using running = dev('--handler', 'handler.main', '--routes', 'a', '--base-path', path);
    expect(await running.code).toBe(2);
    expect(running.output.stderr).toContain(
      '--base-path takes a path of up to 300 letters, digits',
    );
    expect(running.output.stderr).toContain(`not "${path}"`);
  });
});
