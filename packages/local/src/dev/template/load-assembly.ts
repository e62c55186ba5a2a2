import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AssetFile, assetsIn, parseJson } from './assets.js';
import { type Fields, fieldsOf, templateError, textsIn } from './parse-template.js';
import { loadTemplate, type Stack } from './stack.js';

/** The file that every cloud assembly has. */
export const MANIFEST = 'manifest.json';

const SYNTHESIZE = 'Synthesize again: npx cdk synth.';

/** The parts of an artifact that are read (AWS: "ArtifactManifest", `cloud-assembly-schema`). */
interface Artifact {
  readonly type?: string;
  /** `aws://ACCOUNT/REGION` */
  readonly environment?: string;
  readonly displayName?: string;
  /** Lists of entries by the path of their construct. */
  readonly metadata: Fields;
  readonly additionalMetadataFile?: string;
  readonly properties: {
    readonly templateFile?: string;
    readonly stackName?: string;
    readonly directoryName?: string;
    readonly file?: string;
  };
}

function artifactOf(value: unknown, where: string): Artifact {
  const { properties = {}, metadata = {} } = fieldsOf(value, where);
  const names = ['type', 'environment', 'displayName', 'additionalMetadataFile'] as const;
  const properNames = ['templateFile', 'stackName', 'directoryName', 'file'] as const;
  return {
    ...textsIn(value, names, where),
    metadata: fieldsOf(metadata, `"metadata" of ${where}`),
    properties: textsIn(properties, properNames, where),
  };
}

/** A stack with the names by which a user may choose it. */
interface NamedStack {
  readonly stack: Stack;
  /** Unique, such as `Prod/Chat` for a stack of a stage. */
  readonly displayName: string;
  readonly names: readonly (string | undefined)[];
  /** The folder of the assembly or stage that it belongs to. */
  readonly folder: string;
}

/** The stacks that run. */
export interface Assembly {
  readonly stacks: readonly Stack[];
  /** The stack whose APIs run. @default those of all stacks */
  readonly chosen: Stack | undefined;
}

/**
 * Loads the stacks of a cloud assembly, which `cdk synth` writes, with those of its stages. With a chosen
 * stack, those of other stages are left out: they are deployments of their own.
 *
 * @throws StartError `ERR_TEMPLATE_INVALID` if the folder is not a cloud assembly, or has no such stack.
 */
export async function loadAssembly(folder: string, name: string | undefined): Promise<Assembly> {
  const found = await stacksIn(folder);
  if (name === undefined) return { stacks: found.map(({ stack }) => stack), chosen: undefined };
  const exact = found.filter(({ displayName }) => displayName === name);
  const [chosen, second] = exact.length > 0 ? exact : found.filter((s) => s.names.includes(name));
  const known = found.map(({ displayName }) => displayName).join(', ') || 'none';
  if (chosen === undefined || second !== undefined) {
    const problem = chosen === undefined ? 'has no stack' : 'has several stacks';
    throw templateError(
      `The cloud assembly "${folder}" ${problem} "${name}".`,
      `Choose one of them with --stack: ${known}.`,
    );
  }
  const stacks = found.filter((each) => each.folder === chosen.folder).map(({ stack }) => stack);
  return { stacks, chosen: chosen.stack };
}

/** @param outer the folders of the assemblies around this one */
async function stacksIn(
  folder: string,
  outer: readonly string[] = [],
): Promise<readonly NamedStack[]> {
  if (outer.includes(folder)) {
    throw templateError(`The cloud assembly "${folder}" contains itself.`, SYNTHESIZE);
  }
  const artifacts = await readArtifacts(folder);
  const assets = await assetsOf(folder, artifacts);
  const own: NamedStack[] = [];
  const ofStages: NamedStack[] = [];
  for (const [id, artifact] of artifacts) {
    const { type, properties } = artifact;
    const { templateFile, directoryName } = properties;
    if (type === 'aws:cloudformation:stack' && templateFile !== undefined) {
      own.push(await loadStack(join(folder, templateFile), { id, artifact, assets, folder }));
    }
    if (type === 'cdk:cloud-assembly' && directoryName !== undefined) {
      ofStages.push(...(await stacksIn(join(folder, directoryName), [...outer, folder])));
    }
  }
  return [...own, ...ofStages];
}

async function loadStack(
  file: string,
  parts: { id: string; artifact: Artifact; assets: Stack['assets']; folder: string },
): Promise<NamedStack> {
  const { id, artifact, assets, folder } = parts;
  const { displayName = id, environment = '', properties } = artifact;
  const { stackName } = properties;
  const [, accountId, region] = /^aws:\/\/([^/]+)\/(.+)$/.exec(environment) ?? [];
  // The display name of a stack with a name of its own has that name in parentheses.
  const path = displayName.replace(/ \(.*\)$/, '');
  const stack = await loadTemplate(file, {
    id: path.replaceAll('/', '-'),
    name: stackName ?? id,
    assets,
    paths: await pathsOf(folder, artifact),
    // A stack for any environment has `unknown-account` and `unknown-region`.
    accountId: accountId?.startsWith('unknown-') === true ? undefined : accountId,
    region: region?.startsWith('unknown-') === true ? undefined : region,
  });
  return { stack, displayName: path, names: [id, stackName], folder };
}

async function readArtifacts(folder: string): Promise<readonly [string, Artifact][]> {
  const file = join(folder, MANIFEST);
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw templateError(
      `"${folder}" is not a cloud assembly: ${error.message}.`,
      'Pass the folder that "npx cdk synth" writes: --assembly cdk.out.',
    );
  });
  const { artifacts = {} } = parseJson(text, file);
  const all = Object.entries(fieldsOf(artifacts, `"artifacts" of "${file}"`));
  return all.map(([id, artifact]) => [id, artifactOf(artifact, `"${id}" of "${file}"`)]);
}

/** A key is a hash of the contents, so it is the same in all files of assets. */
async function assetsOf(
  folder: string,
  artifacts: readonly [string, Artifact][],
): Promise<ReadonlyMap<string, AssetFile>> {
  const all = new Map<string, AssetFile>();
  for (const [, { type, properties }] of artifacts) {
    const { file } = properties;
    if (type !== 'cdk:asset-manifest' || file === undefined) continue;
    const path = join(folder, file);
    for (const entry of assetsIn(await readPart(path), path)) all.set(...entry);
  }
  return all;
}

/** Paths without a leading slash, by logical id. Newer versions of the CDK write them to a file. */
async function pathsOf(
  folder: string,
  { metadata, additionalMetadataFile: name }: Artifact,
): Promise<ReadonlyMap<string, string>> {
  const file = name === undefined ? undefined : join(folder, name);
  const further = file && parseJson(await readPart(file), file);
  const paths = new Map<string, string>();
  for (const [path, entries] of Object.entries({ ...metadata, ...further })) {
    for (const entry of Array.isArray(entries) ? (entries as unknown[]) : []) {
      const { type, data } = fieldsOf(entry, `The metadata of "${path}" in "${folder}"`);
      if (type === 'aws:cdk:logicalId') paths.set(String(data), path.slice(1));
    }
  }
  return paths;
}

async function readPart(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: Error) => {
    throw templateError(
      `A file of the cloud assembly cannot be read: ${error.message}.`,
      SYNTHESIZE,
    );
  });
}
