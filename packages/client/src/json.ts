type Primitive = string | number | boolean | null;
type Dropped = undefined | symbol | ((...args: never[]) => unknown);

/**
 * What is left of a value after `JSON.stringify` and `JSON.parse`: a `Date` is a string, methods
 * and `undefined` are gone, and what cannot be JSON (`bigint`) is `never`.
 */
export type Json<T> = unknown extends T
  ? T
  : T extends Primitive
    ? T
    : T extends {
          /** What `JSON.stringify` writes instead. */
          toJSON(): infer J;
        }
      ? Json<J>
      : T extends Dropped | bigint
        ? never
        : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
          ? Record<string, never>
          : T extends readonly unknown[]
            ? { [I in keyof T]: Item<T[I]> }
            : T extends object
              ? JsonObject<T>
              : never;

/** What a handler's return value, or an event's data, is when it arrives. */
export type Received<T> = [Exclude<T, undefined | void>] extends [never]
  ? undefined
  : unknown extends T
    ? T
    : undefined extends T
      ? Json<Exclude<T, undefined | void>> | undefined
      : Json<T>;

type Item<T> = T extends Dropped ? null : Json<T>;
type Kept<T, K extends keyof T> = K extends string ? ([T[K]] extends [Dropped] ? never : K) : never;
type Flat<T> = { [K in keyof T]: T[K] };
type JsonObject<T> = Flat<
  { [K in keyof T as undefined extends T[K] ? never : Kept<T, K>]: Json<T[K]> } & {
    [K in keyof T as undefined extends T[K] ? Kept<T, K> : never]?: Json<Exclude<T[K], undefined>>;
  }
>;
