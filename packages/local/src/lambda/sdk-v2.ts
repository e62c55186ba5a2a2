import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bundle } from './bundle.js';

/** The definition of a service in version 2 of the SDK, which is a part of every bundle that uses it. */
const DEFINITION = /\buid["']?\s*:\s*["'](?:dynamodb-2012-08-10|sqs-2012-11-05)["']/;

/**
 * Whether code has the DynamoDB or the SQS of `aws-sdk`, version 2 of the SDK, which knows no variables with
 * endpoints of services.
 */
export async function hasSdkV2({
  file,
  folder,
}: Pick<Bundle, 'file' | 'folder'>): Promise<boolean> {
  const text = await readFile(file, 'utf8');
  if (DEFINITION.test(text)) return true;
  const installed = join(folder, 'node_modules', 'aws-sdk', 'package.json');
  return (await stat(installed).catch(() => undefined)) !== undefined;
}

/** Prints a warning for a function with permissions whose code has version 2 of the SDK. */
export async function warnOfSdkV2(functionName: string, bundle: Bundle): Promise<void> {
  if (!(await hasSdkV2(bundle))) return;
  process.stderr.write(
    `Warning: "${functionName}" has version 2 of the AWS SDK, "aws-sdk", which calls DynamoDB and SQS on AWS, ` +
      'whatever AWS_ENDPOINT_URL_DYNAMODB says, so that its permissions are not checked there. Use ' +
      '@aws-sdk/client-dynamodb and @aws-sdk/client-sqs.\n',
  );
}
