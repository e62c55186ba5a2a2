import { LONGEST_ADVANCE_MS } from '../../gateway/clock.js';
import { RequestError } from './admission.js';

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Parses a duration such as `90s` or `1.5h` to milliseconds.
 *
 * @throws RequestError if it is not a duration, is zero, or is longer than a year.
 */
export function parseDuration(text: unknown): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(text)) ?? [];
  const ms = Math.round(Number(number) * (units[unit] ?? Number.NaN));
  if (ms > 0 && ms <= LONGEST_ADVANCE_MS) return ms;
  throw new RequestError(
    400,
    `"${String(text)}" is not a duration. Write a number and a unit, up to a year: 500ms, 90s, 10m, 2h or 1d.`,
  );
}
