/** Something that cannot be evaluated, and why: the end of a sentence about it. */
export interface Problem {
  readonly problem: string;
}

/** Whether a part of a statement matches a request. */
export type Outcome = boolean | Problem;

/** Whether all parts match: a part that does not match decides, whatever the others are. */
export function every(outcomes: readonly Outcome[]): Outcome {
  return (
    !outcomes.includes(false) && (outcomes.find((outcome) => typeof outcome === 'object') ?? true)
  );
}

/** Whether a value is an object, not a list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
