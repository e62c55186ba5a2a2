import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FunctionOptions } from '../../lambda/function.js';
import { type Entry, findEntry } from './entry-file.js';
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
  if (resource.text('PackageType') === 'Image') {
    throw templateError(
      `"${logicalId}" is a container image, which does not run locally.`,
      'Exclude the routes to it with a Condition.',
    );
  }
  return {
    ...(await entryOf(resource, templateFolder)),
    environment: resource.variables(fromShell),
    timeoutMs: (resource.number('Timeout') ?? DEFAULT_TIMEOUT_SECONDS) * 1000,
    memoryMb: resource.number('MemorySize') ?? DEFAULT_MEMORY_MB,
  };
}

async function entryOf(resource: Resource, templateFolder: string): Promise<Entry> {
  const { logicalId } = resource;
  const handler = resource.requiredText('Handler', 'Write FILE.EXPORT, such as src/app.handler.');
  const code = codeOf(resource);
  const inline = inlineCode(code);
  const folder =
    inline === undefined
      ? join(templateFolder, code as string)
      : await inlineFolder(inline, { templateFolder, logicalId });
  return findEntry({ logicalId, folder, handler, entryPoints: entryPointsOf(resource) });
}

/** The code: a folder, or `{ ZipFile }`, which SAM calls `InlineCode`. */
function codeOf(resource: Resource): unknown {
  const isSam = resource.type === 'AWS::Serverless::Function';
  const inline = isSam ? resource.text('InlineCode') : undefined;
  if (inline !== undefined) return { ZipFile: inline };
  const property = isSam ? 'CodeUri' : 'Code';
  const code = resource.value(property) ?? (isSam ? '.' : undefined);
  const isFolder = typeof code === 'string' && !/^\w+:\/\/|\.zip$/.test(code);
  if (!isFolder && inlineCode(code) === undefined) {
    throw templateError(
      `${resource.where(property)} is ${JSON.stringify(code)}, which is not a local folder.`,
      `Write the folder of its source, relative to the template: ${property}: src/`,
    );
  }
  return code;
}

function inlineCode(code: unknown): string | undefined {
  const text = typeof code === 'object' && code !== null && 'ZipFile' in code && code.ZipFile;
  return typeof text === 'string' ? text : undefined;
}

/**
 * Writes code of the template to a folder of its own, as `index`. CommonJS, as on Lambda, also if the
 * project's files are ES modules. It is inside of the project, so that it finds installed packages.
 */
async function inlineFolder(
  text: string,
  { templateFolder, logicalId }: { templateFolder: string; logicalId: string },
): Promise<string> {
  const folder = join(templateFolder, '.gatecast', 'inline', logicalId);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'index.cjs'), text);
  return folder;
}

/** `Metadata` of a function that SAM builds with esbuild. */
function entryPointsOf({ metadata, logicalId }: Resource): string[] {
  const { BuildMethod, BuildProperties = {} } = metadata;
  const where = `"Metadata.BuildProperties" of "${logicalId}"`;
  const { EntryPoints = [] } = fieldsOf(BuildProperties, where);
  return BuildMethod === 'esbuild' && Array.isArray(EntryPoints) ? EntryPoints.map(String) : [];
}

/**
 * As in the SAM CLI, a variable of the shell overrides one of the template. Variables for access to an AWS
 * account must not come from the shell.
 */
function fromShell(name: string): string | undefined {
  return name.startsWith('AWS_') ? undefined : process.env[name];
}
