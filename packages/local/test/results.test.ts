import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { clockTime, eventLine } from '../src/dev/commands/event-line.js';
import { refusalInFrames } from '../src/dev/control/refusal-in-frames.js';
import { startGateway } from '../src/dev/start-gateway.js';
import type { GatewayEvent } from '../src/gateway/events.js';
import { openLocalApi } from './local-api.js';
import { openConnection } from './open-connection.js';

const error = (code: unknown, message: unknown = 'No.') => ({ code, message });
const reply = (...outcomes: object[]) => ({ type: 'reply', id: '1', data: { channels: outcomes } });
const live = { channel: 'a', result: 'live' };

it.each([
  [{ type: 'error', id: '1', error: error('ERR_VALIDATION') }, 'refused', 'ERR_VALIDATION'],
  [
    {
      type: 'error',
      error: {
        ...error('ERR_VALIDATION', 'The data does not fit.'),
        details: [
          { path: 'text', message: 'is "my secret"' },
          { path: 'to.0', message: 'No.' },
          { path: 'text', message: 'No.' },
          { path: 'my secret', message: 'No.' },
          { path: '', message: 'and 3 more' },
          7,
        ],
      },
    },
    'refused',
    'ERR_VALIDATION: text, to.0',
  ],
  [
    reply({ error: error('ERR_CHANNEL_UNKNOWN', 'There is no channel "a".') }),
    'refused',
    'ERR_CHANNEL_UNKNOWN: There is no channel "a".',
  ],
  [{ type: 'error', error: error('NOT_TODAY') }, 'refused', 'NOT_TODAY'],
  [{ type: 'error', error: error('ERR_INTERNAL') }, 'failed', 'ERR_INTERNAL'],
  [{ type: 'error', error: error('ERR_TIMEOUT') }, 'failed', 'ERR_TIMEOUT'],
  [reply({ channel: 'a', error: error('ERR_FORBIDDEN') }), 'refused', 'ERR_FORBIDDEN'],
  [
    reply(live, { channel: 'b', error: error('ERR_FORBIDDEN') }, live),
    'refused',
    'ERR_FORBIDDEN, 1 of 3 channels',
  ],
  [
    reply({ error: error('ERR_FORBIDDEN') }, { error: error('ERR_INTERNAL') }),
    'failed',
    'ERR_INTERNAL, 2 of 2 channels',
  ],
])('J3 an answer of a Gatecast app is not fine: %j', (frame, result, detail) => {
  expect(refusalInFrames([JSON.stringify(frame)])).toEqual({ result, detail });
});

it.each([
  '',
  'an "error" that is not JSON',
  'null',
  '[{"error":1}]',
  '{"type":"error","error":null}',
  '{"type":"error","error":"broken"}',
  // graphql-ws, and other protocols
  '{"type":"error","id":"1","payload":[{"message":"error"}]}',
  '{"type":"error","error":{"code":401,"message":"No."}}',
  '{"type":"event","data":{"error":{"code":"X","message":"No."}}}',
  '{"type":"reply","id":"1","data":{"error":{"code":"X","message":"No."}}}',
  JSON.stringify(reply(live)),
])('J3 any other answer is fine: %s', (frame) => {
  expect(refusalInFrames([frame])).toBeUndefined();
});

it('J3 a status of 400 or more is a failure of a one-way route only', async () => {
  await using api = await openLocalApi({
    control: true,
    routes: ['$connect', '$disconnect', '$default', { routeKey: 'ask', twoWay: true }],
    respond: ({ body }) => ({ statusCode: body === undefined ? 200 : 503, body: 'No.' }),
  });
  {
    await using connection = await openConnection(api.url);
    connection.send('{"action":"ask"}');
    expect(await connection.receive()).toBe('No.');
    connection.send('hello');
    await vi.waitFor(() => expect(api.log).toHaveLength(3));
  }
  const told = api.log.map(({ route, result, detail }) => [route, result, detail]);
  expect(told.slice(1, 3)).toEqual([
    ['ask', 'ok', '503'],
    ['$default', 'failed', '503: the client does not get this answer'],
  ]);
});

it('J3 a status of 400 or more is a failure of $disconnect', async () => {
  await using api = await openLocalApi({
    respond: ({ requestContext }) => ({
      statusCode: requestContext.routeKey === '$disconnect' ? 500 : 200,
    }),
  });
  const connection = await openConnection(api.url);
  await connection[Symbol.asyncDispose]();
  await vi.waitFor(() =>
    expect(api.log.at(-1)).toMatchObject({
      route: '$disconnect',
      result: 'failed',
      detail: '500: the client does not get this answer',
    }),
  );
});

it('J7 a handshake that is refused at once is reported, without its query', async () => {
  await using api = await openLocalApi({ stage: 'test' });
  const url = api.url.replace('/test', '/prod?token=secret');
  await expect(openConnection(url)).rejects.toThrow('403');
  expect(api.log).toEqual([
    {
      time: expect.any(Number),
      route: '$connect',
      connectionId: expect.any(String),
      result: 'refused',
      detail: '403 GET /prod: the API is at /test',
      durationMs: expect.any(Number),
    },
  ]);
});

it.each([
  ['ok', '\u001b[32mok       \u001b[39m'],
  ['refused', '\u001b[31mrefused  \u001b[39m'],
  ['failed', '\u001b[31mfailed   \u001b[39m'],
] as const)(
  'J3 the result %s has its colour in a terminal that has colours',
  (result, coloured) => {
    const event = {
      time: 0,
      route: 'ask',
      connectionId: 'PJqB0fHsqRcCHlw=',
      result,
      detail: 'ERR_VALIDATION',
      durationMs: 2,
    };
    const start = `${clockTime(0)}  ask   PJqB0fHsqRcCHlw=  `;
    const end = '    2 ms  ERR_VALIDATION';
    const lineWith = (hasColors: boolean) => eventLine(event, { routeWidth: 4, hasColors });
    expect(lineWith(false)).toBe(`${start}${result.padEnd(9)}  ${end}`);
    expect(lineWith(true)).toBe(`${start}${coloured}  ${end}`);
  },
);

it('the detail of an event is one line without control characters, however long it is', () => {
  const event = {
    time: 0,
    route: 'ask',
    connectionId: 'PJqB0fHsqRcCHlw=',
    result: 'failed',
    durationMs: 2,
  } as const;
  const options = { routeWidth: 4, hasColors: false };
  const line = eventLine({ ...event, detail: 'Error: a \n\n  b\r\u001b[2Jc' }, options);
  expect(line).toMatch(/ {2}Error: a b \[2Jc$/);
  // A backtracking expression would take minutes for this one.
  const spaces = `a${' '.repeat(131_072)}b`;
  expect(eventLine({ ...event, detail: spaces }, options).endsWith(spaces)).toBe(true);
});

it.each([
  ['old', '401', 'ERR_UNAUTHORIZED: the claim "exp" is over'],
  ['banned', '403', 'ERR_FORBIDDEN: Ann is banned.'],
])(
  'the reason of an authorizer is reported, but not its token: %s',
  async (token, status, detail) => {
    const log: GatewayEvent[] = [];
    const entry = fileURLToPath(new URL('fixtures/guarded-app.ts', import.meta.url));
    const onEvent = (event: GatewayEvent) => log.push(event);
    await using gateway = await startGateway({ entry, quiet: true, onEvent });
    await expect(openConnection(`${gateway.url}?token=${token}`)).rejects.toThrow(status);
    expect(log).toMatchObject([{ route: 'authorizer', result: 'refused', detail }]);
  },
);
