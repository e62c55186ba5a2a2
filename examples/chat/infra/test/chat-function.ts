import { fileURLToPath } from 'node:url';
import { Duration } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogLevel, NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { Construct } from 'constructs';

/** The absolute path of a file of the chat. */
export function chatFile(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** A function of a file of the chat, made without the construct of Gatecast. */
export function chatFunction(
  scope: Construct,
  id: string,
  { file, vpc }: { readonly file: string; readonly vpc?: IVpc },
): NodejsFunction {
  return new NodejsFunction(scope, id, {
    entry: chatFile(file),
    vpc,
    runtime: Runtime.NODEJS_22_X,
    timeout: Duration.seconds(10),
    bundling: { externalModules: [], mainFields: ['module', 'main'], logLevel: LogLevel.SILENT },
  });
}
