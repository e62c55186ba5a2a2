// Frames that Gatecast's client never sends. Each has a defined answer, never reaches a handler, and does
// not harm its own connection or others.
import { describe, expect, it } from 'vitest';
import { errorFrame, expectToWork, serveApp } from './fixtures/bad-input/peer.js';

const app = serveApp();
/** A client's text as it appears in messages to the client. */
const shown = (text: string): string => text.replace(/[\0\n\ud800]/g, '?');
const invalid = (message: string) => ({ code: 'ERR_FRAME_INVALID', message });
/** One test for each value. Each is wrapped, because `it.each` would spread a list to arguments. */
const rows = (values: readonly unknown[]): [unknown][] => values.map((value) => [value]);

describe('a frame', () => {
  it.each(['', 'hello', '{', '{"action":"rooms.echo"', "{'action':'ping'}", 'NaN', '\0', '{}{}'])(
    'that is the text %j is refused',
    async (text) => {
      const notJson = invalid('The frame is not JSON, or has a forbidden key.');
      expect(await app.answerTo(text)).toEqual(errorFrame(notJson));
    },
  );

  it.each(['null', '1', '"x"', 'true', '[]', '[{"action":"ping"}]'])(
    'that is the JSON %s is refused',
    async (text) => {
      const notObject = invalid('The frame is not a JSON object.');
      expect(await app.answerTo(text)).toEqual(errorFrame(notObject));
    },
  );
});

describe('an action', () => {
  it.each([
    {},
    { action: null },
    { action: 1 },
    { action: true },
    { action: {} },
    { action: ['rooms.echo'] },
  ])('that is missing or not a string, as in %j, is refused', async (frame) => {
    const noAction = invalid('"action" must be a string.');
    expect(await app.answerTo({ ...frame, id: 'a', channel: 'rooms/1' })).toEqual(
      errorFrame(noAction, 'a'),
    );
  });

  const unknown = (action: string) => ({
    code: 'ERR_ACTION_UNKNOWN',
    message: expect.stringContaining(`There is no action "${shown(action)}"`),
  });

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
  ])('that is unknown, such as %j, is refused', async (action) => {
    expect(await app.answerTo({ action, id: 'a', channel: 'rooms/1' })).toEqual(
      errorFrame(unknown(action), 'a'),
    );
  });

  it('that is very long is refused with a short message', async () => {
    const few = `${'x'.repeat(80)}…`;
    expect(await app.answerTo({ action: 'x'.repeat(30_000), id: 'a' })).toEqual(
      errorFrame(unknown(few), 'a'),
    );
  });
});

const badIds = [undefined, null, 1, true, '', {}, ['a'], { a: 1 }, 'x'.repeat(65)];

describe.each(['rooms.echo', 'subscribe', 'unsubscribe'])('an id for %s', (action) => {
  it.each(rows(badIds))('that is %j is refused', async (id) => {
    const frame = { action, id, channel: 'rooms/1', channels: ['rooms/1'] };
    const badId = invalid('"id" must be a string of 1 to 64 characters.');
    expect(await app.answerTo(frame)).toEqual(errorFrame(badId));
  });
});

describe('an id', () => {
  it('of any 64 characters is accepted', async () => {
    await using offender = await app.open();
    for (const id of ['x'.repeat(64), '__proto__', 'constructor', '\0', '\ud800']) {
      expect(await offender.ask({ action: 'rooms.echo', id, channel: 'rooms/1', data: 1 })).toEqual(
        { type: 'reply', id, data: 1 },
      );
    }
    await expectToWork(offender);
  });

  it('that is wrong gets no answer on a one-way route, and its message reaches no handler', async () => {
    await using offender = await app.open();
    for (const id of badIds) offender.send({ action: 'rooms.whisper', id, channel: 'rooms/1' });
    expect(await offender.request('rooms.traces', 'rooms/1')).toMatchObject({ handled: [] });
    await expectToWork(offender);
  });
});

const notNames = [null, 1, true, {}, [], ['rooms/1'], { channel: { channel: 'rooms/1' } }];
const mustEncode = 'has a character that must be percent-encoded';
const needNotEncode = 'is percent-encoded where it need not be, or not as UTF-8';
const illegalNames: [name: string, problem: string][] = [
  ['', 'has an empty segment'],
  ['/', 'has an empty segment'],
  ['rooms/', 'has an empty segment'],
  ['/rooms', 'has an empty segment'],
  ['rooms//1', 'has an empty segment'],
  ['rooms/#', mustEncode],
  ['rooms/}', mustEncode],
  ['rooms/a b', mustEncode],
  ['rooms/*', mustEncode],
  ['rooms/é', mustEncode],
  ['rooms/\0', mustEncode],
  ['rooms/\n', mustEncode],
  ['rooms/\ud800', mustEncode],
  ['rooms/%', mustEncode],
  ['rooms/%c3%a9', mustEncode],
  ['rooms/%41', needNotEncode],
  ['rooms/%FF', needNotEncode],
];
const longName = `rooms/${'x'.repeat(195)}`;
const unknownNames = ['nope', 'rooms', 'rooms/1/2', '__proto__', 'constructor', '__proto__/1'];

const noName = invalid('"channel" must be the name of a channel.');
const illegal = (name: string, problem: string) => ({
  code: 'ERR_CHANNEL_NAME',
  message: `The channel name "${shown(name)}" ${problem}.`,
});
const tooLong = illegal(`${longName.slice(0, 80)}…`, 'is longer than 200 bytes');
const unknown = (name: string) => ({
  code: 'ERR_CHANNEL_UNKNOWN',
  message: `There is no channel "${name}": it fits no pattern of the app's channels.`,
});

describe('the channel of a message', () => {
  const to = (channel: unknown) => ({ action: 'rooms.echo', id: 'c', channel });

  it.each(rows([undefined, ...notNames]))('that is %j is refused', async (channel) => {
    expect(await app.answerTo(to(channel))).toEqual(errorFrame(noName, 'c'));
  });

  it.each(illegalNames)('that is %j is refused', async (channel, problem) => {
    expect(await app.answerTo(to(channel))).toEqual(errorFrame(illegal(channel, problem), 'c'));
  });

  it('that has 201 bytes is refused, and one of 200 is not', async () => {
    expect(Buffer.byteLength(longName)).toBe(201);
    expect(await app.answerTo(to(longName))).toEqual(errorFrame(tooLong, 'c'));
    await using offender = await app.open();
    await expectToWork(offender, longName.slice(0, -1));
  });

  it.each(unknownNames)('that is %j, which no class matches, is refused', async (channel) => {
    expect(await app.answerTo(to(channel))).toEqual(errorFrame(unknown(channel), 'c'));
  });

  it('that belongs to another class than the action is refused', async () => {
    const error = {
      code: 'ERR_CHANNEL_UNKNOWN',
      message: 'The channel "arrivals" has no message "rooms.echo".',
    };
    expect(await app.answerTo(to('arrivals'))).toEqual(errorFrame(error, 'c'));
  });

  it('may have a parameter with the name of a property of every object', async () => {
    await using offender = await app.open();
    for (const channel of ['rooms/__proto__', 'rooms/constructor']) {
      expect(await offender.ask(to(channel))).toEqual({ type: 'reply', id: 'c' });
      await expectToWork(offender, channel);
    }
  });
});

describe.each(['subscribe', 'unsubscribe'])('the channels to %s', (action) => {
  it.each(rows([undefined, null, 1, 'rooms/1', {}, { length: 1 }, []]))(
    'that are %j are refused',
    async (channels) => {
      const noList = invalid('"channels" must be a list of channels.');
      expect(await app.answerTo({ action, id: 's', channels })).toEqual(errorFrame(noList, 's'));
    },
  );

  it('are refused one by one', async () => {
    const bad = [
      ...notNames.map((name) => ({ name, channel: '', error: noName })),
      ...illegalNames.map(([name, problem]) => ({
        name,
        channel: name,
        error: illegal(name, problem),
      })),
      { name: longName, channel: `${longName.slice(0, 198)}…`, error: tooLong },
      // Unsubscribing from an unknown channel succeeds.
      ...unknownNames.map((name) => ({
        name,
        channel: name,
        ...(action === 'subscribe' && { error: unknown(name) }),
      })),
    ];
    const good = { channel: 'rooms/1', ...(action === 'subscribe' && { result: 'live' }) };
    const channels = [...bad.map(({ name }) => name), 'rooms/1'];
    const answer = await app.answerTo({ action, id: 's', channels });
    expect(answer).toMatchObject({ type: 'reply', id: 's' });
    expect(answer).toHaveProperty('data', {
      channels: [...bad.map(({ name: _name, ...outcome }) => outcome), good],
    });
  });
});
