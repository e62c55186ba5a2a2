import { type KeyedSelection, keyedSelection } from './keyed-selection.js';
import { type MappingTemplate, mappingTemplate } from './mapping-template.js';

/** Mapping templates, and the expression that selects one of them. */
export interface Templates {
  readonly templates: Readonly<Record<string, string>> | undefined;
  readonly expression: string | undefined;
  /** The variables that the expression may contain. */
  readonly variables: readonly string[];
  /** The place of the templates in error messages. */
  readonly where: string;
}

/** The largest mapping template, in bytes (quotas of WebSocket APIs). */
const MAX_TEMPLATE_BYTES = 300 * 1024;

/** @throws Error if a template is too large, or it or the expression is invalid. */
export function templateSelection({
  templates = {},
  expression = 'application/json',
  variables,
  where,
}: Templates): KeyedSelection<MappingTemplate> {
  const entries = Object.entries(templates).map(([key, text]): [string, MappingTemplate] => {
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_TEMPLATE_BYTES) {
      throw new Error(
        `The template "${key}" of ${where} has ${bytes} bytes, but API Gateway takes ` +
          `${MAX_TEMPLATE_BYTES}. Make it smaller.`,
      );
    }
    try {
      return [key, named(`The template "${key}" of ${where}`, mappingTemplate(text))];
    } catch (error) {
      const problem = `The template "${key}" of ${where} cannot be read.`;
      throw new Error(`${problem} ${firstLines(error)}`, { cause: error });
    }
  });
  return keyedSelection({
    entries: Object.fromEntries(entries),
    expression,
    name: `template selection expression of ${where}`,
    variables,
  });
}

function named(name: string, render: MappingTemplate): MappingTemplate {
  return (variables) => {
    try {
      return render(variables);
    } catch (error) {
      throw new Error(`${name} failed. ${firstLines(error)}`, { cause: error });
    }
  };
}

/** Only the beginning of the parser's message: the rest is a list of its internal names. */
function firstLines(error: unknown): string {
  return (error as Error).message.split('\n').slice(0, 3).join('\n');
}
