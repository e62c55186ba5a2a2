import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { apiDefaults } from '../../gateway/options.js';
import { type AssetFile, assetsBeside } from './assets.js';
import { parseTemplate, type Template, templateError } from './parse-template.js';
import { transformSam } from './transform-sam.js';

/** A stack: its template, and what lies beside it. */
export interface Stack {
  /** Unique among the stacks of an assembly. */
  readonly id: string;
  /** `AWS::StackName`. */
  readonly name: string;
  /** The file of its template. */
  readonly file: string;
  /** The folder that paths in the template are relative to. */
  readonly folder: string;
  /** The text of that file. */
  readonly text: string;
  /** As it is in the file. */
  readonly source: Template;
  /** After the transform of SAM. */
  readonly template: Template;
  /** Files and folders that were to be uploaded, by their key in the bucket. */
  readonly assets: ReadonlyMap<string, AssetFile>;
  /** Paths of constructs by logical id, for a stack of a cloud assembly. */
  readonly paths: ReadonlyMap<string, string>;
  /** `undefined` if the template may be deployed to any one. */
  readonly region: string | undefined;
  /** `undefined` if the template may be deployed to any one. */
  readonly accountId: string | undefined;
}

/** What a cloud assembly adds to the template of a stack. */
export type StackDetails = Pick<Stack, 'id' | 'name' | 'paths' | 'region' | 'accountId'> & {
  readonly assets?: Stack['assets'];
};

/**
 * Loads a template. Beside a template that the CDK wrote is the file of its assets.
 *
 * @throws StartError `ERR_TEMPLATE_INVALID` if it cannot be read.
 */
export async function loadTemplate(file: string, details?: StackDetails): Promise<Stack> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw templateError(
      `The template "${file}" cannot be read: ${error.message}.`,
      'Pass the path of a SAM or CloudFormation template, relative to the current folder.',
    );
  });
  const source = parseTemplate(text, file);
  return {
    id: 'local',
    name: 'local',
    paths: new Map(),
    region: undefined,
    accountId: undefined,
    ...details,
    file,
    text,
    folder: dirname(file),
    source,
    template: transformSam(source),
    assets: details?.assets ?? (await assetsBeside(file)),
  };
}

/** The Region and the account of the values in a stack. */
export function placeOf({ region, accountId }: Stack): { region: string; accountId: string } {
  return {
    region: region ?? apiDefaults.region,
    accountId: accountId ?? apiDefaults.accountId,
  };
}
