// Data that does not fit its message, and keys that could reach a prototype.
import { describe, expect, it } from 'vitest';
import { errorFrame, expectToWork, serveApp } from './fixtures/bad-input/peer.js';

const app = serveApp();

describe('a key that leads to a prototype', () => {
  const forbidden = errorFrame(
    {
      code: 'ERR_FRAME_INVALID',
      message: 'The frame is not JSON, or has a forbidden key.',
    },
    'k',
  );

  it.each([
    ['', '"__proto__":{"isAdmin":true}'],
    ['', '"constructor":{"prototype":{"isAdmin":true}}'],
    ['', '"__proto__":null'],
    ['"__proto__":{"isAdmin":true}', ''],
    ['"constructor":{"prototype":{"isAdmin":true}}', ''],
    ['"list":[{"deep":{"__proto__":{"isAdmin":true}}}]', ''],
    ['"\\u005f_proto__":{"isAdmin":true}', ''],
    ['"constructo\\u0072":{"prototype":{"isAdmin":true}}', ''],
  ])('in the data {%s} or next to it %s is refused', async (inData, beside) => {
    const rest = `"channel":"rooms/1","data":{${inData}}${beside && `,${beside}`}`;
    for (const action of ['rooms.echo', 'rooms.keysOfPost', 'rooms.keysOfNote']) {
      expect(await app.answerTo(`{"action":"${action}","id":"k",${rest}}`)).toEqual(forbidden);
    }
  });

  it('is harmless as a value', async () => {
    await using offender = await app.open();
    const data = { text: '"__proto__":{}', list: ['__proto__', 'constructor'] };
    expect(await offender.request('rooms.echo', 'rooms/1', data)).toEqual(data);
    await expectToWork(offender);
  });
});

describe('data', () => {
  const send = (action: string, data: unknown) => ({ action, id: 'd', channel: 'rooms/1', data });
  const misfit = (details: unknown) =>
    errorFrame(
      { code: 'ERR_VALIDATION', message: 'The data does not fit the message.', details },
      'd',
    );
  const noObject = [{ path: '', message: 'must be an object' }];
  const tooLong = { path: 'text', message: 'text must be shorter than or equal to 20 characters' };
  const noText = [tooLong, { path: 'text', message: 'text must be a string' }];

  it.each<[unknown, unknown]>([
    [undefined, noObject],
    [null, noObject],
    [1, noObject],
    ['text', noObject],
    [[], noObject],
    [{}, noText],
    [{ text: null }, noText],
    [{ text: 1 }, noText],
    [{ text: {} }, noText],
    [{ text: ['a'] }, noText],
    [{ text: 'x'.repeat(21) }, [tooLong]],
  ])('for a class that is %j is refused with the paths', async (data, details) => {
    expect(await app.answerTo(send('rooms.keysOfPost', data))).toEqual(misfit(details));
  });

  // The messages are the schema library's.
  it.each<[unknown, string]>([
    [undefined, ''],
    [null, ''],
    [1, ''],
    ['text', ''],
    [[], 'text'],
    [{}, 'text'],
    [{ text: null }, 'text'],
    [{ text: 1 }, 'text'],
    [{ text: 'x'.repeat(21) }, 'text'],
  ])('for a schema that is %j is refused with the path', async (data, path) => {
    const details = [{ path, message: expect.any(String) }];
    expect(await app.answerTo(send('rooms.keysOfNote', data))).toEqual(misfit(details));
  });

  it.each(['rooms.keysOfPost', 'rooms.keysOfNote'])(
    'for %s that is nested too deep to be checked is refused',
    async (action) => {
      const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
      const frame = `{"action":"${action}","id":"d","channel":"rooms/1","data":{"text":${deep}}}`;
      expect(await app.answerTo(frame)).toEqual(misfit(expect.any(Array)));
    },
  );

  it('with unknown properties reaches its handler without them', async () => {
    await using offender = await app.open();
    const more = { isAdmin: true, constructor: 'x', toString: 'x', hasOwnProperty: 'x' };
    const data = { text: 'hello', ...more };
    expect(await offender.request('rooms.keysOfPost', 'rooms/1', data)).toEqual({
      keys: ['text'],
      isPost: true,
    });
    expect(await offender.request('rooms.keysOfNote', 'rooms/1', data)).toEqual(['text']);
    await expectToWork(offender);
  });

  it('without a schema may have a property named constructor', async () => {
    await using offender = await app.open();
    const data = { constructor: 'Ferrari', toJSON: 1 };
    expect(await offender.request('rooms.echo', 'rooms/1', data)).toEqual(data);
    await expectToWork(offender);
  });
});
