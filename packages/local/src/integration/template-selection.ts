import { type KeyedSelection, keyedSelection } from './keyed-selection.js';
import { type MappingTemplate, mappingTemplate } from './mapping-template.js';

/** Where mapping templates stand, and how one of them is chosen. */
export interface Templates {
  readonly templates: Readonly<Record<string, string>> | undefined;
  readonly expression: string | undefined;
  /** The variables that the expression may have. */
  readonly variables: readonly string[];
  /** As error messages name the place. */
  readonly where: string;
}

/** @throws Error when a template or the expression cannot be read. */
export function templateSelection({
  templates = {},
  expression = 'application/json',
  variables,
  where,
}: Templates): KeyedSelection<MappingTemplate> {
  const entries = Object.entries(templates).map(([key, text]): [string, MappingTemplate] => {
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

/** What and where; what the parser expected there instead is a list of its own words. */
function firstLines(error: unknown): string {
  return (error as Error).message.split('\n').slice(0, 3).join('\n');
}
