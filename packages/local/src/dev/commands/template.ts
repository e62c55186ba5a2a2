import { stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { readManifest } from '../../lambda/read-manifest.js';
import { StartError } from '../../start-error.js';
import { storesOf, type TemplateInput, writeTemplate } from '../template/write-template.js';
import { parseCommandLine } from './command-line.js';

export const templateUsage = `gatecast template <entry> [--out file]
  Writes a SAM template that deploys an app: API, routes, function, permissions, the authorizer if the
  app has one, and the table of dynamoDbStore. "sam build && sam deploy --guided" deploys it, and
  "gatecast dev --template" runs it.

  --out file            where to write it (default: standard output)

Example:
  gatecast template app.ts --out template.yaml`;

/** `gatecast template` */
export async function template(args: readonly string[]): Promise<void> {
  const { entry, values } = parseCommandLine(args, ['out']);
  const { manifest, format, mainFields, external } = await readManifest(entry);
  if (manifest.singleEnvironment) {
    throw new StartError(
      'ERR_STORE_LOCAL',
      `The store of "${entry}" (${manifest.store ?? 'memory'}) is in the memory of one process, but Lambda runs several.`,
      'Use a store that they share, such as dynamoDbStore() of @gatecast/adapters/dynamodb.',
    );
  }
  const codeFolder = await packageFolder(entry);
  const text = writeTemplate({
    manifest,
    format,
    mainFields,
    external,
    codeFolder: slashed(relative(dirname(resolve(values.out ?? 'template.yaml')), codeFolder)),
    entryPoint: slashed(relative(codeFolder, resolve(entry))),
    handler: `${basename(entry, extname(entry))}.handler`,
    table: await tableOf(storesOf(manifest)),
  });
  if (external.length > 0) {
    const names = external.join(', ');
    process.stderr.write(`Optional packages that are not installed are left out: ${names}\n`);
  }
  if (values.out === undefined) {
    process.stdout.write(text);
    return;
  }
  await writeFile(values.out, text);
}

/** The table of a store, if a part of it is in DynamoDB. Connections are in the first part. */
async function tableOf(stores: readonly string[]): Promise<TemplateInput['table']> {
  if (!stores.includes('dynamodb')) return undefined;
  // Loaded here, because every command loads this file, and the AWS SDK takes a while.
  const dynamoDb = await import('@gatecast/adapters/dynamodb');
  const { tableDefinition: definition, iamActions, logActions } = dynamoDb;
  return { definition, actions: stores[0] === 'dynamodb' ? iamActions : logActions };
}

/** The nearest folder with a package.json, which "sam build" installs. */
async function packageFolder(entry: string): Promise<string> {
  const start = dirname(resolve(entry));
  for (let folder = start; ; folder = dirname(folder)) {
    const found = await stat(join(folder, 'package.json')).catch(() => undefined);
    if (found?.isFile() === true) return folder;
    if (folder === dirname(folder)) return start;
  }
}

/** A path for a template: with `/` on Windows, too, and `.` for the same folder. */
function slashed(path: string): string {
  return path.split(sep).join('/') || '.';
}
