import { beforeEach, describe, expect, it } from 'vitest';
import type { Head } from '../src/dynamodb/log/head.js';
import { Observations } from '../src/dynamodb/log/observations.js';

const headAt = (top: number, epoch = 'one'): Head => ({
  epoch,
  top,
  floor: 0,
  ids: new Map(),
  ttl: 0,
  purged: 0,
});

let seen: Observations;
beforeEach(() => {
  seen = new Observations();
});
const note = (top: number, at: number, { own = 0, epoch = 'one', channel = 'room' } = {}): void =>
  seen.note(channel, { head: headAt(top, epoch), at, own });
const topAt = (now: number): number | undefined => seen.recent('room', now)?.top;

describe('the last HEAD of a channel', () => {
  it('is of use for a minute, and not to a clock that was set back', () => {
    expect(topAt(0)).toBeUndefined();
    note(7, 1_000);
    expect([999, 1_000, 61_000, 61_001].map(topAt)).toEqual([undefined, 7, 7, undefined]);
  });

  it('is of use until others have probably appended six entries', () => {
    note(0, 0);
    note(6, 1_000);
    expect([2_000, 2_001].map(topAt)).toEqual([6, undefined]);
    // Their rate counts half as much with each observation without an append.
    note(6, 1_001);
    expect([3_001, 3_002].map(topAt)).toEqual([6, undefined]);
  });

  it('has a rate also if two were seen in one millisecond', () => {
    note(0, 1_000);
    note(6, 1_000);
    expect([1_001, 1_002].map(topAt)).toEqual([6, undefined]);
  });

  it("is of use for as long if the entries are one's own", () => {
    note(0, 0);
    note(6, 1_000, { own: 6 });
    expect(topAt(61_000)).toBe(6);
  });

  it('is the newest: one that arrives late is dropped', () => {
    note(7, 0);
    note(6, 30_000);
    expect([60_000, 60_001].map(topAt)).toEqual([7, undefined]);
    note(7, 40_000);
    expect(topAt(100_000)).toBe(7);
  });

  it('is that of a new log, however short, and its length says nothing about the rate', () => {
    note(7, 0);
    note(3, 1_000, { epoch: 'two' });
    expect(topAt(1_000)).toBe(3);
    note(90, 1_001, { epoch: 'three' });
    expect(topAt(61_001)).toBe(90);
  });

  it('is forgotten when 1,000 other channels were seen since', () => {
    const notes = (from: number, to: number) => {
      for (let index = from; index < to; index += 1) note(index, 0, { channel: `${index}` });
    };
    const isKnown = (index: number) => seen.recent(`${index}`, 0) !== undefined;
    notes(0, 1_000);
    expect([0, 1, 999].map(isKnown)).toEqual([true, true, true]);
    note(0, 0, { channel: '0' });
    notes(1_000, 1_001);
    expect([0, 1, 2, 1_000].map(isKnown)).toEqual([true, false, true, true]);
  });
});

it('the size of payloads is kept while the channel is known', () => {
  seen.notePayloads('room', 100);
  expect(seen.payloadBytes('room')).toBeUndefined();
  expect(topAt(0)).toBeUndefined();
  note(7, 0);
  expect(seen.payloadBytes('room')).toBeUndefined();
  seen.notePayloads('room', 100);
  note(8, 0);
  expect(seen.payloadBytes('room')).toBe(100);
  expect(topAt(0)).toBe(8);
});
