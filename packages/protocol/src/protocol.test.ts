import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { utf8 } from './bytes.js';
import { byteLength, channelName, channelNameProblem, eventId } from './index.js';
import { sha256 } from './sha256.js';

describe('channel names', () => {
  it.each([
    'rooms',
    'rooms/42',
    'users/a@b.c',
    'a:b=c~d_e-f.g',
    'rooms/a%20b',
    'rooms/%C3%A9',
    'a'.repeat(200),
  ])('accepts %s', (name) => expect(channelNameProblem(name)).toBeUndefined());

  it.each([
    ['', 'empty segment'],
    ['/rooms', 'empty segment'],
    ['rooms/', 'empty segment'],
    ['rooms//42', 'empty segment'],
    ['rooms#42', 'percent-encoded'],
    ['rooms}42', 'percent-encoded'],
    ['rooms/é', 'percent-encoded'],
    ['rooms/a b', 'percent-encoded'],
    ['rooms/%2', 'percent-encoded'],
    ['rooms/%c3%a9', 'percent-encoded'],
    ['rooms/%41', 'need not be'],
    ['rooms/%FF', 'not as UTF-8'],
    ['a'.repeat(201), 'longer than 200 bytes'],
  ])('refuses %s', (name, why) => expect(channelNameProblem(name)).toContain(why));

  it('builds a name from parameters and encodes only what needs it', () => {
    expect(channelName('rooms/:roomId', { roomId: "a b/c#é!'()*:@=" })).toBe(
      'rooms/a%20b%2Fc%23%C3%A9%21%27%28%29%2A:@=',
    );
    expect(channelName('a/:b/c/:d', { b: '1', d: '2' })).toBe('a/1/c/2');
    expect(channelName('announcements', {})).toBe('announcements');
  });

  it('refuses a parameter that cannot be part of a name', () => {
    expect(() => channelName('rooms/:roomId', { roomId: '' })).toThrow('"roomId"');
    expect(() => channelName('rooms/:roomId', {} as { roomId: string })).toThrow('not empty');
    expect(() => channelName('rooms/:roomId', { roomId: '\ud800' })).toThrow('surrogate');
    expect(() => channelName('rooms/:roomId', { roomId: 'x'.repeat(200) })).toThrow(
      'longer than 200',
    );
  });
});

describe('event ids', () => {
  it('hashes as node:crypto does, at every length around a block', () => {
    for (let length = 0; length < 200; length += 1) {
      const text = 'é'.repeat(length % 7) + 'x'.repeat(length);
      expect(Buffer.from(sha256(text)).toString('hex')).toBe(
        createHash('sha256').update(text).digest('hex'),
      );
    }
  });

  it('is 22 characters that differ by channel, frame and ordinal', () => {
    const ids = [
      eventId('a', 'f', 0),
      eventId('b', 'f', 0),
      eventId('a', 'g', 0),
      eventId('a', 'f', 1),
    ];
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
  });
});

it('counts the bytes of a text as UTF-8 does', () => {
  for (const text of ['', 'abc', 'é', '€', '😀', 'a😀é€'])
    expect(byteLength(text)).toBe(Buffer.byteLength(text));
});

it('F5 encodes strings as TextEncoder does, which React Native may lack', () => {
  const samples = ['\u007f', '\u0080', '\u07ff', '\u0800', '\uffff', '\u{10000}', '\u{10ffff}'];
  for (const text of ['', 'abc', 'a😀é€', '\ud83d', '\ude00\ud83d', 'a\udfffb', ...samples])
    expect(utf8(text)).toEqual(new TextEncoder().encode(text));
});
