// Frames that no client of ours sends. Each has one defined answer, reaches no handler, and harms
// neither its own connection nor another.
import { describe, expect, it } from 'vitest';
import { expectToWork, serveApp } from './fixtures/bad-input/peer.js';

const app = serveApp();
const untouched = { handled: [], polluted: [] };

interface Refusal {
  readonly id?: string;
  readonly code: string;
  readonly message: string;
}

async function expectRefusal(frame: string | object, { id, code, message }: Refusal) {
  await using offender = await app.open();
  expect(await offender.ask(frame)).toEqual({
    type: 'error',
    ...(id !== undefined && { id }),
    error: { code, message },
  });
  expect(await offender.request('rooms.traces', 'rooms/1')).toEqual(untouched);
  await expectToWork(offender);
}

describe('a frame', () => {
  const notJson = 'The frame is not JSON, or has a forbidden key.';
  const notObject = 'The frame is not a JSON object.';

  it.each(['', 'hello', '{', '{"action":"rooms.echo"', "{'action':'ping'}", 'NaN', '\0', '{}{}'])(
    'that is the text %j is refused',
    (text) => expectRefusal(text, { code: 'ERR_FRAME_INVALID', message: notJson }),
  );

  it.each(['null', '1', '"x"', 'true', '[]', '[{"action":"ping"}]'])(
    'that is the JSON %s is refused',
    (text) => expectRefusal(text, { code: 'ERR_FRAME_INVALID', message: notObject }),
  );

  it('that is nested too deep to be read is refused', async () => {
    await using offender = await app.open();
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    const frame = `{"action":"rooms.post","id":"1","channel":"rooms/1","data":{"text":${deep}}}`;
    expect(await offender.ask(frame)).toMatchObject({
      type: 'error',
      id: '1',
      error: { code: 'ERR_VALIDATION' },
    });
    await expectToWork(offender);
  });
});

describe('a key that leads to a prototype', () => {
  const forbidden = {
    code: 'ERR_FRAME_INVALID',
    message: 'The frame is not JSON, or has a forbidden key.',
  };

  it.each([
    ['', '"__proto__":{"isAdmin":true}'],
    ['', '"constructor":{"prototype":{"isAdmin":true}}'],
    ['', '"__proto__":null'],
    ['"__proto__":{"isAdmin":true}', ''],
    ['"constructor":{"prototype":{"isAdmin":true}}', ''],
    ['"list":[{"deep":{"__proto__":{"isAdmin":true}}}]', ''],
    ['"\\u005f_proto__":{"isAdmin":true}', ''],
    ['"constructo\\u0072":{"prototype":{"isAdmin":true}}', ''],
  ])('in data {%s} or beside it %s is refused', async (inData, beside) => {
    const end = beside && `,${beside}`;
    for (const action of ['rooms.echo', 'rooms.keysOfPost', 'rooms.keysOfNote']) {
      await expectRefusal(
        `{"action":"${action}","id":"k","channel":"rooms/1","data":{${inData}}${end}}`,
        forbidden,
      );
    }
  });

  it('is no key when it is a value', async () => {
    await using offender = await app.open();
    const data = { text: '"__proto__":{}', list: ['__proto__', 'constructor'] };
    expect(await offender.request('rooms.echo', 'rooms/1', data)).toEqual(data);
  });
});

describe('data', () => {
  const refusal = (details: unknown) => ({
    type: 'error',
    id: 'd',
    error: { code: 'ERR_VALIDATION', message: 'The data does not fit the message.', details },
  });
  const send = (action: string, data: unknown) => ({ action, id: 'd', channel: 'rooms/1', data });
  const wrongText = [
    { path: 'text', message: 'text must be shorter than or equal to 20 characters' },
    { path: 'text', message: 'text must be a string' },
  ];

  it.each([
    [{}, wrongText],
    [{ text: null }, wrongText],
    [{ text: 1 }, wrongText],
    [{ text: {} }, wrongText],
    [{ text: ['a'] }, wrongText],
    [{ text: 'x'.repeat(21) }, wrongText.slice(0, 1)],
    ...[undefined, null, 1, 'text', []].map((data): [unknown, unknown] => [
      data,
      [{ path: '', message: 'must be an object' }],
    ]),
  ])('for a class that is %j is refused with the paths', async (data, details) => {
    await using offender = await app.open();
    expect(await offender.ask(send('rooms.keysOfPost', data))).toEqual(refusal(details));
    expect(await offender.request('rooms.traces', 'rooms/1')).toEqual(untouched);
    await expectToWork(offender);
  });

  // The words are the schema library's.
  it.each([
    [{}, 'text'],
    [{ text: null }, 'text'],
    [{ text: 1 }, 'text'],
    [{ text: 'x'.repeat(21) }, 'text'],
    [undefined, ''],
    [null, ''],
    [1, ''],
    ['text', ''],
    [[], 'text'],
  ])('for a schema that is %j is refused with the path', async (data, path) => {
    await using offender = await app.open();
    expect(await offender.ask(send('rooms.keysOfNote', data))).toEqual(
      refusal([{ path, message: expect.any(String) }]),
    );
    expect(await offender.request('rooms.traces', 'rooms/1')).toEqual(untouched);
    await expectToWork(offender);
  });

  it('with more than was asked for reaches its handler without it', async () => {
    await using offender = await app.open();
    const data = {
      text: 'hello',
      isAdmin: true,
      constructor: 'x',
      toString: 'x',
      hasOwnProperty: 'x',
      then: {},
    };
    expect(await offender.request('rooms.keysOfPost', 'rooms/1', data)).toEqual({
      keys: ['text'],
      isPost: true,
    });
    expect(await offender.request('rooms.keysOfNote', 'rooms/1', data)).toEqual(['text']);
    await expectToWork(offender);
  });

  it('that nobody checks may say who constructed it', async () => {
    await using offender = await app.open();
    const data = { constructor: 'Ferrari', toJSON: 1, then: 2 };
    expect(await offender.request('rooms.echo', 'rooms/1', data)).toEqual(data);
    await expectToWork(offender);
  });
});

describe('an action', () => {
  it.each([{}, { action: null }, { action: 1 }, { action: true }, { action: ['rooms.echo'] }])(
    'that is none, as in %j, is refused',
    (frame) =>
      expectRefusal(
        { ...frame, id: 'a', channel: 'rooms/1' },
        { id: 'a', code: 'ERR_FRAME_INVALID', message: '"action" must be a string.' },
      ),
  );

  it.each([
    '',
    'nope',
    'rooms.nope',
    'rooms.echo ',
    'ROOMS.ECHO',
    '$connect',
    '$disconnect',
    '$default',
    '__proto__',
    'constructor',
    'rooms.__proto__',
    'rooms.constructor',
    'toString',
    '\ud800',
  ])('that is unknown, as is %j, is refused', (action) =>
    expectRefusal(
      { action, id: 'a', channel: 'rooms/1' },
      { id: 'a', code: 'ERR_ACTION_UNKNOWN', message: `There is no action "${action}".` },
    ),
  );

  it('that is very long is refused in few words', () =>
    expectRefusal(
      { action: 'x'.repeat(30_000), id: 'a' },
      {
        id: 'a',
        code: 'ERR_ACTION_UNKNOWN',
        message: `There is no action "${'x'.repeat(80)}…".`,
      },
    ));
});

const badIds: unknown[] = [undefined, null, 1, true, '', {}, ['a'], { a: 1 }, 'x'.repeat(65)];
/** One test for each value; `it.each` would take the items of a list for arguments. */
const rows = (values: readonly unknown[]): [unknown][] => values.map((value) => [value]);

describe.each(['rooms.echo', 'subscribe', 'unsubscribe'])('an id for %s', (action) => {
  it.each(rows(badIds))('that is %j is refused', (id) =>
    expectRefusal(
      { action, id, channel: 'rooms/1', channels: ['rooms/1'] },
      { code: 'ERR_FRAME_INVALID', message: '"id" must be a string of 1 to 64 characters.' },
    ),
  );
});

describe('an id', () => {
  it('of 64 characters is taken, whatever they are', async () => {
    await using offender = await app.open();
    for (const id of ['x'.repeat(64), '__proto__', 'constructor', '\0', '\ud800']) {
      expect(await offender.ask({ action: 'rooms.echo', id, channel: 'rooms/1', data: 1 })).toEqual(
        { type: 'reply', id, data: 1 },
      );
    }
  });

  it('that is bad gets no answer on a one-way route, and its message is not handled', async () => {
    await using offender = await app.open();
    for (const id of badIds) offender.send({ action: 'rooms.whisper', id, channel: 'rooms/1' });
    expect(await offender.request('rooms.traces', 'rooms/1')).toEqual(untouched);
    await expectToWork(offender);
  });
});

const encode = 'has a character that must be percent-encoded';
const illegalNames: [string, string][] = [
  ['', 'has an empty segment'],
  ['/', 'has an empty segment'],
  ['rooms/', 'has an empty segment'],
  ['/rooms', 'has an empty segment'],
  ['rooms//1', 'has an empty segment'],
  ['rooms/#', encode],
  ['rooms/}', encode],
  ['rooms/a b', encode],
  ['rooms/*', encode],
  ['rooms/é', encode],
  ['rooms/\0', encode],
  ['rooms/\n', encode],
  ['rooms/\ud800', encode],
  ['rooms/%', encode],
  ['rooms/%c3%a9', encode],
  ['rooms/%41', 'is percent-encoded where it need not be, or not as UTF-8'],
  ['rooms/%FF', 'is percent-encoded where it need not be, or not as UTF-8'],
];
const longName = `rooms/${'x'.repeat(195)}`;
const unknownNames = ['nope', 'rooms', 'rooms/1/2', '__proto__', 'constructor', '__proto__/1'];
const notNames = [null, 1, true, {}, [], ['rooms/1'], { channel: { channel: 'rooms/1' } }];

const noName = {
  code: 'ERR_FRAME_INVALID',
  message: '"channel" must be the name of a channel.',
};
const illegal = (name: string, problem: string) => ({
  code: 'ERR_CHANNEL_NAME',
  message: `The channel name "${name}" ${problem}.`,
});
const tooLong = illegal(`${longName.slice(0, 80)}…`, 'is longer than 200 bytes');
const unknown = (name: string) => ({
  code: 'ERR_CHANNEL_UNKNOWN',
  message: `There is no channel "${name}".`,
});

describe('the channel of a message', () => {
  const to = (channel: unknown) => ({ action: 'rooms.echo', id: 'c', channel });

  it.each(rows([undefined, ...notNames]))('that is %j is refused', (channel) =>
    expectRefusal(to(channel), { id: 'c', ...noName }),
  );

  it.each(illegalNames)('that is %j is refused', (channel, problem) =>
    expectRefusal(to(channel), { id: 'c', ...illegal(channel, problem) }),
  );

  it('that has 201 bytes is refused, and one of 200 is not', async () => {
    expect(Buffer.byteLength(longName)).toBe(201);
    await expectRefusal(to(longName), { id: 'c', ...tooLong });
    await using offender = await app.open();
    await expectToWork(offender, longName.slice(0, -1));
  });

  it.each(unknownNames)('that is %j, which no class has, is refused', (channel) =>
    expectRefusal(to(channel), { id: 'c', ...unknown(channel) }),
  );

  it('that is of another class than the action is refused', () =>
    expectRefusal(to('arrivals'), {
      id: 'c',
      code: 'ERR_CHANNEL_UNKNOWN',
      message: 'The channel "arrivals" has no message "rooms.echo".',
    }));

  it('may have a parameter with the name of something that every object has', async () => {
    await using offender = await app.open();
    await expectToWork(offender, 'rooms/__proto__');
    await expectToWork(offender, 'rooms/constructor');
  });
});

describe.each(['subscribe', 'unsubscribe'])('the channels to %s', (action) => {
  it.each(rows([undefined, null, 1, 'rooms/1', {}, { length: 1 }, []]))(
    'that are %j are refused',
    (channels) =>
      expectRefusal(
        { action, id: 's', channels },
        { id: 's', code: 'ERR_FRAME_INVALID', message: '"channels" must be a list of channels.' },
      ),
  );

  it('are refused one by one', async () => {
    await using offender = await app.open();
    const channels = [
      ...notNames,
      ...illegalNames.map(([name]) => name),
      longName,
      ...unknownNames,
      'rooms/1',
    ];
    expect(await offender.ask({ action, id: 's', channels })).toEqual({
      type: 'reply',
      id: 's',
      data: {
        channels: [
          ...notNames.map(() => ({ channel: '', error: noName })),
          ...illegalNames.map(([name, problem]) => ({
            channel: name,
            error: illegal(name, problem),
          })),
          { channel: longName, error: tooLong },
          ...unknownNames.map((name) => ({ channel: name, error: unknown(name) })),
          action === 'subscribe' ? { channel: 'rooms/1', result: 'live' } : { channel: 'rooms/1' },
        ],
      },
    });
    await expectToWork(offender);
  });
});
