import { type Arguments, CommandLineError } from './command-line.js';
import type { SessionTemplate } from './session-file.js';

type TemplateArguments = Pick<
  Arguments<'template' | 'assembly' | 'stack' | 'stage', 'parameter'>,
  'values' | 'lists'
>;

/**
 * What `--template` or `--assembly` names, with `--stack`, `--stage` and `--parameter`; `undefined`
 * without them.
 */
export function templateSource({ values, lists }: TemplateArguments): SessionTemplate | undefined {
  const { template: file, assembly, stack, stage } = values;
  if (stack !== undefined && assembly === undefined) {
    throw new CommandLineError('--stack chooses a stack of --assembly, which is missing.');
  }
  if (file === undefined && assembly === undefined) return undefined;
  if (file !== undefined && assembly !== undefined) {
    throw new CommandLineError('Pass one of --template and --assembly.');
  }
  const parameters = Object.fromEntries(lists.parameter.map(parseParameter));
  return { file, assembly, stack, parameters, stage };
}

function parseParameter(text: string): [string, string] {
  const [, name, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new CommandLineError(`--parameter takes Name=Value, not "${text}".`);
  }
  return [name, value];
}
