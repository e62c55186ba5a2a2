import { BlockList, isIP } from 'node:net';
import { matchesPattern, type Variables, variablesIn, withVariables } from './pattern.js';
import type { PolicyStatement } from './policy-document.js';

/** What the condition keys are made from. */
export interface ConditionedRequest {
  /** Time on the gateway's clock, in milliseconds since the epoch. */
  readonly now: number;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  readonly referer: string | undefined;
}

/**
 * The condition keys of a request by their names in lower case, `undefined` for one that it lacks: those
 * that API Gateway has for requests of every kind (AWS condition keys that can be used in API Gateway
 * resource policies). The keys of private APIs are always absent, because a WebSocket API is never
 * private.
 */
export function conditionKeys({
  now,
  sourceIp,
  userAgent,
  referer,
}: ConditionedRequest): Variables {
  return new Map([
    ['aws:currenttime', new Date(now).toISOString()],
    ['aws:epochtime', String(Math.floor(now / 1000))],
    ['aws:referer', referer],
    // On AWS, clients can only use TLS (row 3.21). Plain text stands for it here.
    ['aws:securetransport', 'true'],
    ['aws:sourcearn', undefined],
    ['aws:sourceip', sourceIp],
    ['aws:sourcevpc', undefined],
    ['aws:sourcevpce', undefined],
    ['aws:useragent', userAgent],
    ['aws:vpcsourceip', undefined],
  ]);
}

const known = conditionKeys({ now: 0, sourceIp: '', userAgent: undefined, referer: undefined });

/** Whether the gateway knows the value of a condition key or policy variable. */
export function isKnownKey(name: string): boolean {
  return known.has(name.toLowerCase());
}

/** The condition of a statement: operators, each with condition keys and the values to compare. */
export type Condition = NonNullable<PolicyStatement['Condition']>;

interface Operator {
  readonly compare: (actual: string, wanted: string) => boolean;
  /** Whether a value of the policy can be compared. @default any text */
  readonly takes?: (wanted: string) => boolean;
  /** Whether values may have wildcards. @default false */
  readonly hasWildcards?: boolean;
}

const isEqual = (actual: string, wanted: string) => actual === wanted;
const isEqualInAnyCase = (actual: string, wanted: string) =>
  actual.toLowerCase() === wanted.toLowerCase();

/** The operators by their names in lower case; their negations are in `negations`. */
const operators = new Map<string, Operator>([
  ['stringequals', { compare: isEqual }],
  ['stringequalsignorecase', { compare: isEqualInAnyCase }],
  ['stringlike', { compare: isEqual, hasWildcards: true }],
  ['arnequals', { compare: isEqual, hasWildcards: true }],
  ['arnlike', { compare: isEqual, hasWildcards: true }],
  ['bool', { compare: isEqualInAnyCase, takes: isBoolean }],
  ['ipaddress', { compare: isInRange, takes: (text) => rangeOf(text) !== undefined }],
  ...ordered('numeric', numberOf),
  ...ordered('date', timeOf),
]);

const negations: ReadonlyMap<string, string> = new Map([
  ['stringnotequals', 'stringequals'],
  ['stringnotequalsignorecase', 'stringequalsignorecase'],
  ['stringnotlike', 'stringlike'],
  ['arnnotequals', 'arnequals'],
  ['arnnotlike', 'arnlike'],
  ['notipaddress', 'ipaddress'],
  ['numericnotequals', 'numericequals'],
  ['datenotequals', 'dateequals'],
]);

interface Test {
  readonly operator: Operator;
  readonly isNegated: boolean;
  /** `true` if the key is absent; without it a negation is true then, and everything else false. */
  readonly ifAbsent: boolean;
}

/**
 * Reads the name of an operator: `IfExists` at its end, and `ForAnyValue:` or `ForAllValues:` before it.
 * Every key here has one value, so that these two only differ in what an absent key means.
 */
function testOf(name: string): Test | 'null' | undefined {
  const [, set, base = '', ifExists] =
    /^(forallvalues:|foranyvalue:)?(.+?)(ifexists)?$/.exec(name.toLowerCase()) ?? [];
  if (base === 'null') return set === undefined && ifExists === undefined ? 'null' : undefined;
  const operator = operators.get(negations.get(base) ?? base);
  if (!operator) return undefined;
  const isNegated = negations.has(base);
  const ifAbsent =
    ifExists !== undefined || (set === undefined ? isNegated : set === 'forallvalues:');
  return { operator, isNegated, ifAbsent };
}

/** Why the condition of a statement cannot be evaluated; `undefined` if it can. */
export function problemWithCondition(
  condition: unknown,
  hasVariables: boolean,
): string | undefined {
  if (!isObject(condition)) return 'the "Condition" of a statement of its policy is not an object';
  for (const [name, keys] of Object.entries(condition)) {
    const test = testOf(name);
    if (!test)
      return `its policy has the condition operator "${name}", which is not supported here`;
    if (!isObject(keys))
      return `the condition operator "${name}" of its policy has no object of keys`;
    for (const [key, values] of Object.entries(keys)) {
      if (!isKnownKey(key)) {
        return `its policy has the condition key "${key}", whose value is not known here`;
      }
      const wanted = wantedOf(values);
      if (wanted.length === 0) {
        return `the condition key "${key}" of its policy has no text, number or boolean to compare`;
      }
      const takes = test === 'null' ? isBoolean : test.operator.takes;
      const wrong = wanted.find(
        (text) => !(hasVariables && variablesIn(text).length > 0) && takes?.(text) === false,
      );
      if (wrong !== undefined) {
        return `the condition operator "${name}" of its policy cannot compare "${wrong}"`;
      }
    }
  }
  return undefined;
}

/** The texts of a condition, whose policy variables must be known, too. */
export function textsOfCondition(condition: unknown): string[] {
  const operands = isObject(condition) ? Object.values(condition) : [];
  return operands.flatMap((keys) => (isObject(keys) ? Object.values(keys).flatMap(wantedOf) : []));
}

/** Whether all operators and keys of a condition are true. */
export function isTrue(
  condition: Condition,
  keys: Variables,
  { hasVariables }: { readonly hasVariables: boolean },
): boolean {
  const variables = hasVariables ? keys : undefined;
  return Object.entries(condition).every(([name, wantedByKey]) => {
    const test = testOf(name);
    return Object.entries(wantedByKey).every(([key, values]) => {
      const wanted = wantedOf(values);
      return test !== undefined && holds(test, keys.get(key.toLowerCase()), { wanted, variables });
    });
  });
}

function holds(
  test: Test | 'null',
  actual: string | undefined,
  { wanted, variables }: { readonly wanted: readonly string[]; variables: Variables | undefined },
): boolean {
  if (test === 'null') return wanted.includes(String(actual === undefined));
  const { operator, isNegated, ifAbsent } = test;
  if (actual === undefined) return ifAbsent;
  const isMatch = wanted.some((text) => {
    if (operator.hasWildcards) return matchesPattern(text, actual, { wildcards: true, variables });
    const value = withVariables(text, variables);
    return value !== undefined && operator.compare(actual, value);
  });
  return isMatch !== isNegated;
}

/** The values of a key as texts; none if one of them is of another type. */
function wantedOf(values: unknown): string[] {
  const list: unknown[] = [values].flat();
  return list.every((value) => ['string', 'number', 'boolean'].includes(typeof value))
    ? list.map(String)
    : [];
}

function ordered(
  kind: string,
  valueOf: (text: string) => number,
): readonly (readonly [name: string, operator: Operator])[] {
  const takes = (text: string) => !Number.isNaN(valueOf(text));
  const by = (isRight: (actual: number, wanted: number) => boolean): Operator => ({
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

function numberOf(text: string): number {
  return text.trim() === '' ? Number.NaN : Number(text);
}

/** Of a date in ISO 8601, or in seconds since the epoch. */
function timeOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}

function isBoolean(text: string): boolean {
  return /^(?:true|false)$/i.test(text);
}

function isInRange(actual: string, wanted: string): boolean {
  // `check` is false for a text that is not an address.
  return rangeOf(wanted)?.check(actual, familyOf(actual)) === true;
}

/** Of an address, or of a range such as `203.0.113.0/24`. */
function rangeOf(text: string): BlockList | undefined {
  const [, address = '', prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const bits = { 4: 32, 6: 128 }[isIP(address)];
  if (bits === undefined || Number(prefix ?? bits) > bits) return undefined;
  const range = new BlockList();
  range.addSubnet(address, Number(prefix ?? bits), familyOf(address));
  return range;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** Whether a value is an object, not a list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
