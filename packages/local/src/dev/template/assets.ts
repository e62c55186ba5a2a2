import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fieldsOf, templateError, textsIn } from './parse-template.js';

/** A file or folder that `cdk deploy` uploads. */
export interface AssetFile {
  readonly path: string;
  /** `zip`: it is a folder, which is uploaded as a zip file. */
  readonly packaging: string;
}

/** The assets of the template that the CDK wrote into `file`; none for any other template. */
export async function assetsBeside(file: string): Promise<ReadonlyMap<string, AssetFile>> {
  const assets = file.replace(/\.template\.json$/, '.assets.json');
  if (assets === file) return new Map();
  const text = await readFile(assets, 'utf8').catch(() => undefined);
  return text === undefined ? new Map() : assetsIn(text, assets);
}

/**
 * Reads a file of assets (AWS: "AssetManifest", `cloud-assembly-schema`).
 *
 * @throws StartError `ERR_TEMPLATE_INVALID` if it is not JSON.
 */
export function assetsIn(text: string, file: string): ReadonlyMap<string, AssetFile> {
  const { files = {} } = parseJson(text, file);
  const byKey = new Map<string, AssetFile>();
  for (const [id, entry] of Object.entries(fieldsOf(files, `"files" of "${file}"`))) {
    const where = `"${id}" of "${file}"`;
    const { source = {}, destinations = {} } = fieldsOf(entry, where);
    const { path, packaging = 'file' } = textsIn(source, ['path', 'packaging'], where);
    // An asset that a command makes has no path.
    if (path === undefined) continue;
    const asset = { path: join(dirname(file), path), packaging };
    for (const destination of Object.values(fieldsOf(destinations, where))) {
      const { objectKey } = textsIn(destination, ['objectKey'], where);
      if (objectKey !== undefined) byKey.set(objectKey, asset);
    }
  }
  return byKey;
}

/** @throws StartError `ERR_TEMPLATE_INVALID` if the text is not a JSON object. */
export function parseJson(text: string, file: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw templateError(
      `"${file}" is not JSON: ${(error as Error).message}.`,
      'Synthesize again: npx cdk synth.',
    );
  }
  return fieldsOf(value, `"${file}"`);
}
