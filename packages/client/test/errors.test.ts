import { describe, expect, it } from 'vitest';
import { ClientRequestError } from '../src/index.js';

describe('ClientRequestError.is()', () => {
  it('knows one of any copy of the package, and nothing else', () => {
    const error = new ClientRequestError({ code: 'ERR_TIMEOUT', message: 'Late.' });
    const ofAnotherCopy = Object.assign(new Error('Late.'), { name: 'ClientRequestError' });
    expect([error, ofAnotherCopy].map((value) => ClientRequestError.is(value))).toEqual([
      true,
      true,
    ]);
    const others = [new Error('Late.'), { name: 'ClientRequestError' }, null, undefined, 'x'];
    for (const value of others) expect(ClientRequestError.is(value)).toBe(false);
  });
});
