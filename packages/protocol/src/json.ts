/**
 * The type of a value after `JSON.stringify` and `JSON.parse`. A type that is already JSON does not
 * change.
 *
 * - A value with a `toJSON()`, such as a `Date` or a `URL`, becomes its result.
 * - Properties whose value is a function, a symbol or `undefined` are left out, so a property that may be
 *   `undefined` becomes optional. In an array such values become `null`.
 * - A `Map` or a `Set` becomes an empty object, a typed array an object of numbers.
 * - Number keys become strings. A number index signature stays: it allows `d[1]` and `d['1']`.
 * - `bigint` is `never`: `JSON.stringify` throws.
 * - If nothing is left, the type is `undefined`, for example for a handler without a result.
 *
 * Some losses do not show in types: getters, properties that are not enumerable (such as the `message` of
 * an `Error`), and numbers that are not finite, which become `null`.
 *
 * @group Messages
 */
export type Json<T> = unknown extends T
  ? T
  : IsAnyJson<T> extends true
    ? T
    : T extends Writing<infer J>
      ? Written<J>
      : Written<T>;

/**
 * The data of a received event: like {@link Json}, but `null` if nothing is left.
 *
 * @group Messages
 */
export type Received<T> = unknown extends T ? T : OrNull<Json<T>>;
// `unknown extends` is only asked of the given type, never of the resulting one: resolving that too early
// would cut a recursive type short.
type OrNull<J> = J extends undefined ? null : J;

type Primitive = string | number | boolean | null;
type AnyJson = Primitive | AnyJson[] | { [key: string]: AnyJson };
type ReadonlyJson =
  | Primitive
  | readonly ReadonlyJson[]
  | { readonly [key: string]: ReadonlyJson | undefined };
/**
 * Whether it is a type for any JSON, as libraries declare it. Such a type is kept, so editors show its
 * name.
 */
type IsAnyJson<T> = [AnyJson] extends [T] ? ([T] extends [ReadonlyJson] ? true : false) : false;

type Writing<J> = { toJSON(...args: never[]): J };
// oxlint-disable-next-line typescript/no-unsafe-function-type -- the only function type that includes classes.
type Unwritten = void | symbol | Function;

/** Ignores a `toJSON`, because `JSON.stringify` does not call the `toJSON` of a `toJSON`'s result. */
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

/** An array, a tuple, or a class that extends `Array`, which only keeps its items. */
type List<T extends readonly unknown[]> = [...T] extends T
  ? T[number][] extends T
    ? T extends unknown[]
      ? Received<T[number]>[]
      : readonly Received<T[number]>[]
    : Tuple<T>
  : Received<T[number]>[];
// The compiler resolves the items of a mapped tuple at once, so a tuple that contains itself would never
// end.
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
