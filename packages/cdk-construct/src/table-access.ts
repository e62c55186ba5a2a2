import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { acknowledge } from './acknowledge';

// What DynamoDB does with a customer's key, in the caller's name (DynamoDB: "Using your KMS key").
const KEY_ACTIONS = [
  'kms:Decrypt',
  'kms:DescribeKey',
  'kms:Encrypt',
  'kms:GenerateDataKey*',
  'kms:ReEncrypt*',
];

/** What a role needs to do something with a table, and with its key if it is a customer's. */
export function tableStatements(
  { tableArn, encryptionKey }: dynamodb.ITable,
  actions: readonly string[],
): iam.PolicyStatement[] {
  return [
    new iam.PolicyStatement({ actions: [...actions], resources: [tableArn] }),
    ...(encryptionKey === undefined
      ? []
      : [new iam.PolicyStatement({ actions: KEY_ACTIONS, resources: [encryptionKey.keyArn] })]),
  ];
}

/** Says to cdk-nag why the actions on a key have a wildcard. */
export function acknowledgeKeyActions(policy: IConstruct): void {
  for (const action of KEY_ACTIONS.filter((each) => each.endsWith('*'))) {
    const reason = 'DynamoDB calls several variants of the action with one key, which is named.';
    acknowledge(policy, `IAM5[Action::${action}]`, reason);
  }
}
