import { describe, expect, it } from 'vitest';
import { decide } from '../../src/iam/decide.js';
import { managedPolicy } from '../../src/iam/managed-policies.js';
import { problemWithPolicy } from '../../src/iam/policy.js';
import { requestOf } from './request.js';

const ofAws = (name: string) => `arn:aws:iam::aws:policy/${name}`;

function allows(name: string, action: string, resource = 'arn:aws:sqs:us-east-1:1:q'): boolean {
  const policy = managedPolicy(ofAws(name));
  const role = { arn: 'arn:aws:iam::1:role/r', policies: policy ? [policy] : [] };
  return decide({ principal: 'ann', role }, requestOf({ action, resource })).isAllowed;
}

describe('a managed policy of AWS', () => {
  it.each([
    ['service-role/AWSLambdaBasicExecutionRole', 'logs:PutLogEvents', 'dynamodb:GetItem'],
    ['service-role/AWSLambdaVPCAccessExecutionRole', 'ec2:DescribeSubnets', 'ec2:RunInstances'],
    ['service-role/AWSLambdaSQSQueueExecutionRole', 'sqs:DeleteMessage', 'sqs:SendMessage'],
    ['service-role/AWSLambdaDynamoDBExecutionRole', 'dynamodb:GetRecords', 'dynamodb:GetItem'],
    ['service-role/AWSLambdaRole', 'lambda:InvokeFunction', 'lambda:GetFunction'],
    ['AWSXRayDaemonWriteAccess', 'xray:PutTraceSegments', 'xray:GetTraceSummaries'],
    ['AWSXrayWriteOnlyAccess', 'xray:PutTelemetryRecords', 'xray:GetTraceGraph'],
    ['AmazonAPIGatewayInvokeFullAccess', 'execute-api:ManageConnections', 'apigateway:GET'],
    ['AmazonDynamoDBFullAccess', 'dynamodb:PutItem', 'sqs:SendMessage'],
    ['AmazonDynamoDBReadOnlyAccess', 'dynamodb:Query', 'dynamodb:PutItem'],
    ['AmazonSQSFullAccess', 'sqs:SendMessage', 'dynamodb:PutItem'],
  ])('%s allows %s, and not %s', (name, allowed, refused) => {
    expect(allows(name, allowed)).toBe(true);
    expect(allows(name, refused)).toBe(false);
    expect(problemWithPolicy(managedPolicy(ofAws(name))?.document)).toBeUndefined();
  });

  it('that is for administrators allows everything', () => {
    expect(allows('AdministratorAccess', 'iam:CreateUser')).toBe(true);
  });

  it('is the same in another partition, and is named', () => {
    const arn = 'arn:aws-us-gov:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole';
    expect(managedPolicy(arn)?.source).toBe('the managed policy "AWSLambdaBasicExecutionRole"');
  });

  it.each([
    ofAws('AmazonS3FullAccess'),
    ofAws('AWSLambdaBasicExecutionRole'),
    'arn:aws:iam::123456789012:policy/AmazonSQSFullAccess',
    'AmazonSQSFullAccess',
    `x${ofAws('AmazonSQSFullAccess')}`,
  ])('is not known: %s', (arn) => {
    expect(managedPolicy(arn)).toBeUndefined();
  });
});
