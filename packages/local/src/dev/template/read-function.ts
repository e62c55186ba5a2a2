import { join } from 'node:path';
import type { FunctionOptions } from '../../lambda/function.js';
import { findEntry } from './entry-file.js';
import { fieldsOf, templateError } from './parse-template.js';
import type { Resource } from './resource.js';

// Defaults of AWS::Lambda::Function.
const DEFAULT_TIMEOUT_SECONDS = 3;
const DEFAULT_MEMORY_MB = 128;

/**
 * Reads a function of the template.
 *
 * @param templateFolder the folder of the template, which paths are relative to
 * @throws StartError - if its code is not a folder with a Node.js handler.
 */
export async function readFunction(
  resource: Resource,
  templateFolder: string,
): Promise<FunctionOptions> {
  const { logicalId } = resource;
  const runtime = resource.text('Runtime');
  if (runtime !== undefined && !runtime.startsWith('nodejs')) {
    throw templateError(
      `"Runtime" of "${logicalId}" is "${runtime}", but only nodejs runs locally.`,
      'Exclude the routes to it with a Condition.',
    );
  }
  const code = codeFolder(resource);
  const handler = resource.requiredText('Handler', 'Write FILE.EXPORT, such as src/app.handler.');
  const folder = join(templateFolder, code);
  const place = { logicalId, folder, handler, entryPoints: entryPointsOf(resource) };
  return {
    ...(await findEntry(place)),
    environment: fromShell(resource.variables()),
    timeoutMs: (resource.number('Timeout') ?? DEFAULT_TIMEOUT_SECONDS) * 1000,
    memoryMb: resource.number('MemorySize') ?? DEFAULT_MEMORY_MB,
  };
}

function codeFolder(resource: Resource): string {
  const property = resource.type === 'AWS::Lambda::Function' ? 'Code' : 'CodeUri';
  const code = resource.value(property);
  if (code === undefined && property === 'CodeUri' && resource.text('InlineCode') === undefined) {
    return '.';
  }
  if (typeof code !== 'string' || /^\w+:\/\/|\.zip$/.test(code)) {
    throw templateError(
      `${resource.where(property)} is ${JSON.stringify(code)}, which is not a local folder.`,
      `Write the folder of its source, relative to the template: ${property}: src/`,
    );
  }
  return code;
}

/** `Metadata` of a function that SAM builds with esbuild. */
function entryPointsOf({ metadata, logicalId }: Resource): string[] {
  const { BuildMethod, BuildProperties = {} } = metadata;
  const where = `"Metadata.BuildProperties" of "${logicalId}"`;
  const { EntryPoints = [] } = fieldsOf(BuildProperties, where);
  return BuildMethod === 'esbuild' && Array.isArray(EntryPoints) ? EntryPoints.map(String) : [];
}

/** As in the SAM CLI, a variable of the shell overrides one of the template. */
function fromShell(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [
      name,
      // Variables for access to an AWS account must not come from the shell.
      (name.startsWith('AWS_') ? undefined : process.env[name]) ?? value,
    ]),
  );
}
