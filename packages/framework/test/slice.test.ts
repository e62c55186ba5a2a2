import { idOfSliceKey, sliceKey, sliceOf, sliceStart } from '@gatecast/framework/adapter';
import { describe, expect, it } from 'vitest';

const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** A number in base64url with `length` characters. */
function digits(value: number, length: number): string {
  return Array.from(
    { length },
    (_none, place) => CHARACTERS[Math.floor(value / 64 ** (length - 1 - place)) % 64],
  ).join('');
}

/**
 * Ids like those of API Gateway: five characters that count tenths of a second, then characters that
 * differ between the connections of one moment, here a counter.
 */
function idsOfOneMinute(count: number): string[] {
  const opened = 751_000_000;
  return Array.from({ length: count }, (_none, index) => {
    const tenths = opened + Math.floor((index * 600) / count);
    return `${digits(tenths, 5)}cO${digits(index, 4)}CIhw=`;
  });
}

describe('slices', () => {
  it('spread the connections of one minute evenly over all eighths', () => {
    const ids = idsOfOneMinute(10_000);
    expect(new Set(ids.map((id) => id.slice(0, 3))).size).toBeLessThan(3);
    const eighths = Array.from({ length: 8 }, () => 0);
    for (const id of ids) {
      const eighth = Math.floor(sliceOf(id) * 8);
      eighths[eighth] = (eighths[eighth] ?? 0) + 1;
    }
    for (const count of eighths) {
      expect(count).toBeGreaterThan(1_250 * 0.9);
      expect(count).toBeLessThan(1_250 * 1.1);
    }
  });

  it('allow to estimate the number of subscribers from the first 500', () => {
    for (const count of [1_000, 10_000, 40_000]) {
      const keys = idsOfOneMinute(count).map(sliceKey).sort();
      const reached = sliceOf(idOfSliceKey(keys[499] ?? ''));
      expect(Math.abs(500 / reached / count - 1)).toBeLessThan(0.25);
    }
  });

  it('are part of the contract, so they never change', () => {
    expect(sliceKey('L0SM9cOFvHcCIhw=')).toBe('a668L0SM9cOFvHcCIhw=');
    expect(sliceOf('L0SM9cOFvHcCIhw=')).toBe(0xa668 / 65_536);
    expect(idOfSliceKey(sliceKey('L0SM9cOFvHcCIhw='))).toBe('L0SM9cOFvHcCIhw=');
  });

  it('begin at fractions that are rounded to 1/65,536', () => {
    expect(sliceStart(0)).toBe('0000');
    expect(sliceStart(0.5)).toBe('8000');
    expect(sliceStart(0.4 / 65_536)).toBe('0000');
    expect(sliceStart(0.6 / 65_536)).toBe('0001');
    expect(sliceStart(1 - 1 / 65_536)).toBe('ffff');
    const id = 'L0SM9cOFvHcCIhw=';
    expect(sliceKey(id).startsWith(sliceStart(sliceOf(id)) ?? '')).toBe(true);
  });

  it('have no start at 1, and start at 0 for less than 0', () => {
    expect(sliceStart(1)).toBeUndefined();
    expect(sliceStart(2)).toBeUndefined();
    expect(sliceStart(1 - 0.4 / 65_536)).toBeUndefined();
    expect(sliceStart(-1)).toBe('0000');
  });
});
