import type { PolicyDocument, PolicyStatement } from '../../iam/policy-document.js';

/** Parameters of a policy template, such as `TableName`. */
export type PolicyParameters = Readonly<Record<string, string>>;

/** What the templates of one service allow on what its parameter names. */
interface PolicyTemplate {
  readonly parameters: readonly string[];
  readonly statements: (
    parameters: PolicyParameters,
    arn: (service: string, resource: string) => string,
  ) => readonly PolicyStatement[];
}

const allow = (
  Action: readonly string[],
  Resource: string | readonly string[],
): PolicyStatement => ({
  Effect: 'Allow',
  Action,
  Resource,
});

/** Actions of DynamoDB on a table, and on what belongs to it: `/index/*`. */
function onTable(actions: string, ...suffixes: readonly string[]): PolicyTemplate {
  return {
    parameters: ['TableName'],
    statements: ({ TableName }, arn) => [
      allow(
        actionsOf('dynamodb', actions),
        ['', ...suffixes].map((suffix) => arn('dynamodb', `table/${TableName}${suffix}`)),
      ),
    ],
  };
}

function onQueue(actions: string): PolicyTemplate {
  return {
    parameters: ['QueueName'],
    statements: ({ QueueName = '' }, arn) => [
      allow(actionsOf('sqs', actions), arn('sqs', QueueName)),
    ],
  };
}

function actionsOf(service: string, actions: string): string[] {
  return actions.split(' ').map((action) => `${service}:${action}`);
}

/** The templates about services whose calls are checked (AWS SAM: "Policy template list"). */
const TEMPLATES: Readonly<Record<string, PolicyTemplate>> = {
  DynamoDBCrudPolicy: onTable(
    'GetItem DeleteItem PutItem Scan Query UpdateItem BatchWriteItem BatchGetItem DescribeTable ConditionCheckItem',
    '/index/*',
  ),
  DynamoDBReadPolicy: onTable('GetItem Scan Query BatchGetItem DescribeTable', '/index/*'),
  DynamoDBWritePolicy: onTable('PutItem UpdateItem BatchWriteItem', '/index/*'),
  DynamoDBReconfigurePolicy: onTable('UpdateTable'),
  DynamoDBStreamReadPolicy: {
    parameters: ['TableName', 'StreamName'],
    statements: ({ TableName, StreamName }, arn) => [
      allow(
        actionsOf('dynamodb', 'DescribeStream GetRecords GetShardIterator'),
        arn('dynamodb', `table/${TableName}/stream/${StreamName}`),
      ),
      allow(['dynamodb:ListStreams'], arn('dynamodb', `table/${TableName}/stream/*`)),
    ],
  },
  DynamoDBBackupFullAccessPolicy: {
    parameters: ['TableName'],
    statements: ({ TableName }, arn) => [
      allow(
        actionsOf('dynamodb', 'CreateBackup DescribeContinuousBackups'),
        arn('dynamodb', `table/${TableName}`),
      ),
      allow(
        actionsOf('dynamodb', 'DeleteBackup DescribeBackup ListBackups'),
        arn('dynamodb', `table/${TableName}/backup/*`),
      ),
    ],
  },
  DynamoDBRestoreFromBackupPolicy: {
    parameters: ['TableName'],
    statements: ({ TableName }, arn) => [
      allow(['dynamodb:RestoreTableFromBackup'], arn('dynamodb', `table/${TableName}/backup/*`)),
      allow(
        actionsOf('dynamodb', 'PutItem UpdateItem DeleteItem GetItem Query Scan BatchWriteItem'),
        arn('dynamodb', `table/${TableName}`),
      ),
    ],
  },
  SQSPollerPolicy: onQueue(
    'ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage DeleteMessageBatch GetQueueAttributes ReceiveMessage',
  ),
  SQSSendMessagePolicy: onQueue('SendMessage*'),
  LambdaInvokePolicy: {
    parameters: ['FunctionName'],
    statements: ({ FunctionName }, arn) => [
      allow(['lambda:InvokeFunction'], arn('lambda', `function:${FunctionName}*`)),
    ],
  },
};

/** The templates that only allow calls of services that are not checked here. */
const OTHERS: ReadonlySet<string> = new Set(
  `AcmGetCertificatePolicy AMIDescribePolicy AthenaQueryPolicy AWSSecretsManagerGetSecretValuePolicy
  AWSSecretsManagerRotationPolicy CloudFormationDescribeStacksPolicy CloudWatchDashboardPolicy
  CloudWatchDescribeAlarmHistoryPolicy CloudWatchPutMetricPolicy CodeCommitCrudPolicy CodeCommitReadPolicy
  CodePipelineLambdaExecutionPolicy CodePipelineReadOnlyPolicy ComprehendBasicAccessPolicy
  CostExplorerReadOnlyPolicy EC2CopyImagePolicy EC2DescribePolicy EcsRunTaskPolicy EFSWriteAccessPolicy
  EKSDescribePolicy ElasticMapReduceAddJobFlowStepsPolicy ElasticMapReduceCancelStepsPolicy
  ElasticMapReduceModifyInstanceFleetPolicy ElasticMapReduceModifyInstanceGroupsPolicy
  ElasticMapReduceSetTerminationProtectionPolicy ElasticMapReduceTerminateJobFlowsPolicy
  ElasticsearchHttpPostPolicy EventBridgePutEventsPolicy FilterLogEventsPolicy FirehoseCrudPolicy
  FirehoseWritePolicy KinesisCrudPolicy KinesisStreamReadPolicy KMSDecryptPolicy KMSEncryptPolicy
  MobileAnalyticsWriteOnlyAccessPolicy OrganizationsListAccountsPolicy ParameterStoreReadPolicy
  PinpointEndpointAccessPolicy PollyFullAccessPolicy RekognitionDetectOnlyPolicy
  RekognitionFacesManagementPolicy RekognitionFacesPolicy RekognitionLabelsPolicy
  RekognitionNoDataAccessPolicy RekognitionReadPolicy RekognitionWriteOnlyAccessPolicy
  Route53ChangeResourceRecordSetsPolicy S3CrudPolicy S3FullAccessPolicy S3ReadPolicy S3WritePolicy
  SageMakerCreateEndpointConfigPolicy SageMakerCreateEndpointPolicy ServerlessRepoReadWriteAccessPolicy
  SESBulkTemplatedCrudPolicy SESBulkTemplatedCrudPolicy_v2 SESCrudPolicy SESEmailTemplateCrudPolicy
  SESSendBouncePolicy SNSCrudPolicy SNSPublishMessagePolicy SSMParameterReadPolicy
  SSMParameterWithSlashPrefixReadPolicy StepFunctionsCallbackPolicy StepFunctionsExecutionPolicy
  TextractDetectAnalyzePolicy TextractGetResultPolicy TextractPolicy VPCAccessPolicy`.split(/\s+/),
);

/** Why a policy template of SAM cannot be used. */
export type PolicyTemplateProblem = { readonly problem: string };

/**
 * The policy that SAM makes of a policy template; `undefined` if it only concerns services whose calls are
 * not checked.
 *
 * @param arn makes the ARN of a resource of the stack's account and Region
 */
export function expandPolicyTemplate(
  name: string,
  given: PolicyParameters,
  arn: (service: string, resource: string) => string,
): PolicyDocument | PolicyTemplateProblem | undefined {
  const template = Object.hasOwn(TEMPLATES, name) ? TEMPLATES[name] : undefined;
  if (template === undefined) {
    return OTHERS.has(name) ? undefined : { problem: `which is not a policy template of SAM` };
  }
  const missing = template.parameters.find((parameter) => given[parameter] === undefined);
  if (missing !== undefined) return { problem: `which needs the parameter "${missing}"` };
  return { Version: '2012-10-17', Statement: template.statements(given, arn) };
}
