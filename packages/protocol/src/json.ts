/**
 * What is left of a value after `JSON.stringify` and `JSON.parse`. A type that is JSON already stays as
 * it is.
 *
 * - What has a `toJSON()`, such as a `Date` or a `URL`, is what that returns.
 * - Methods and symbols are gone, and so are their keys. `undefined` is gone with its key: a property that
 *   may be `undefined` may be absent. In an array all of them are `null`.
 * - A `Map` or a `Set` is an empty object, a typed array an object of numbers.
 * - Keys that are numbers are texts. An index signature of numbers stays one: it takes `d[1]` and `d['1']`.
 * - `bigint` is `never`: `JSON.stringify` throws.
 * - Where nothing is left it is `undefined`, as for a handler that returns nothing.
 *
 * A type does not show all: getters, what is not enumerable (such as the `message` of an `Error`) and numbers
 * that are not finite (`null`) look as if they stayed.
 */
export type Json<T> = unknown extends T
  ? T
  : IsAnyJson<T> extends true
    ? T
    : T extends Writing<infer J>
      ? Written<J>
      : Written<T>;

/** The data of an event as it arrives: as {@link Json}, but `null` where nothing is left. */
export type Received<T> = unknown extends T ? T : OrNull<Json<T>>;
// `unknown extends` is asked of what is given, never of what was made of it: to look into a type that is still
// being made would cut a recursive one short.
type OrNull<J> = J extends undefined ? null : J;

type Primitive = string | number | boolean | null;
type AnyJson = Primitive | AnyJson[] | { [key: string]: AnyJson };
type ReadonlyJson =
  | Primitive
  | readonly ReadonlyJson[]
  | { readonly [key: string]: ReadonlyJson | undefined };
/** Whether it is the type of any JSON at all, as libraries declare it: an editor goes on showing its name. */
type IsAnyJson<T> = [AnyJson] extends [T] ? ([T] extends [ReadonlyJson] ? true : false) : false;

type Writing<J> = { toJSON(...args: never[]): J };
// oxlint-disable-next-line typescript/no-unsafe-function-type -- the only type that classes have, too.
type Unwritten = void | symbol | Function;

/** Without asking for a `toJSON`: nobody calls that of what a `toJSON` has returned. */
type Written<T> = unknown extends T
  ? T
  : T extends Primitive
    ? T
    : T extends Unwritten
      ? undefined
      : T extends bigint
        ? never
        : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
          ? Record<string, never>
          : T extends ArrayBufferView
            ? Record<string, number>
            : T extends readonly unknown[]
              ? List<T>
              : T extends object
                ? Properties<T>
                : never;

/** An array, a tuple, or a class that extends `Array`: of that only the items are written. */
type List<T extends readonly unknown[]> = [...T] extends T
  ? T[number][] extends T
    ? T extends unknown[]
      ? Received<T[number]>[]
      : readonly Received<T[number]>[]
    : Tuple<T>
  : Received<T[number]>[];
// The compiler makes the items of a mapped tuple at once, so one that contains itself would have no end.
type Tuple<T> = T extends readonly ReadonlyJson[] ? T : { [I in keyof T]: Received<T[I]> };

type Properties<T> = { [K in keyof T as AlwaysThere<T, K>]: Json<T[K]> } & {
  [K in keyof T as MaybeThere<T, K>]?: Exclude<Json<T[K]>, undefined>;
} extends infer O
  ? { [K in keyof O]: O[K] }
  : never;
type AlwaysThere<T, K extends keyof T> = true extends CanVanish<T[K]> ? never : Key<K>;
type MaybeThere<T, K extends keyof T> =
  true extends CanVanish<T[K]>
    ? [T[K]] extends [void]
      ? Key<K>
      : [T[K]] extends [Unwritten]
        ? never
        : Key<K>
    : never;
type CanVanish<V> = unknown extends V
  ? false
  : V extends Unwritten
    ? true
    : V extends Writing<infer J>
      ? J extends Unwritten
        ? true
        : false
      : false;
type Key<K> = K extends string
  ? K
  : K extends number
    ? `${number}` extends `${K}`
      ? K
      : `${K}`
    : never;
