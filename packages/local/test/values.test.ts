import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { main } from '../src/dev/cli.js';
import { openGateway } from '../src/dev/open-gateway.js';
import { type StartGatewayOptions, startGateway } from '../src/dev/start-gateway.js';
import { Clock } from '../src/gateway/clock.js';
import { Faults } from '../src/gateway/faults.js';

const entry = fileURLToPath(new URL('fixtures/handlers.mjs', import.meta.url));

/** Values of options that cannot work, also where only `startGateway` has the option. */
const wrongValues: readonly StartGatewayOptions[] = [
  { port: 70_000 },
  { port: 3.5 },
  { stage: 'a b/c' },
  { stage: '' },
  { stage: '$default' },
  { integrationTimeoutMs: -5 },
  { integrationTimeoutMs: 49 },
  { integrationTimeoutMs: 29_001 },
  { integrationTimeoutMs: Number.NaN },
  { seed: -1 },
  { apiKeys: 'secret' as never },
  { onEvent: 'print' as never },
];
const wrongFunctionValues: readonly StartGatewayOptions[] = [
  { maxEnvironments: 0 },
  { maxEnvironments: 1.5 },
  { timeoutMs: 3e10 },
  { timeoutMs: 0 },
  { timeoutMs: '5000' as never },
  { memoryMb: -3 },
  { memoryMb: 127 },
  { inspect: 'abc' },
  { inspect: '127.0.0.1:70000' },
];

const valueOf = (options: object) => ({
  code: 'ERR_OPTION_VALUE',
  message: expect.stringContaining(`as "${Object.keys(options)[0]}".`),
  hint: expect.stringMatching(/^It takes .+\.$/),
});

describe('a value that cannot work', () => {
  it.each(wrongValues)('K2 is refused by openGateway: %j', async (options) => {
    const open = openGateway(options);
    await expect(open).rejects.toMatchObject(valueOf(options));
  });

  it.each([...wrongValues, ...wrongFunctionValues])(
    'K2 is refused by startGateway: %j',
    async (options) => {
      const start = startGateway({ entry, ...options });
      await expect(start).rejects.toMatchObject(valueOf(options));
    },
  );

  it.each(wrongFunctionValues)(
    'K2 is refused for one of several functions: %j',
    async (options) => {
      const start = startGateway({
        functions: { chat: { entry, ...options } },
        routes: ['$default'],
      });
      await expect(start).rejects.toMatchObject(valueOf(options));
      await expect(start).rejects.toThrow('The function "chat" of startGateway() was given');
    },
  );

  it.each([0, 49, 60_000, Number.NaN])('K2 7.9 is refused for a route: %d', async (timeoutMs) => {
    await using gateway = await openGateway();
    const handler = { invoke: async () => ({ type: 'response', payload: null }) as const };
    expect(() => gateway.use({ handler, routes: [{ routeKey: 'say', timeoutMs }] })).toThrow(
      `The route "say" was given ${timeoutMs} as "timeoutMs".`,
    );
  });

  it.each([
    { on: 'post', kind: 'nothing' },
    { on: 'message', kind: 'lost' },
    { on: 'post', kind: 'gone', probability: 7 },
    { on: 'post', kind: 'gone', probability: Number.NaN },
    { on: 'post', kind: 'gone', times: 0 },
    { on: 'post', kind: 'delayed' },
    { on: 'post', kind: 'delayed', delayMs: -1 },
    { on: 'post', kind: 'delayed', delayMs: 5e9 },
    { on: 'invocation', kind: 'killed', delayMs: 2.5 },
    { on: 'post', kind: 'gone', connection: 'x' },
  ])('K2 is refused for a fault: %j', (fault) => {
    const faults = new Faults(1);
    expect(() => faults.add(fault as never)).toThrow(TypeError);
    expect(faults.list).toEqual([]);
  });

  it.each([undefined, Number.NaN, -1, Number.POSITIVE_INFINITY, '10m'])(
    'K2 moves no clock: %s',
    (byMs) => {
      const clock = new Clock(() => 0);
      expect(() => clock.advance(byMs as number)).toThrow('clock.advance() was given');
      expect(clock.aheadMs).toBe(0);
    },
  );

  it.each([
    [{ serial: 'yes' }, 'ERR_OPTION_VALUE'],
    [{ droppedReason: 1 }, 'ERR_OPTION_VALUE'],
    [{ seriall: true }, 'ERR_OPTION_UNKNOWN'],
  ])('K2 is refused among the quirks: %j', async (given, code) => {
    const quirks = given as StartGatewayOptions['quirks'];
    const refusal = { code, message: expect.stringContaining('The option "quirks" of ') };
    await expect(openGateway({ quirks })).rejects.toMatchObject(refusal);
    await expect(startGateway({ entry, quirks })).rejects.toMatchObject(refusal);
  });

  it.each([
    [{ twoway: true }, 'ERR_OPTION_UNKNOWN'],
    [{ twoWay: 'yes' }, 'ERR_OPTION_VALUE'],
    [{ integration: 'Mock' }, 'ERR_OPTION_VALUE'],
    [{ apiKeyRequired: 1 }, 'ERR_OPTION_VALUE'],
  ])('K2 is refused in a route: %j', async (given, code) => {
    const routes = [{ routeKey: '$connect', ...(given as object) }];
    const refusal = { code, message: expect.stringContaining('The route "$connect" ') };
    await expect(startGateway({ entry, routes })).rejects.toMatchObject(refusal);
  });

  it('K2 is refused in the authorizer', async () => {
    const functions = { auth: { entry } };
    const authorizer = { function: 'auth', identitySource: ['route.request.querystring.token'] };
    const starting = startGateway({ entry, functions, routes: ['$connect'], authorizer });
    await expect(starting).rejects.toMatchObject({
      code: 'ERR_OPTION_UNKNOWN',
      message: expect.stringContaining('The authorizer '),
    });
  });

  it('K2 is refused as an unknown option is', async () => {
    const options = { entry, maxEnvironment: 1 };
    await expect(startGateway(options)).rejects.toMatchObject({ code: 'ERR_OPTION_UNKNOWN' });
  });

  it.each([
    [['--port', '70000'], '--port takes a whole number from 0 to 65,535, not "70000".'],
    [['--inspect', 'abc'], '--inspect takes a port from 0 to 65,535, or host:port, not "abc".'],
    [['--timeout', '99999999'], '--timeout takes a whole number from 1 to 900, not "99999999".'],
    [['--environments', '0'], '--environments takes a whole number from 1 to 1,000, not "0".'],
    [['--routes', ''], '--routes takes KEY or KEY=HANDLER, joined by commas, not "".'],
    [['--routes', 'a,'], '--routes takes KEY or KEY=HANDLER, joined by commas, not "".'],
    [['--api-keys', 'a,'], '--api-keys takes API keys of 20 to 128 characters, joined by commas.'],
    [['--api-keys', ''], '--api-keys takes API keys of 20 to 128 characters, joined by commas.'],
    [['--static', 'nowhere'], '--static names the folder "nowhere", which does not exist.'],
    [['--stage', 'a b'], '--stage takes up to 128 letters, digits, "-" and "_", not "a b".'],
  ])('J4 K2 is refused on the command line: %j', async (args, message) => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const code = await main(['dev', entry, ...args]);
    const shown = stderr.mock.calls.join('');
    stderr.mockRestore();
    expect(code).toBe(2);
    expect(shown).toContain(message);
  });

  it.each([
    [['--routes', '$conect'], 'The route key "$conect" begins with "$", which only '],
    [['--routes', 'a,a'], 'Two routes have the key "a". Remove one of them.\n'],
  ])('J4 a wrong route is told in one sentence, without a stack: %j', async (args, message) => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const code = await main(['dev', entry, '--port', '0', ...args]);
    const shown = stderr.mock.calls.join('');
    stderr.mockRestore();
    expect(code).toBe(1);
    expect(shown).toContain(message);
    expect(shown).not.toContain('    at ');
  });

  it('J4 K2 of another port is refused by the commands that ask a gateway', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const code = await main(['fault', 'list', '--port', '70000']);
    const shown = stderr.mock.calls.join('');
    stderr.mockRestore();
    expect(code).toBe(2);
    expect(shown).toContain('--port takes a whole number from 1 to 65,535, not "70000".');
  });
});
