import { LONGEST_ADVANCE_MS } from '../../gateway/clock.js';
import { faultProblem } from '../../gateway/fault-problem.js';
import type { Fault } from '../../gateway/faults.js';

/** Refuses a request to the control API. The message is sent to the client. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** The HTTP status of the answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

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

/**
 * Parses a fault from the command line or a request.
 *
 * @throws RequestError with the problem and the allowed values.
 */
export function parseFault(value: unknown): Fault {
  const problem = faultProblem(value);
  if (problem !== undefined) throw new RequestError(400, problem);
  return value as Fault;
}
