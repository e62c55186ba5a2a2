import {
  type Fields,
  fieldsOf,
  scalarText,
  type TemplateResource,
  templateError,
} from './parse-template.js';
import type { Resolver } from './resolve.js';
import type { Stack } from './stack.js';

/** What makes up a resource. */
export interface ResourceParts {
  /** Its logical id in its own template. */
  readonly ownId: string;
  readonly resource: TemplateResource;
  readonly stack: Stack;
  readonly resolver: Resolver;
}

/** A resource of a stack. Its properties are resolved when they are read. */
export class Resource {
  /** Its logical id, after the name of its stack if another stack has the same one. */
  readonly logicalId: string;
  /** Its logical id in its own template. */
  readonly ownId: string;
  readonly stack: Stack;
  readonly type: string;
  readonly metadata: Fields;
  readonly #properties: Fields;
  readonly #resolver: Resolver;
  readonly #read = new Set<string>();
  #isServed = false;

  constructor(logicalId: string, { ownId, resource, stack, resolver }: ResourceParts) {
    this.logicalId = logicalId;
    this.stack = stack;
    this.type = resource.type;
    this.metadata = resource.metadata;
    this.ownId = ownId;
    this.#properties = resource.properties;
    this.#resolver = resolver;
  }

  /** The value of `Ref`. */
  get ref(): string {
    return String(this.#resolver.resolve({ Ref: this.ownId }, `"${this.logicalId}"`));
  }

  /** A value of `Fn::GetAtt`. */
  attribute(name: string): string {
    const reference = { 'Fn::GetAtt': [this.ownId, name] };
    return String(this.#resolver.resolve(reference, `"${this.logicalId}"`));
  }

  /** The path of its construct, as in the code of a CDK app; otherwise its logical id. */
  get label(): string {
    const path = this.stack.paths.get(this.ownId) ?? this.metadata['aws:cdk:path'];
    return typeof path === 'string' ? path.replace(/\/Resource$/, '') : this.logicalId;
  }

  /** Whether it runs locally, so that unread properties lead to a warning. */
  get isServed(): boolean {
    return this.#isServed;
  }

  /** Marks it as running locally. */
  serve(): this {
    this.#isServed = true;
    return this;
  }

  /** Names of the properties that have not been read. */
  get unread(): readonly string[] {
    return Object.keys(this.#properties).filter((name) => !this.#read.has(name));
  }

  /** A property with its intrinsic functions resolved; `undefined` if it is missing. */
  value(name: string): unknown {
    this.#read.add(name);
    return this.#resolver.resolve(this.#properties[name], this.where(name));
  }

  /** Like `value`, without a warning for what is only known on AWS. */
  valueQuietly(name: string): unknown {
    this.#read.add(name);
    return this.#resolver.resolveQuietly(this.#properties[name], this.where(name));
  }

  /** @throws StartError `ERR_TEMPLATE_INVALID` if it is a list or an object. */
  text(name: string): string | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : this.#textOf(value, name);
  }

  /** Like `text`, without a warning for what is only known on AWS. */
  textQuietly(name: string): string | undefined {
    const value = this.valueQuietly(name);
    return value === undefined ? undefined : this.#textOf(value, name);
  }

  /** @throws StartError `ERR_TEMPLATE_INVALID` with the hint, if it is missing. */
  requiredText(name: string, hint: string): string {
    const text = this.text(name);
    if (text === undefined) {
      throw templateError(`"${this.logicalId}" (${this.type}) has no "${name}".`, hint);
    }
    return text;
  }

  /** @throws StartError `ERR_TEMPLATE_INVALID` if it is not a number. */
  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!/^\d+(?:\.\d+)?$/.test(text)) throw this.#invalid(name, text, 'a number');
    return Number(text);
  }

  flag(name: string): boolean {
    return this.text(name) === 'true';
  }

  /** A list of strings; a single string counts as a list; empty if it is missing. */
  texts(name: string): readonly string[] {
    const value = this.value(name) ?? [];
    return (Array.isArray(value) ? value : [value]).map(String);
  }

  /** @throws StartError `ERR_TEMPLATE_INVALID` if it is not an object. */
  fields(name: string): Fields | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : fieldsOf(value, this.where(name));
  }

  /**
   * An object whose values are strings.
   *
   * @throws StartError `ERR_TEMPLATE_INVALID` if it is not such an object.
   */
  textFields(name: string): Readonly<Record<string, string>> | undefined {
    const fields = this.fields(name);
    return fields && this.#texts(fields, name);
  }

  /**
   * `Environment.Variables`, which functions of both types have.
   *
   * @param given values that are used in place of those of the template, which then are not resolved
   */
  variables(given: (name: string) => string | undefined): Record<string, string> {
    const { Variables = {} } = this.#withVariables() ?? this.fields('Environment') ?? {};
    const where = 'Environment.Variables';
    const variables: Record<string, string> = {};
    for (const [name, value] of Object.entries(fieldsOf(Variables, this.where(where)))) {
      const place = `${where}.${name}`;
      const text = given(name) ?? this.#resolver.resolve(value, this.where(place));
      if (text !== undefined) variables[name] = this.#textOf(text, place);
    }
    return variables;
  }

  /** The name of a property in messages. */
  where(name: string): string {
    return `"${name}" of "${this.logicalId}"`;
  }

  /** `Environment`, if its variables are written out and so can be resolved one by one. */
  #withVariables(): Fields | undefined {
    const { Environment } = this.#properties;
    if (typeof Environment !== 'object' || Environment === null) return undefined;
    const variables: unknown = 'Variables' in Environment ? Environment.Variables : undefined;
    if (typeof variables !== 'object' || variables === null) return undefined;
    if (Object.keys(variables).some((name) => name === 'Ref' || name.startsWith('Fn::'))) {
      return undefined;
    }
    this.#read.add('Environment');
    return { ...Environment };
  }

  #texts(fields: Fields, name: string): Record<string, string> {
    return Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, this.#textOf(value, `${name}.${key}`)]),
    );
  }

  #textOf(value: unknown, name: string): string {
    const text = scalarText(value);
    if (text === undefined) throw this.#invalid(name, value, 'a text');
    return text;
  }

  #invalid(name: string, value: unknown, kind: string): Error {
    return templateError(`${this.where(name)} is ${JSON.stringify(value)}, not ${kind}.`);
  }
}

/** The resources, those of the stacks that run at first. */
export function byStack(
  resources: readonly Resource[],
  runs: (stack: Stack) => boolean,
): readonly Resource[] {
  return [
    ...resources.filter(({ stack }) => runs(stack)),
    ...resources.filter(({ stack }) => !runs(stack)),
  ];
}
