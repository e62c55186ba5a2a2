import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { FunctionOptions } from '../../lambda/function.js';
import { type Entry, findEntry } from './entry-file.js';
import { fieldsOf, templateError } from './parse-template.js';
import type { Resource } from './resource.js';

interface Limit {
  readonly least: number;
  readonly most: number;
  readonly otherwise: number;
}

// Defaults of AWS::Lambda::Function, and quotas of Lambda.
const LIMITS = {
  seconds: { least: 1, most: 900, otherwise: 3 },
  megabytes: { least: 128, most: 10_240, otherwise: 128 },
} satisfies Record<string, Limit>;

/**
 * Reads a function of a stack.
 *
 * @throws StartError - if its code is not a folder with a Node.js handler.
 */
export async function readFunction(resource: Resource): Promise<FunctionOptions> {
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
    ...(await entryOf(resource)),
    environment: { ...regionOf(resource), ...resource.variables(fromShell) },
    timeoutMs: numberIn(resource, 'Timeout', LIMITS.seconds) * 1000,
    memoryMb: numberIn(resource, 'MemorySize', LIMITS.megabytes),
  };
}

/** A whole number within the limits of Lambda. */
function numberIn(resource: Resource, name: string, { least, most, otherwise }: Limit): number {
  const value = resource.number(name) ?? otherwise;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw templateError(
    `${resource.where(name)} is ${value}, which Lambda refuses.`,
    `Write a whole number from ${least} to ${most}.`,
  );
}

/** The Region of a stack that is for one only: that of another API may be another one. */
function regionOf({ stack: { region } }: Resource): Readonly<Record<string, string>> {
  return region === undefined ? {} : { AWS_REGION: region, AWS_DEFAULT_REGION: region };
}

async function entryOf(resource: Resource): Promise<Entry & Pick<FunctionOptions, 'asset'>> {
  const { logicalId, stack } = resource;
  const handler = resource.requiredText('Handler', 'Write FILE.EXPORT, such as src/app.handler.');
  const code = codeOf(resource);
  const inline = inlineCode(code);
  const asset =
    inline === undefined ? assetOf(resource, code) : await inlineFolder(inline, resource);
  if (asset !== undefined) {
    const place = { logicalId, folder: asset, handler, entryPoints: [], isBuilt: true };
    return { ...(await findEntry(place)), asset };
  }
  if (typeof code !== 'string') throw notLocal(resource, code);
  const folder = join(stack.folder, code);
  return findEntry({ logicalId, folder, handler, entryPoints: entryPointsOf(resource) });
}

/** The code: a folder, or `{ ZipFile }`, which SAM calls `InlineCode`, or `{ S3Bucket, S3Key }`. */
function codeOf(resource: Resource): unknown {
  const isSam = resource.type === 'AWS::Serverless::Function';
  const inline = isSam ? resource.text('InlineCode') : undefined;
  if (inline !== undefined) return { ZipFile: inline };
  const code = resource.value(codeProperty(resource)) ?? (isSam ? '.' : undefined);
  if (typeof code === 'string' && /^\w+:\/\/|\.zip$/.test(code)) throw notLocal(resource, code);
  return code;
}

function codeProperty({ type }: Resource): string {
  return type === 'AWS::Serverless::Function' ? 'CodeUri' : 'Code';
}

function notLocal(resource: Resource, code: unknown): Error {
  const property = codeProperty(resource);
  return templateError(
    `${resource.where(property)} is ${JSON.stringify(code)}, which is not a local folder.`,
    isObject(code) && 'S3Key' in code
      ? `Run the folder that "npx cdk synth" wrote, with its files of assets: --assembly cdk.out. In a template of another tool, write the folder of the code: ${property}: src/`
      : `Write the folder of its source, relative to the template: ${property}: src/`,
  );
}

/**
 * The folder of code that the CDK uploads: according to the stack's assets, or to the metadata of the
 * resource.
 */
function assetOf({ stack, metadata, logicalId }: Resource, code: unknown): string | undefined {
  if (!isObject(code) || !('S3Key' in code)) return undefined;
  const { 'aws:asset:path': path } = metadata;
  const written = typeof path === 'string' && (isAbsolute(path) ? path : join(stack.folder, path));
  const asset = stack.assets.get(String(code['S3Key']));
  const folder = asset?.path ?? (written === false ? undefined : written);
  if (asset?.packaging === 'file' || folder?.endsWith('.zip') === true) {
    throw templateError(
      `The code of "${logicalId}" is the file "${folder}", which does not run locally.`,
      'Pass the folder in place of the zip file: Code.fromAsset("FOLDER").',
    );
  }
  return folder;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function inlineCode(code: unknown): string | undefined {
  const text = isObject(code) ? code['ZipFile'] : undefined;
  return typeof text === 'string' ? text : undefined;
}

/** Writes code of the template to a folder of its own, as `index`. It has no packages, as on Lambda. */
async function inlineFolder(text: string, { stack, logicalId }: Resource): Promise<string> {
  // The id may have characters that CloudFormation would refuse, such as dots and slashes.
  const name = logicalId.replaceAll(/[^\w-]/g, '_');
  const folder = join(stack.folder, '.gatecast', 'inline', name);
  const isEsModule = /^\s*(?:export|import)\b(?!\s*\()/m.test(text);
  const file = join(folder, isEsModule ? 'index.mjs' : 'index.cjs');
  // Another gateway may run it now.
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(file, text);
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
