import { CfnResource, type IResource, type ResourceEnvironment, Stack, Token } from 'aws-cdk-lib';
import type { Construct, IConstruct } from 'constructs';
import { mistake } from './mistake';
import type { GatecastApiProps } from './props';

type Place = Pick<ResourceEnvironment, 'account' | 'region'>;

/** Whether something is of this app. Otherwise it is imported: a reference by name, which needs no stack. */
export function isMadeHere(part: IConstruct): boolean {
  return part.node.findAll().some((each) => CfnResource.isCfnResource(each));
}

/** Whether two things are known to be in different accounts or Regions. */
export function areApart(
  one: Place,
  other: Place,
  parts: readonly (keyof Place)[] = ['account', 'region'],
): boolean {
  return parts.some(
    (name) =>
      one[name] !== '' &&
      !Token.isUnresolved(one[name]) &&
      !Token.isUnresolved(other[name]) &&
      one[name] !== other[name],
  );
}

/** Something that an API uses. */
interface Used {
  readonly part?: IResource;
  readonly arn?: string;
  /** What it has to have in common with the API; by default both. */
  readonly same?: readonly (keyof Place)[];
}

/** @throws Error if AWS could not use something with this API, because it is in another account or Region. */
export function checkPlaces(scope: Construct, props: GatecastApiProps): void {
  const { handler, authorizer, role, logGroup, accessLogGroup, domain, alarms, store } = props;
  const decider = authorizer?._function;
  const table = store?._table;
  const certificate = domain?.certificate;
  const topic = alarms?.topic;
  const all: readonly (readonly [string, Used])[] = [
    ['handler', { part: handler, arn: handler?.functionArn }],
    ['function of the authorizer', { part: decider, arn: decider?.functionArn }],
    ['table', { part: table, arn: table?.tableArn }],
    ['log group', { part: logGroup, arn: logGroup?.logGroupArn }],
    ['log group', { part: accessLogGroup, arn: accessLogGroup?.logGroupArn }],
    ['certificate', { part: certificate, arn: certificate?.certificateArn }],
    ['role', { part: role, arn: role?.roleArn, same: ['account'] }],
    ['topic of the alarms', { part: topic, arn: topic?.topicArn, same: ['region'] }],
  ];
  for (const [name, used] of all) checkPlace(scope, name, used);
}

function checkPlace(scope: Construct, name: string, { part, arn = '', same }: Used): void {
  if (part === undefined) return;
  const own = Stack.of(scope);
  // What is imported by its ARN is said to be where the stack is.
  const [, , , region = '', account = ''] = arn.split(':');
  const there = [part.env, { account, region }].find((place) => areApart(place, own, same));
  if (there === undefined) return;
  throw mistake(
    scope,
    `the ${name} "${part.node.path}" is in ${there.account}/${there.region}, and the API in ${own.account}/${own.region}.`,
    "Use one of the API's account and Region.",
  );
}
