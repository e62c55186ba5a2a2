import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandsIn, printed, urlOf } from './gatecast-command.js';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-address-'));
  await mkdir(join(directory, 'public'));
});

afterEach(() => rm(directory, { recursive: true }));

const { dev, run, write } = commandsIn(() => directory);

/** Addresses at which `localhost` does not lead to the gateway, or only by one of its two addresses. */
const addresses = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .map(({ address }) => address)
  .filter((address) => address !== '127.0.0.1' && !address.startsWith('fe80:'));

describe('gatecast dev --host', { timeout: 60_000 }, () => {
  it.each(addresses)('can be looked at and commanded on this machine: %s', async (address) => {
    await write('app.cjs', 'exports.handler = async () => ({ statusCode: 200 });');
    await write('public/index.html', 'a page');
    const more = ['--routes', '$default', '--static', 'public', '--ephemeral'];
    await using running = dev('app.cjs', '--host', address, ...more);
    const { host, port } = new URL(await urlOf(running));
    await printed(running, /Inspect/);
    expect(running.output.stdout).toBe(
      [
        `Page       http://${host}/`,
        `WebSocket  ws://${host}/dev`,
        `Inspect    http://${host}/@gatecast/`,
        '\n',
      ].join('\n'),
    );
    expect(await (await fetch(`http://${host}/`)).text()).toBe('a page');
    expect((await fetch(`http://${host}/@gatecast/`)).status).toBe(200);
    expect(await run('clock', 'advance', '1m', '--port', port)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('ahead'),
    });
    expect((await run('env', '--port', port)).stdout).toContain(`ws://${host}/dev`);
  });
});
