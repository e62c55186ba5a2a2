import { type CollectionTag, type Document, parseDocument, type ScalarTag, YAMLMap } from 'yaml';
import { StartError } from '../../start-error.js';

/** An object of the template whose values may contain intrinsic functions. */
export type Fields = Readonly<Record<string, unknown>>;

/** One entry of `Resources`, unresolved. */
export interface TemplateResource {
  readonly type: string;
  /** Name of the condition under which it exists. */
  readonly condition: string | undefined;
  readonly properties: Fields;
  readonly metadata: Fields;
}

/** A SAM or CloudFormation template with all intrinsic functions in their long form. */
export interface Template {
  /** The macros that it is transformed by, such as `AWS::Serverless-2016-10-31`. */
  readonly transforms: readonly string[];
  readonly parameters: Fields;
  readonly mappings: Fields;
  readonly conditions: Fields;
  /** Globals by section: `Function`, `Api`. */
  readonly globals: Fields;
  readonly resources: ReadonlyMap<string, TemplateResource>;
  readonly outputs: Fields;
  /**
   * Logical ids of generated resources by the names that SAM gives them for `Ref`: `MyApi.Stage`. Empty
   * before the template is transformed.
   */
  readonly generated: ReadonlyMap<string, string>;
}

// The functions with a short form in AWS's "Intrinsic function reference".
const FUNCTIONS =
  'And Base64 Cidr Equals FindInMap GetAZs If ImportValue Join Length Not Or Select Split Sub ToJsonString Transform'.split(
    ' ',
  );

/**
 * Parses a template in YAML or JSON.
 *
 * @throws StartError `ERR_TEMPLATE_INVALID` if the text cannot be parsed, or a resource has no type.
 */
export function parseTemplate(text: string, file: string): Template {
  const document = parseDocument(text, {
    customTags: shortForms(),
    merge: true,
    stringKeys: true,
  });
  // A warning means an unknown tag, whose value would be misunderstood.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    throw templateError(`The template "${file}" cannot be read.\n\n${problem.message}`);
  }
  const root = fieldsOf(valueOf(document, file), `The template "${file}"`);
  const section = (name: string): Fields => fieldsOf(root[name] ?? {}, `"${name}" of "${file}"`);
  const resources = Object.entries(section('Resources')).map(
    ([logicalId, value]) => [logicalId, resourceOf(logicalId, value)] as const,
  );
  const transform: unknown = root['Transform'] ?? [];
  return {
    transforms: (Array.isArray(transform) ? transform : [transform]).map(String),
    parameters: section('Parameters'),
    mappings: section('Mappings'),
    conditions: section('Conditions'),
    globals: section('Globals'),
    resources: new Map(resources),
    outputs: section('Outputs'),
    generated: new Map(),
  };
}

/** Aliases are only resolved now, so they may fail. */
function valueOf(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw templateError(`The template "${file}" cannot be read.\n\n${(error as Error).message}`);
  }
}

/** @throws StartError `ERR_TEMPLATE_INVALID` if the value is not an object. */
export function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw templateError(`${where} is ${JSON.stringify(value)}, not an object.`);
  }
  return { ...value };
}

/**
 * The fields that are texts.
 *
 * @throws StartError `ERR_TEMPLATE_INVALID` if the value is not an object, or one of them is not a text.
 */
export function textsIn<Name extends string>(
  value: unknown,
  names: readonly Name[],
  where: string,
): Readonly<Partial<Record<Name, string>>> {
  const fields = fieldsOf(value, where);
  const found: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const text = fields[name];
    if (text === undefined) continue;
    if (typeof text !== 'string') {
      throw templateError(`"${name}" of ${where} is ${JSON.stringify(text)}, not a text.`);
    }
    found[name] = text;
  }
  return found;
}

function resourceOf(logicalId: string, value: unknown): TemplateResource {
  if (logicalId.startsWith('Fn::')) {
    throw templateError(
      `"Resources" uses ${logicalId}, which cannot be resolved locally.`,
      'Write the resources out.',
    );
  }
  const where = `The resource "${logicalId}"`;
  const { Type: type, Condition: condition, Properties, Metadata } = fieldsOf(value, where);
  if (typeof type !== 'string') {
    throw templateError(
      `${where} has no "Type".`,
      'Give it one, such as AWS::Serverless::Function.',
    );
  }
  return {
    type,
    condition: typeof condition === 'string' ? condition : undefined,
    properties: fieldsOf(Properties ?? {}, `"Properties" of "${logicalId}"`),
    metadata: fieldsOf(Metadata ?? {}, `"Metadata" of "${logicalId}"`),
  };
}

function shortForms(): (ScalarTag | CollectionTag)[] {
  return [
    { tag: '!Ref', resolve: (name) => ({ Ref: name }) },
    { tag: '!Condition', resolve: (name) => ({ Condition: name }) },
    { tag: '!GetAtt', resolve: (path) => ({ 'Fn::GetAtt': path }) },
    collectionTag('GetAtt', 'seq'),
    ...FUNCTIONS.flatMap((name): (ScalarTag | CollectionTag)[] => [
      { tag: `!${name}`, resolve: (text) => ({ [`Fn::${name}`]: text }) },
      collectionTag(name, 'seq'),
      collectionTag(name, 'map'),
    ]),
  ];
}

function collectionTag(name: string, collection: 'seq' | 'map'): CollectionTag {
  return {
    tag: `!${name}`,
    collection,
    resolve(value) {
      const map = new YAMLMap();
      map.set(`Fn::${name}`, value);
      return map;
    },
  };
}

/** Converts a string, number or boolean to a string; `undefined` for anything else. */
export function scalarText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : undefined;
}

/** Makes the error for a mistake in a template, with a hint what to change. */
export function templateError(message: string, hint?: string): StartError {
  return new StartError('ERR_TEMPLATE_INVALID', message, hint);
}
