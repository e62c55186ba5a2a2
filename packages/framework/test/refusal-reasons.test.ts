import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ClientError, createApp, defineChannel, memoryStore } from '../src/index.js';
import { makeAuthorizerEvent, makeConnectEvent } from '../src/testing/index.js';

const rooms = defineChannel('rooms/:roomId', { messages: () => ({}) });
const printed: unknown[][] = [];

beforeEach(() => {
  printed.length = 0;
  for (const method of ['debug', 'info', 'warn', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation(
      (...values) => void printed.push([method, ...values]),
    );
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const app = createApp({
  channels: [rooms],
  store: memoryStore(),
  authorizer: ({ token }) => {
    const cause = new Error(`the claim "exp" is over\n${token}`);
    throw new ClientError('ERR_UNAUTHORIZED', 'The token is not valid.', { cause });
  },
});
const event = makeAuthorizerEvent({ query: { token: ['eyJ.secret'] } });

it('the reason of a refused token is printed at the level debug, without the token', async () => {
  vi.stubEnv('GATECAST_LOG_LEVEL', 'DEBUG');
  await expect(app.handler(event)).rejects.toThrow('Unauthorized');
  const { connectionId } = event.requestContext;
  expect(printed).toEqual([
    [
      'debug',
      `Gatecast: authorizer on connection ${connectionId} was refused: ERR_UNAUTHORIZED: the claim "exp" is over`,
    ],
  ]);
});

it('the local gateway gets the reason, and Lambda logs only one line', async () => {
  const error: unknown = await app.handler(event).catch((thrown: unknown) => thrown);
  expect(Reflect.get(error as object, Symbol.for('gatecast.reason'))).toContain(
    'the claim "exp" is over',
  );
  expect((error as Error).stack).toBe('Error: Unauthorized');
  expect(JSON.stringify(error)).toBe('{}');
});

it('the message of a refusal without a cause is its reason', async () => {
  vi.stubEnv('GATECAST_LOG_LEVEL', 'debug');
  const open = createApp({
    channels: [rooms],
    store: memoryStore(),
    origins: ['https://a.example'],
  });
  const headers = { Host: 'localhost', Origin: 'https://b.example' };
  expect(await open.handler(makeConnectEvent({ headers }))).toMatchObject({ statusCode: 403 });
  expect(printed).toEqual([
    ['debug', expect.stringMatching(/was refused: ERR_ORIGIN: This origin is not allowed\.$/)],
  ]);
});

it.each([undefined, 'info', 'warn'])('it is not printed at the level %s', async (level) => {
  vi.stubEnv('GATECAST_LOG_LEVEL', level);
  await expect(app.handler(event)).rejects.toThrow('Unauthorized');
  expect(printed).toEqual([]);
});

it('L6 the handler of an app carries its manifest for the gatecast command', () => {
  const { handler, manifest } = app;
  const found = Reflect.get(handler, Symbol.for('gatecast.manifest'));
  expect(found).toBe(manifest);
  expect(Object.keys(handler)).toEqual([]);
});
