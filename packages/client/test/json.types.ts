// Compiled, never run: `tsc -p packages/client/test`. Each `@ts-expect-error` fails when nothing does.
/* oxlint-disable typescript/no-explicit-any, typescript/no-empty-object-type, typescript/no-generated-empty-object-type -- they are what is asked about. */
import type { Json, Received } from '../src/index.js';
import { type Equal, is } from './equal.js';

// ---- What is known of nothing, or of everything ----

is<Equal<Json<any>, any>>();
is<Equal<Json<unknown>, unknown>>();
is<Equal<Json<never>, never>>();
is<Equal<Json<{}>, {}>>();
is<Equal<Json<object>, object>>();
is<Equal<Json<any[]>, any[]>>();
is<Equal<Json<unknown[]>, unknown[]>>();
is<Equal<Json<never[]>, never[]>>();
is<
  Equal<
    Json<{ a: any; b: unknown; c: never; d?: any; e?: unknown; at: Date }>,
    { a: any; b: unknown; c: never; d?: any; e?: unknown; at: string }
  >
>();

// ---- Primitives ----

declare enum Level {
  low = 0,
  high = 1,
}
declare enum Color {
  red = 'r',
  blue = 'b',
}
type UserId = string & { readonly __brand: 'UserId' };
declare const brand: unique symbol;
type Cents = number & { readonly [brand]: 'Cents' };

is<Equal<Json<string | number | boolean | null>, string | number | boolean | null>>();
is<Equal<Json<'a' | 1 | true>, 'a' | 1 | true>>();
is<Equal<Json<`rooms/${string}`>, `rooms/${string}`>>();
is<Equal<Json<Level | Color.red>, Level | Color.red>>();
is<Equal<Json<UserId | Cents>, UserId | Cents>>();
is<Equal<Json<{ id: UserId; at: Date }>, { id: UserId; at: string }>>();
// `JSON.stringify` throws.
is<Equal<Json<bigint>, never>>();
is<Equal<Json<bigint | number>, number>>();

// ---- What is not written ----

class Door {
  isOpen = true;
}
type Nothing = undefined | symbol | (() => void) | (abstract new () => Door) | typeof Door;

is<Equal<Json<Nothing>, undefined>>();
// oxlint-disable-next-line typescript/no-invalid-void-type -- what a handler returns that returns nothing.
is<Equal<Json<void | string>, string | undefined>>();
// oxlint-disable-next-line typescript/no-unsafe-function-type -- it is what is asked about.
is<Equal<Json<Function>, undefined>>();
is<Equal<Received<Nothing>, null>>();
is<Equal<Received<Date | undefined>, string | null>>();
is<Equal<Received<unknown>, unknown>>();
is<Equal<Received<any>, any>>();
is<Equal<Received<{ at: Date }>, { at: string }>>();

// ---- Properties ----

declare const key: unique symbol;
interface Everything {
  readonly at: Date;
  maybe?: Date;
  undefinedToo: number | undefined;
  nullToo: Date | null;
  never?: never;
  nothing: undefined;
  symbol: symbol;
  either: string | (() => void);
  arrow: () => void;
  optionalMethod?(): void;
  class: typeof Door;
  method(): void;
  [key]: string;
}
is<
  Equal<
    Json<Everything>,
    {
      readonly at: string;
      maybe?: string;
      undefinedToo?: number;
      nullToo: string | null;
      never?: never;
      nothing?: never;
      either?: string;
    }
  >
>();
// One of two that shut each other out keeps the other's key: it can be asked for.
type Either = { from: Date; to?: never } | { to: string; from?: never };
declare const either: Json<Either>;
is<Equal<typeof either.from, string | undefined>>();
is<Equal<typeof either.to, string | undefined>>();

// ---- Keys ----

is<Equal<Json<Record<string, any>>, Record<string, any>>>();
is<Equal<Json<Record<string, unknown>>, Record<string, unknown>>>();
is<Equal<Json<Record<string, Date>>, Record<string, string>>>();
is<Equal<Json<{ readonly [name: string]: Date }>, { readonly [name: string]: string }>>();
is<Equal<Json<Record<string, Date | undefined>>, { [name: string]: string | undefined }>>();
is<Equal<Json<{ [name in string]?: Date }>, { [name in string]?: string }>>();
is<Equal<Json<Record<`x-${string}`, Date>>, Record<`x-${string}`, string>>>();
is<
  Equal<
    Json<{ [name: string]: Date | number; n: number }>,
    { [name: string]: string | number; n: number }
  >
>();
is<Equal<Json<Record<Color, Date>>, Record<Color, string>>>();
is<Equal<Json<Record<symbol, Date>>, {}>>();
is<Equal<Json<Record<string, () => void>>, {}>>();
// Numbers are texts in JSON; both can be asked for.
is<Equal<Json<Record<number, string>>, Record<number, string>>>();
is<Equal<Json<Record<number, Date>>, Record<number, string>>>();
declare const byNumber: Json<Record<number, Date>>;
is<Equal<(typeof byNumber)[7], string>>();
is<Equal<(typeof byNumber)['7'], string>>();
is<Equal<keyof Json<{ 1: Date; 2?: Date }>, '1' | '2'>>();
declare const byLevel: Json<Record<Level, Date>>;
is<Equal<keyof typeof byLevel, '0' | '1'>>();
byLevel[Level.high].slice(0, 10);

// ---- Arrays and tuples ----

is<Equal<Json<Date[]>, string[]>>();
is<Equal<Json<readonly Date[]>, readonly string[]>>();
is<Equal<Json<Date[][]>, string[][]>>();
is<Equal<Json<(Date | undefined | (() => void))[]>, (string | null)[]>>();
is<Equal<Json<[]>, []>>();
is<Equal<Json<[at: Date, text: string]>, [at: string, text: string]>>();
is<Equal<Json<readonly [Date]>, readonly [string]>>();
is<Equal<Json<[Date, Date?]>, [string, (string | null)?]>>();
is<Equal<Json<[undefined, ...Date[]]>, [null, ...string[]]>>();
is<Equal<Json<[...Date[], undefined]>, [...string[], null]>>();
// What a class adds to an array is not written.
is<Equal<Json<RegExpMatchArray>, string[]>>();

// ---- Classes and objects that write themselves ----

class Dto {
  text = '';
  at = new Date();
  readonly #hidden = 1;
  private readonly secret = 's';
  protected readonly inner = 2;
  trimmed(): string {
    return this.text.trim() + this.secret + String(this.inner + this.#hidden);
  }
}
class Account {
  owner = '';
  password = '';
  since = new Date();
  toJSON(): Omit<Account, 'password'> {
    return this;
  }
}
class Itself {
  at = new Date();
  toJSON(): this {
    return this;
  }
}
class Keyed {
  toJSON(name: string): { name: string; at: Date } {
    return { name, at: new Date() };
  }
}

is<Equal<Json<Dto>, { text: string; at: string }>>();
is<Equal<Json<Date | URL>, string>>();
is<Equal<Json<Account>, { owner: string; since: string }>>();
is<Equal<Json<Itself>, { at: string }>>();
is<Equal<Json<Keyed>, { name: string; at: string }>>();
is<Equal<Json<{ toJSON(): unknown }>, unknown>>();
is<Equal<Json<{ toJSON(): undefined }>, undefined>>();
is<Equal<Json<{ a: { toJSON(): string | undefined } }>, { a?: string }>>();
is<Equal<Json<Buffer>, { type: 'Buffer'; data: number[] }>>();
is<Equal<Json<Uint8Array | Float64Array>, Record<string, number>>>();
is<Equal<Json<Map<string, Date> | ReadonlySet<number>>, Record<string, never>>>();
is<Equal<Json<Promise<string>>, {}>>();

// ---- What is JSON already stays as it is ----

interface Named {
  readonly name: string;
  tags?: readonly string[];
  of: { deep: { deeper: { deepest: (number | null)[] }[] } };
}
type Typed = { readonly name: string; tags?: readonly string[] };
is<Equal<Json<Named>, Named>>();
is<Equal<Json<Typed>, Typed>>();
is<Equal<Json<Named | Typed | null>, Named | Typed | null>>();

// The usual type of any JSON; those of Prisma and of type-fest; expressions as a map's style has them.
type AnyJson = string | number | boolean | null | AnyJson[] | { [key: string]: AnyJson };
interface PrismaArray extends Array<PrismaJson> {}
type PrismaJson = string | number | boolean | PrismaObject | PrismaArray | null;
type PrismaObject = { [Key in string]?: PrismaJson };
type FestJson = string | number | boolean | null | FestObject | FestJson[] | readonly FestJson[];
type FestObject = { [Key in string]: FestJson } & { [Key in string]?: FestJson | undefined };
type Expression = number | string | [string, ...Expression[]];
is<Equal<Json<AnyJson>, AnyJson>>();
is<Equal<Json<PrismaJson>, PrismaJson>>();
is<Equal<Json<FestJson>, FestJson>>();
is<Equal<Json<Expression>, Expression>>();
is<Equal<Received<AnyJson>, AnyJson>>();
is<Equal<Json<{ meta: AnyJson; at: Date }>['meta'], AnyJson>>();
// What Prisma takes may write itself as anything.
interface PrismaInputs extends ReadonlyArray<PrismaInput | null> {}
type PrismaInput =
  | string
  | { readonly [Key in string]?: PrismaInput | null }
  | PrismaInputs
  | { toJSON(): unknown };
is<Equal<Json<PrismaInput>, unknown>>();

// ---- What contains itself, and is not JSON ----

interface Tree {
  at: Date;
  parent?: Tree;
  children: Tree[];
  byName: Record<string, Tree>;
}
declare const tree: Json<Tree>;
is<Equal<typeof tree.at, string>>();
is<Equal<NonNullable<(typeof tree.children)[0]['byName'][string]['parent']>['at'], string>>();
type Dates = Date | Dates[] | { [name: string]: Dates };
declare const dates: Json<Dates>;
if (Array.isArray(dates)) {
  const [first] = dates;
  if (typeof first === 'string') first.slice(0, 10);
}
interface Deeper<T> {
  at: Date;
  next?: Deeper<T[]>;
}
declare const deeper: Json<Deeper<Date>>;
is<Equal<NonNullable<NonNullable<typeof deeper.next>['next']>['at'], string>>();

// ---- Deep nesting ----

type Ten<T> = { a: { a: { a: { a: { a: { a: { a: { a: { a: { a: T }[] } }[] } } } } }[] } };
type In<T> = T extends { a: infer A } ? In<A> : T extends readonly (infer I)[] ? In<I> : T;
is<Equal<In<Json<Ten<Ten<Ten<Ten<Ten<Date>>>>>>>, string>>();
