import { BlockList, isIP } from 'node:net';
import type { Wildcards } from './pattern.js';

/** How an operator compares a value of a request with one of the policy. */
export interface Operator {
  readonly compare: (actual: string, wanted: string) => boolean;
  /** Whether a value of the policy can be compared. @default any text */
  readonly takes?: (wanted: string) => boolean;
  /** If not `none`, `compare` is not used. */
  readonly wildcards: Wildcards;
  /** Whether values may have policy variables (IAM policy elements: Variables and tags). */
  readonly takesVariables: boolean;
}

const isEqual = (actual: string, wanted: string) => actual === wanted;
const isEqualInAnyCase = (actual: string, wanted: string) =>
  actual.toLowerCase() === wanted.toLowerCase();

const text = { compare: isEqual, wildcards: 'none', takesVariables: true } as const;
const arn: Operator = { ...text, wildcards: 'arn', takes: isArn };
const plain = { wildcards: 'none', takesVariables: false } as const;

/**
 * The operators by their names in lower case, without their negations, `Null`, and `BinaryEquals`, which is
 * not supported here (IAM JSON policy elements: Condition operators).
 */
export const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['stringequals', text],
  ['stringequalsignorecase', { ...text, compare: isEqualInAnyCase }],
  ['stringlike', { ...text, wildcards: 'text' }],
  ['arnequals', arn],
  ['arnlike', arn],
  ['bool', { ...text, compare: isEqualInAnyCase, takes: isBoolean }],
  ['ipaddress', { ...plain, compare: isInRange, takes: (range) => rangeOf(range) !== undefined }],
  ...ordered('numeric', numberOf),
  ...ordered('date', timeOf),
]);

/** The operators that are true where another one is false. */
export const negations: ReadonlyMap<string, string> = new Map([
  ['stringnotequals', 'stringequals'],
  ['stringnotequalsignorecase', 'stringequalsignorecase'],
  ['stringnotlike', 'stringlike'],
  ['arnnotequals', 'arnequals'],
  ['arnnotlike', 'arnlike'],
  ['notipaddress', 'ipaddress'],
  ['numericnotequals', 'numericequals'],
  ['datenotequals', 'dateequals'],
]);

/** Whether a text is a value of `Bool` and `Null`. */
export function isBoolean(value: string): boolean {
  return /^(?:true|false)$/i.test(value);
}

/** Whether a text has the six parts of an ARN. */
function isArn(value: string): boolean {
  return /^arn(?::[^:]*){4}:/.test(value);
}

function ordered(
  kind: string,
  valueOf: (value: string) => number,
): readonly (readonly [name: string, operator: Operator])[] {
  const takes = (value: string) => !Number.isNaN(valueOf(value));
  const by = (isRight: (actual: number, wanted: number) => boolean): Operator => ({
    ...plain,
    takes,
    compare: (actual, wanted) => isRight(valueOf(actual), valueOf(wanted)),
  });
  return [
    [`${kind}equals`, by((actual, wanted) => actual === wanted)],
    [`${kind}lessthan`, by((actual, wanted) => actual < wanted)],
    [`${kind}lessthanequals`, by((actual, wanted) => actual <= wanted)],
    [`${kind}greaterthan`, by((actual, wanted) => actual > wanted)],
    [`${kind}greaterthanequals`, by((actual, wanted) => actual >= wanted)],
  ];
}

/** Of an integer or a decimal. */
function numberOf(value: string): number {
  return /^[+-]?\d+(?:\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
}

/** A year, a month, a day, or a time in a time zone (Date and Time Formats of the W3C). */
const DATE = /^\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?)?)?$/;

/** Of a date, or of seconds since the epoch: a number of four digits is a year. */
function timeOf(value: string): number {
  if (DATE.test(value)) return Date.parse(value);
  return /^\d+$/.test(value) ? Number(value) * 1000 : Number.NaN;
}

function isInRange(actual: string, wanted: string): boolean {
  // `check` is false for a text that is not an address.
  return rangeOf(wanted)?.check(actual, familyOf(actual)) === true;
}

/** Of an address, or of a range such as `203.0.113.0/24`. */
function rangeOf(value: string): BlockList | undefined {
  const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  const bits = { 4: 32, 6: 128 }[isIP(address)];
  if (bits === undefined || Number(prefix ?? bits) > bits) return undefined;
  const range = new BlockList();
  range.addSubnet(address, Number(prefix ?? bits), familyOf(address));
  return range;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
