import { textOf } from '../json-path.js';

/** What an operator of a template does. */
type Calculation = (left: unknown, right: unknown) => unknown;

function ofNumbers(calculate: (left: number, right: number) => unknown): Calculation {
  return (left, right) =>
    typeof left === 'number' && typeof right === 'number' ? calculate(left, right) : null;
}

/**
 * Velocity only calculates with numbers, not with texts such as "7", and every value of an authorizer is a
 * text (row 4.10). The result is nothing otherwise, which is false in a condition (row 8.7).
 */
export const calculations: ReadonlyMap<string, Calculation> = new Map(
  Object.entries({
    '+': (left, right) =>
      typeof left === 'string' || typeof right === 'string'
        ? textOf(left) + textOf(right)
        : ofNumbers((a, b) => a + b)(left, right),
    '-': ofNumbers((left, right) => left - right),
    '*': ofNumbers((left, right) => left * right),
    '%': ofNumbers((left, right) => (right === 0 ? null : left % right)),
    '/': ofNumbers((left, right) => {
      if (right === 0) return null;
      const isWhole = Number.isInteger(left) && Number.isInteger(right);
      return isWhole ? Math.trunc(left / right) : left / right;
    }),
    '<': ofNumbers((left, right) => left < right),
    '<=': ofNumbers((left, right) => left <= right),
    '>': ofNumbers((left, right) => left > right),
    '>=': ofNumbers((left, right) => left >= right),
  }),
);
