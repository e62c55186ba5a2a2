/** A place in an item, as it is written: `#ids.#k` is `['#ids', '#k']`. */
export type Path = readonly string[];

/** Something that has a value: a path, a value of the request (`:v`), or a function of them. */
export type Operand =
  | { readonly kind: 'path'; readonly path: Path }
  | { readonly kind: 'value'; readonly name: string }
  | { readonly kind: 'size'; readonly path: Path }
  | { readonly kind: 'if_not_exists'; readonly path: Path; readonly otherwise: Operand }
  | {
      readonly kind: 'sum';
      readonly left: Operand;
      readonly right: Operand;
      readonly sign: 1 | -1;
    };

export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';

/** A condition, key condition or filter. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | {
      readonly kind: 'compare';
      readonly left: Operand;
      readonly comparator: Comparator;
      readonly right: Operand;
    }
  | {
      readonly kind: 'between';
      readonly value: Operand;
      readonly low: Operand;
      readonly high: Operand;
    }
  | { readonly kind: 'in'; readonly value: Operand; readonly list: readonly Operand[] }
  | { readonly kind: 'exists'; readonly path: Path; readonly isWanted: boolean }
  | {
      readonly kind: 'begins_with' | 'contains';
      readonly value: Operand;
      readonly part: Operand;
    };

/** An update expression. */
export interface Update {
  readonly set: readonly { readonly path: Path; readonly value: Operand }[];
  readonly remove: readonly Path[];
  readonly add: readonly { readonly path: Path; readonly value: Operand }[];
  readonly delete: readonly { readonly path: Path; readonly value: Operand }[];
}

/** The error of a request that DynamoDB does not understand. */
export class ValidationException extends Error {
  override readonly name = 'ValidationException';
  readonly $metadata = { httpStatusCode: 400 };
}

/** Parses a condition, key condition or filter expression. */
export const parseCondition: (text: string) => Condition = remembered((text) =>
  new Parser(text).condition(),
);

/** Parses an update expression. */
export const parseUpdate: (text: string) => Update = remembered((text) =>
  new Parser(text).update(),
);

/** Parses a projection expression: the places to return. */
export const parseProjection: (text: string) => readonly Path[] = remembered((text) =>
  new Parser(text).paths(),
);

const MOST_REMEMBERED = 5_000;

function remembered<T>(parse: (text: string) => T): (text: string) => T {
  const parsed = new Map<string, T>();
  return (text) => {
    let result = parsed.get(text);
    if (result === undefined) {
      if (parsed.size >= MOST_REMEMBERED) parsed.clear();
      result = parse(text);
      parsed.set(text, result);
    }
    return result;
  };
}

const TOKEN = /\s*(?:([#:]?[\w-]+)|(<>|<=|>=|[=<>(),.+-]))/y;
const FUNCTIONS = new Set(['attribute_exists', 'attribute_not_exists', 'begins_with', 'contains']);
/** Names that may be written as they are: the others of our tables are reserved words or too close to them. */
const PLAIN = /^[a-zA-Z]\w*$/;
const RESERVED = new Set(['hash', 'ttl', 'at', 'after', 'top', 'ids', 'range', 'size', 'data']);

class Parser {
  readonly #text: string;
  readonly #tokens: readonly string[];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    const tokens: string[] = [];
    const pattern = new RegExp(TOKEN);
    while (pattern.lastIndex < text.trimEnd().length) {
      const match = pattern.exec(text);
      if (!match) throw this.#mistake();
      tokens.push(match[1] ?? match[2] ?? '');
    }
    this.#tokens = tokens;
  }

  condition(): Condition {
    const condition = this.#or();
    if (this.#next < this.#tokens.length) throw this.#mistake();
    return condition;
  }

  update(): Update {
    const update = { set: [], remove: [], add: [], delete: [] } as {
      [K in keyof Update]: Update[K][number][];
    };
    while (this.#next < this.#tokens.length) {
      if (this.#take('SET')) update.set.push(...this.#list(() => this.#assignment()));
      else if (this.#take('REMOVE')) update.remove.push(...this.#list(() => this.#path()));
      else if (this.#take('ADD')) update.add.push(...this.#list(() => this.#change()));
      else if (this.#take('DELETE')) update.delete.push(...this.#list(() => this.#change()));
      else throw this.#mistake();
    }
    return update;
  }

  paths(): readonly Path[] {
    return this.#list(() => this.#path());
  }

  #or(): Condition {
    const of = [this.#and()];
    while (this.#take('OR')) of.push(this.#and());
    return of.length === 1 ? (of[0] as Condition) : { kind: 'or', of };
  }

  #and(): Condition {
    const of = [this.#not()];
    while (this.#take('AND')) of.push(this.#not());
    return of.length === 1 ? (of[0] as Condition) : { kind: 'and', of };
  }

  #not(): Condition {
    return this.#take('NOT') ? { kind: 'not', of: this.#not() } : this.#test();
  }

  #test(): Condition {
    if (this.#take('(')) {
      const inner = this.#or();
      this.#expect(')');
      return inner;
    }
    if (FUNCTIONS.has(this.#peek())) return this.#function();
    const left = this.#operand();
    if (this.#take('BETWEEN')) {
      const low = this.#operand();
      this.#expect('AND');
      return { kind: 'between', value: left, low, high: this.#operand() };
    }
    if (this.#take('IN')) {
      this.#expect('(');
      const list = this.#list(() => this.#operand());
      this.#expect(')');
      return { kind: 'in', value: left, list };
    }
    const comparator = this.#advance();
    if (!/^(=|<>|<|<=|>|>=)$/.test(comparator)) throw this.#mistake();
    return {
      kind: 'compare',
      left,
      comparator: comparator as Comparator,
      right: this.#operand(),
    };
  }

  #function(): Condition {
    const name = this.#advance();
    this.#expect('(');
    if (name === 'attribute_exists' || name === 'attribute_not_exists') {
      const path = this.#path();
      this.#expect(')');
      return { kind: 'exists', path, isWanted: name === 'attribute_exists' };
    }
    const value = this.#operand();
    this.#expect(',');
    const part = this.#operand();
    this.#expect(')');
    return { kind: name as 'begins_with' | 'contains', value, part };
  }

  #assignment(): { readonly path: Path; readonly value: Operand } {
    const path = this.#path();
    this.#expect('=');
    let value = this.#operand();
    for (const [sign, factor] of [['+', 1] as const, ['-', -1] as const]) {
      if (this.#take(sign)) {
        value = { kind: 'sum', left: value, right: this.#operand(), sign: factor };
        break;
      }
    }
    return { path, value };
  }

  #change(): { readonly path: Path; readonly value: Operand } {
    return { path: this.#path(), value: this.#operand() };
  }

  #operand(): Operand {
    const token = this.#peek();
    if (token.startsWith(':')) return { kind: 'value', name: this.#advance() };
    if (token === 'size' && this.#tokens[this.#next + 1] === '(') {
      this.#next += 2;
      const path = this.#path();
      this.#expect(')');
      return { kind: 'size', path };
    }
    if (token === 'if_not_exists') {
      this.#next += 1;
      this.#expect('(');
      const path = this.#path();
      this.#expect(',');
      const otherwise = this.#operand();
      this.#expect(')');
      return { kind: 'if_not_exists', path, otherwise };
    }
    return { kind: 'path', path: this.#path() };
  }

  #path(): Path {
    const path = [this.#name()];
    while (this.#take('.')) path.push(this.#name());
    return path;
  }

  #name(): string {
    const name = this.#advance();
    if (name.startsWith('#')) return name;
    if (!PLAIN.test(name) || RESERVED.has(name)) throw this.#mistake();
    return name;
  }

  #list<T>(read: () => T): T[] {
    const list = [read()];
    while (this.#take(',')) list.push(read());
    return list;
  }

  #peek(): string {
    return this.#tokens[this.#next] ?? '';
  }

  #advance(): string {
    this.#next += 1;
    return this.#tokens[this.#next - 1] ?? '';
  }

  #take(token: string): boolean {
    if (this.#peek() !== token) return false;
    this.#next += 1;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw this.#mistake();
  }

  #mistake(): ValidationException {
    const place = this.#tokens?.slice(0, this.#next).join(' ') ?? '';
    return new ValidationException(`Syntax error in "${this.#text}" after "${place}".`);
  }
}
