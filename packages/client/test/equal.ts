/* oxlint-disable typescript/no-unnecessary-type-parameters -- types are compared by them. */

/** Whether two types are the same, their optional and readonly properties included. */
export type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Claims that two types are the same: `is<Equal<A, B>>()`. */
export declare function is<T extends true>(): T;
