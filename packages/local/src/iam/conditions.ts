import type { Keys } from './keys.js';
import { isBoolean, negations, type Operator, operators } from './operators.js';
import { every, isObject, type Outcome, type Problem } from './outcome.js';
import { matchesPattern, variablesIn, withVariables } from './pattern.js';

/** What a statement is read with. */
export interface Context {
  /** Whether the version of its policy has variables. */
  readonly hasVariables: boolean;
  /** Whether the value of a condition key, or that it is absent, is known. */
  readonly isKnown: (name: string) => boolean;
  /** @default there is no request yet */
  readonly keys?: Keys | undefined;
}

interface Test {
  readonly operator: Operator;
  readonly isNegated: boolean;
  /** Whether all values of the key have to match, or any of them. */
  readonly set: 'all' | 'any' | undefined;
  /** Whether it is true if the key is absent. */
  readonly ifExists: boolean;
}

const sets: Readonly<Record<string, Test['set']>> = {
  'forallvalues:': 'all',
  'foranyvalue:': 'any',
};

/** An operator of a condition with one of its keys. */
interface Line {
  readonly name: string;
  readonly test: Test | 'null';
  readonly key: string;
  readonly wanted: readonly string[];
}

/** Whether all operators and keys of a condition are true for a request. */
export function isTrue(condition: unknown, context: Context & { readonly keys: Keys }): Outcome {
  return every(
    linesOf(condition).map((line) => {
      if ('problem' in line) return line;
      const problem = problemWithLine(line, context);
      return problem === undefined ? holds(line, context) : { problem };
    }),
  );
}

/** Why a condition cannot be evaluated; `undefined` if it can. */
export function problemWithCondition(condition: unknown, context: Context): string | undefined {
  return linesOf(condition)
    .map((line) => ('problem' in line ? line.problem : problemWithLine(line, context)))
    .find((problem) => problem !== undefined);
}

/** Why variables in texts of a statement cannot be replaced. */
export function problemWithVariables(
  texts: readonly string[],
  { hasVariables, isKnown, keys }: Context,
): string | undefined {
  const names = hasVariables ? texts.flatMap(variablesIn).map(({ name }) => name) : [];
  const strange = names.find((name) => !isKnown(name));
  if (strange !== undefined) {
    return `has the variable "\${${strange}}", whose value is not known here`;
  }
  const several = names.find((name) => typeof keys?.get(name.toLowerCase()) === 'object');
  return several === undefined
    ? undefined
    : `has the variable "\${${several}}", which is of a multivalued key`;
}

function linesOf(condition: unknown): (Line | Problem)[] {
  if (!isObject(condition)) return [{ problem: 'has a "Condition" that is not an object' }];
  return Object.entries(condition).flatMap(([name, keys]): (Line | Problem)[] => {
    const test = testOf(name);
    if (!test) {
      return [{ problem: `has the condition operator "${name}", which is not supported here` }];
    }
    if (!isObject(keys)) {
      return [{ problem: `has the condition operator "${name}" without an object of keys` }];
    }
    return Object.entries(keys).map(([key, values]) => {
      const wanted = wantedOf(values);
      return wanted.length > 0
        ? { name, test, key, wanted }
        : { problem: `has the condition key "${key}" without a text, number or boolean` };
    });
  });
}

/** Reads the name of an operator: `IfExists` at its end, `ForAnyValue:` or `ForAllValues:` before it. */
function testOf(name: string): Test | 'null' | undefined {
  const [, set, base = '', ifExists] =
    /^(forallvalues:|foranyvalue:)?(.+?)(ifexists)?$/.exec(name.toLowerCase()) ?? [];
  if (base === 'null') return set === undefined && ifExists === undefined ? 'null' : undefined;
  const operator = operators.get(negations.get(base) ?? base);
  return (
    operator && {
      operator,
      isNegated: negations.has(base),
      set: sets[set ?? ''],
      ifExists: ifExists !== undefined,
    }
  );
}

function problemWithLine({ name, test, key, wanted }: Line, context: Context): string | undefined {
  if (!context.isKnown(key)) {
    return `has the condition key "${key}", whose value is not known here`;
  }
  const hasVariables = (text: string) => context.hasVariables && variablesIn(text).length > 0;
  const takes = test === 'null' ? isBoolean : test.operator.takes;
  const takesVariables = test !== 'null' && test.operator.takesVariables;
  const wrong = wanted.find((text) =>
    hasVariables(text) ? !takesVariables : takes?.(text) === false,
  );
  if (wrong !== undefined) {
    return `has the condition operator "${name}", which cannot compare "${wrong}"`;
  }
  const isList = typeof context.keys?.get(key.toLowerCase()) === 'object';
  if (isList && test !== 'null' && test.set === undefined) {
    return `has the condition operator "${name}" for the multivalued key "${key}", which needs "ForAllValues:" or "ForAnyValue:"`;
  }
  return problemWithVariables(wanted, context);
}

function holds(
  { test, key, wanted }: Line,
  { keys, hasVariables }: { readonly keys: Keys; readonly hasVariables: boolean },
): boolean {
  const actual = keys.get(key.toLowerCase());
  const values = actual === undefined ? [] : [actual].flat();
  // A set without values, and one of an empty text, are as if the key were absent.
  const members = values.filter((value) => value !== '');
  if (test === 'null') return wanted.some((text) => isTrueText(text) === (members.length === 0));
  const { operator, isNegated, set, ifExists } = test;
  const variables = hasVariables ? keys : undefined;
  const isMatch = (value: string) =>
    wanted.some((text) => compare(operator, { text, value, variables })) !== isNegated;
  if (set === undefined) {
    const [value] = values;
    return value === undefined ? ifExists || isNegated : isMatch(value);
  }
  if (set === 'all') return members.every(isMatch);
  return members.length === 0 ? ifExists : members.some(isMatch);
}

function compare(
  { wildcards, compare: isRight }: Operator,
  {
    text,
    value,
    variables,
  }: { readonly text: string; readonly value: string; readonly variables: Keys | undefined },
): boolean {
  if (wildcards !== 'none') return matchesPattern(text, value, { wildcards, variables });
  const wanted = withVariables(text, variables);
  return wanted !== undefined && isRight(value, wanted);
}

function isTrueText(text: string): boolean {
  return text.toLowerCase() === 'true';
}

/** The values of a key as texts; none if one of them is of another type. */
function wantedOf(values: unknown): string[] {
  const list: unknown[] = [values].flat();
  return list.every((value) => ['string', 'number', 'boolean'].includes(typeof value))
    ? list.map(String)
    : [];
}
