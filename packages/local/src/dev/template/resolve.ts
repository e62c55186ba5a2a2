import type { Identity } from './identities.js';
import {
  type Fields,
  fieldsOf,
  scalarText,
  type Template,
  type TemplateResource,
  templateError,
} from './parse-template.js';

/** Data for resolving the intrinsic functions of a template. */
export interface ResolverOptions {
  readonly template: Template;
  /** Values of parameters, which override their defaults. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The pseudo parameters, such as `AWS::Region`. */
  readonly pseudoParameters: Readonly<Record<string, string>>;
  /** What `Ref` and `Fn::GetAtt` give for a resource; `undefined` if that is not known. */
  readonly identityOf: (
    resource: TemplateResource,
    logicalId: string,
    resolver: Resolver,
  ) => Identity | undefined;
  /** Whether every parameter must have a value, because the APIs of the stack run. */
  readonly needsParameters: boolean;
  /** What other stacks give to this one. */
  readonly others: OtherStacks;
}

/** The values that stacks have for each other; `undefined` for one that no known stack has. */
export interface OtherStacks {
  /** @param name the name of the export */
  readonly exported: (name: string) => unknown;
  /** @param name the name under which the CDK copies the value to another Region */
  readonly copied: (name: string) => unknown;
  /** @param stack the name of the stack */
  readonly output: (stack: string, logicalId: string, region: string | undefined) => unknown;
}

/**
 * The text in the place of a value that is only known on AWS. It cannot be taken for a name or an ARN, and
 * looks like the reference that it stands for.
 */
function unresolved(reference: string): string {
  return `\${${reference}}`;
}

type IntrinsicFunction = (argument: unknown, where: string) => unknown;

/** Resolves the intrinsic functions of a template (AWS: "Intrinsic function reference"). */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #conditions = new Map<string, boolean>();
  /** The conditions that are being resolved: each refers to the next. */
  readonly #open = new Set<string>();
  /** The resources whose names are being resolved. */
  readonly #named = new Set<string>();
  readonly #warnings = new Set<string>();
  readonly #functions: ReadonlyMap<string, IntrinsicFunction>;

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#functions = new Map<string, IntrinsicFunction>([
      ['Ref', (name, where) => this.#ref(textOf(name, where), where)],
      ['Fn::And', (items, where) => this.#truths(items, where).every(Boolean)],
      ['Fn::Or', (items, where) => this.#truths(items, where).some(Boolean)],
      ['Fn::Not', (items, where) => !this.#truths(items, where)[0]],
      ['Fn::Equals', (pair, where) => this.#equals(pair, where)],
      ['Fn::If', (choice, where) => this.#if(choice, where)],
      ['Fn::GetAtt', (path, where) => this.#getAtt(path, where)],
      ['Fn::Sub', (text, where) => this.#sub(text, where)],
      ['Fn::Join', (parts, where) => this.#join(parts, where)],
      ['Fn::Split', (parts, where) => this.#split(parts, where)],
      ['Fn::Select', (choice, where) => this.#select(choice, where)],
      ['Fn::FindInMap', (path, where) => this.#findInMap(path, where)],
      ['Fn::Base64', (text, where) => base64(textOf(this.resolve(text, where), where))],
      ['Fn::ImportValue', (name, where) => this.#importValue(name, where)],
      ['Fn::GetStackOutput', (output, where) => this.#stackOutput(output, where)],
      ['Fn::Length', (items, where) => this.#list(items, where).length],
      ['Fn::ToJsonString', (value, where) => JSON.stringify(this.resolve(value, where))],
    ]);
  }

  /** One line for each value so far that is not the one on AWS. */
  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /**
   * Resolves the intrinsic functions in a value; `undefined` for `AWS::NoValue`, which objects and lists
   * leave out.
   *
   * @param where the place of the value in messages: `"Target" of "ConnectRoute"`
   * @throws StartError `ERR_TEMPLATE_INVALID` if something in it cannot be resolved.
   */
  resolve(value: unknown, where: string): unknown {
    if (Array.isArray(value)) {
      return value
        .map((item: unknown) => this.resolve(item, where))
        .filter((item) => item !== undefined);
    }
    if (typeof value !== 'object' || value === null) {
      if (typeof value === 'string' && value.includes('{{resolve:')) {
        this.#warnings.add(`${where} has the dynamic reference "${value}", which stays as it is.`);
      }
      return value ?? undefined;
    }
    const entries = Object.entries(value);
    const [[name, argument] = ['', undefined]] = entries;
    if (entries.length === 1 && (name === 'Ref' || name.startsWith('Fn::'))) {
      const intrinsic = this.#functions.get(name);
      if (intrinsic === undefined) {
        throw templateError(
          `${where} uses ${name}, which cannot be resolved locally.`,
          'Write its value, or use a parameter.',
        );
      }
      return intrinsic(argument, where);
    }
    return Object.fromEntries(
      entries
        .map(([key, item]: [string, unknown]) => [key, this.resolve(item, where)] as const)
        .filter(([, item]) => item !== undefined),
    );
  }

  /** Like `resolve`, without a warning for a value that is not the one on AWS. */
  resolveQuietly(value: unknown, where: string): unknown {
    const before = new Set(this.#warnings);
    try {
      return this.resolve(value, where);
    } finally {
      for (const warning of this.#warnings) {
        if (!before.has(warning)) this.#warnings.delete(warning);
      }
    }
  }

  /**
   * @throws StartError `ERR_TEMPLATE_INVALID` if the condition does not exist or depends on itself.
   */
  condition(name: string, where: string): boolean {
    const known = this.#conditions.get(name);
    if (known !== undefined) {
      return known;
    }
    const { conditions } = this.#options.template;
    if (!Object.hasOwn(conditions, name)) {
      throw templateError(
        `${where} refers to the condition "${name}", which the template does not have.`,
        'Add it to "Conditions".',
      );
    }
    if (this.#open.has(name)) {
      const open = [...this.#open];
      const circle = [...open.slice(open.indexOf(name)), name].map((step) => `"${step}"`);
      throw templateError(
        `The condition "${name}" refers to itself: ${circle.join(' -> ')}.`,
        'Remove it from its own definition.',
      );
    }
    this.#open.add(name);
    try {
      const value = this.#truth(conditions[name], `The condition "${name}"`);
      this.#conditions.set(name, value);
      return value;
    } finally {
      this.#open.delete(name);
    }
  }

  #ref(name: string, where: string): unknown {
    const { template, parameters, pseudoParameters, needsParameters } = this.#options;
    if (name === 'AWS::NoValue') {
      return undefined;
    }
    if (Object.hasOwn(pseudoParameters, name)) {
      return pseudoParameters[name];
    }
    if (Object.hasOwn(template.parameters, name)) {
      const parameter = fieldsOf(template.parameters[name], `The parameter "${name}"`);
      const given = parameters[name] ?? scalarText(parameter['Default']);
      const value = given ?? (needsParameters ? undefined : this.#withoutValue(name, where));
      if (value === undefined) {
        throw templateError(
          `${where} needs the parameter "${name}", which has no value.`,
          `Give it one: --parameter ${name}=VALUE, or a "Default" in the template.`,
        );
      }
      const type = String(parameter['Type']);
      if (type.startsWith('AWS::SSM::Parameter::Value') && parameters[name] === undefined) {
        this.#warnings.add(
          `The parameter "${name}" is "${value}" here, but AWS looks its value up in SSM: --parameter ${name}=VALUE.`,
        );
      }
      const isList = /^(?:AWS::SSM::Parameter::Value<)?(?:CommaDelimitedList|List<)/.test(type);
      return isList ? value.split(',').map((item) => item.trim()) : value;
    }
    return this.#identity(template.generated.get(name) ?? name, undefined, where);
  }

  #withoutValue(name: string, where: string): string {
    const standIn = unresolved(name);
    this.#warnings.add(
      `${where} gets "${standIn}": the parameter "${name}" has no value: --parameter ${name}=VALUE.`,
    );
    return standIn;
  }

  #getAtt(path: unknown, where: string): string {
    const parts = Array.isArray(path) ? path : textOf(path, where).split('.');
    const [logicalId, ...attribute] = parts.map((part: unknown) =>
      textOf(this.resolve(part, where), where),
    );
    return this.#identity(logicalId ?? '', attribute.join('.'), where);
  }

  #identity(logicalId: string, attribute: string | undefined, where: string): string {
    const resource = this.#options.template.resources.get(logicalId);
    if (resource === undefined) {
      throw templateError(
        `${where} refers to "${logicalId}", which is neither a parameter nor a resource of the template.`,
        'Correct the name, or add it to the template.',
      );
    }
    const { type, condition } = resource;
    if (condition !== undefined && !this.condition(condition, `"Condition" of "${logicalId}"`)) {
      throw templateError(
        `${where} refers to "${logicalId}", which does not exist because its condition "${condition}" is false.`,
        `Refer to it only if it exists: !If [${condition}, …, !Ref AWS::NoValue].`,
      );
    }
    if (this.#named.has(logicalId)) {
      throw templateError(
        `${where} refers to "${logicalId}", whose own name depends on it.`,
        'Write the name out.',
      );
    }
    const identity = this.#identityOf(resource, logicalId);
    const value = attribute === undefined ? identity?.ref : identity?.attributes[attribute];
    if (value !== undefined) return value;
    const isReader = attribute !== undefined && type === 'Custom::CrossRegionExportReader';
    const copied = isReader ? scalarText(this.#options.others.copied(attribute)) : undefined;
    if (copied !== undefined) return copied;
    const [what, standIn] =
      attribute === undefined
        ? ['its Ref', unresolved(logicalId)]
        : [`its "${attribute}"`, unresolved(`${logicalId}.${attribute}`)];
    this.#warnings.add(
      `${where} gets "${standIn}": "${logicalId}" (${type}) does not run locally, and ${what} is only known on AWS.`,
    );
    return standIn;
  }

  #identityOf(resource: TemplateResource, logicalId: string): Identity | undefined {
    this.#named.add(logicalId);
    try {
      return this.#options.identityOf(resource, logicalId, this);
    } finally {
      this.#named.delete(logicalId);
    }
  }

  #importValue(argument: unknown, where: string): unknown {
    const name = textOf(this.resolve(argument, where), where);
    return this.#options.others.exported(name) ?? this.#notExported(name, where);
  }

  #stackOutput(argument: unknown, where: string): unknown {
    const { StackName, OutputName, Region } = fieldsOf(this.resolve(argument, where), where);
    const [stack, output] = [textOf(StackName, where), textOf(OutputName, where)];
    const value = this.#options.others.output(stack, output, scalarText(Region));
    return value ?? this.#notExported(`${stack}.${output}`, where);
  }

  #notExported(name: string, where: string): string {
    const standIn = unresolved(name);
    this.#warnings.add(
      `${where} gets "${standIn}": no stack here exports "${name}". Run the cloud assembly with its stack (--assembly), or let the shell have the variable.`,
    );
    return standIn;
  }

  #sub(argument: unknown, where: string): string {
    const [text, own = {}] = Array.isArray(argument) ? (argument as unknown[]) : [argument];
    const variables: Fields = fieldsOf(own, `The second argument of Fn::Sub in ${where}`);
    return textOf(text, where).replaceAll(/\$\{([^}]*)\}/g, (_whole, name: string) => {
      if (name.startsWith('!')) {
        return `\${${name.slice(1)}}`;
      }
      const variable = name.trim();
      if (Object.hasOwn(variables, variable)) {
        return textOf(this.resolve(variables[variable], where), where);
      }
      const isReference = !variable.includes('.') || this.#options.template.generated.has(variable);
      return isReference
        ? textOf(this.#ref(variable, where), where)
        : this.#getAtt(variable, where);
    });
  }

  #join(argument: unknown, where: string): string {
    const [delimiter, parts] = this.#list(argument, where);
    return listOf(parts, where)
      .map((part) => textOf(part, where))
      .join(textOf(delimiter, where));
  }

  #split(argument: unknown, where: string): string[] {
    const [delimiter, text] = this.#list(argument, where);
    return textOf(text, where).split(textOf(delimiter, where));
  }

  #select(argument: unknown, where: string): unknown {
    const [index, items] = this.#list(argument, where);
    const list = listOf(items, where);
    const item = list[Number(index)];
    if (item !== undefined) return item;
    throw templateError(
      `${where} selects the item ${String(index)} of ${JSON.stringify(list)}, which has none there.`,
      'Items are counted from 0.',
    );
  }

  #findInMap(argument: unknown, where: string): unknown {
    const [map, first, second, otherwise] = this.#list(argument, where);
    const path = [map, first, second].map((part) => textOf(part, where));
    let value: unknown = this.#options.template.mappings;
    for (const key of path) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) {
        if (typeof otherwise === 'object' && otherwise !== null && 'DefaultValue' in otherwise) {
          return otherwise.DefaultValue;
        }
        throw templateError(
          `${where} looks for ${path.map((part) => `"${part}"`).join(' / ')} in "Mappings", where it is not.`,
          'Add it, or choose another one with a parameter.',
        );
      }
      value = (value as Fields)[key];
    }
    return value;
  }

  #if(argument: unknown, where: string): unknown {
    const [name, whenTrue, whenFalse] = listOf(argument, where);
    return this.resolve(this.condition(textOf(name, where), where) ? whenTrue : whenFalse, where);
  }

  #equals(argument: unknown, where: string): boolean {
    const [one, other] = this.#list(argument, where);
    return String(one) === String(other);
  }

  #truths(argument: unknown, where: string): boolean[] {
    return listOf(argument, where).map((item) => this.#truth(item, where));
  }

  #truth(value: unknown, where: string): boolean {
    if (typeof value === 'object' && value !== null && 'Condition' in value) {
      return this.condition(textOf(value.Condition, where), where);
    }
    return String(this.resolve(value, where)) === 'true';
  }

  #list(argument: unknown, where: string): unknown[] {
    return listOf(this.resolve(argument, where), where);
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function listOf(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) {
    throw templateError(`${where} has ${JSON.stringify(value)} in place of a list.`);
  }
  return value;
}

function textOf(value: unknown, where: string): string {
  const text = scalarText(value);
  if (text === undefined) {
    throw templateError(`${where} has ${JSON.stringify(value)} in place of a string.`);
  }
  return text;
}
