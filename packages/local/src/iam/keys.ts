/**
 * The condition keys of a request, by their names in lower case. A list is the values of a multivalued
 * key. A key that is `undefined` is known, but the request lacks it; one that is missing is not known here.
 */
export type Keys = ReadonlyMap<string, string | readonly string[] | undefined>;

/** What the condition keys of API Gateway are made from. */
export interface ConditionedRequest {
  /** Time on the gateway's clock, in milliseconds since the epoch. */
  readonly now: number;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  readonly referer: string | undefined;
}

/**
 * The condition keys that API Gateway has for requests of every kind (AWS condition keys that can be used
 * in API Gateway resource policies). The keys of private APIs are always absent, because a WebSocket API is
 * never private.
 */
export function apiGatewayKeys({ now, sourceIp, userAgent, referer }: ConditionedRequest): Keys {
  return new Map([
    ...keysOfTime(now),
    ['aws:referer', referer],
    // On AWS, clients can only use TLS (row 3.21). Plain text stands for it here.
    ['aws:securetransport', 'true'],
    ['aws:sourcearn', undefined],
    ['aws:sourceip', sourceIp],
    ['aws:sourcevpc', undefined],
    ['aws:sourcevpce', undefined],
    ['aws:useragent', userAgent],
    ['aws:vpcsourceip', undefined],
  ]);
}

/** A call with the keys of a role. */
export interface RoleCall {
  /** The ARN of the role: `arn:aws:iam::123456789012:role/Chat`. */
  readonly roleArn: string;
  /** Of the endpoint. */
  readonly region: string;
  /** In milliseconds since the epoch. */
  readonly now: number;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  /** The ARN of the function whose environment sends the call. @default not known */
  readonly functionArn?: string | undefined;
  /** The ARN of what is called; one without an account is of that of the role. @default one without */
  readonly resource?: string | undefined;
}

/**
 * The global condition keys of a call by the session of a role (AWS global condition context keys). Those
 * are missing that depend on what only AWS knows: tags, the organization, the id of the role, its VPC.
 */
export function roleKeys(call: RoleCall): Keys {
  const [account, owner] = [call.roleArn, call.resource].map(
    (arn) => arn?.split(':')[4] || undefined,
  );
  return new Map([
    ...keysOfTime(call.now),
    ['aws:assumedroot', undefined],
    ['aws:calledvia', undefined],
    ['aws:calledviafirst', undefined],
    ['aws:calledvialast', undefined],
    ['aws:federatedprovider', undefined],
    ['aws:principalaccount', account],
    ['aws:principalarn', call.roleArn],
    ['aws:principalisawsservice', 'false'],
    ['aws:principalservicename', undefined],
    ['aws:principalservicenameslist', undefined],
    ['aws:principaltype', 'AssumedRole'],
    ['aws:referer', undefined],
    ['aws:requestedregion', call.region],
    ['aws:resourceaccount', owner ?? account],
    ['aws:securetransport', 'true'],
    ['aws:sourceaccount', undefined],
    ['aws:sourcearn', undefined],
    ['aws:sourceidentity', undefined],
    ['aws:sourceip', call.sourceIp],
    ['aws:useragent', call.userAgent],
    ['aws:username', undefined],
    ['aws:viaawsservice', 'false'],
    ['ec2:sourceinstancearn', undefined],
    ...sourceOf(call),
  ]);
}

function keysOfTime(now: number): [name: string, value: string | undefined][] {
  return [
    ['aws:currenttime', new Date(now).toISOString()],
    ['aws:epochtime', String(Math.floor(now / 1000))],
  ];
}

function sourceOf({ functionArn }: RoleCall): [name: string, value: string][] {
  return functionArn === undefined ? [] : [['lambda:sourcefunctionarn', functionArn]];
}

const nowhere = { now: 0, sourceIp: '', userAgent: undefined, referer: undefined };
const always: Keys = new Map([
  ...apiGatewayKeys(nowhere),
  ...roleKeys({ ...nowhere, roleArn: '', region: '' }),
]);

/**
 * Whether a request by a role may have a condition key whose value is known here. It is not known before
 * the request which of the keys of services, such as `dynamodb:LeadingKeys`, it has.
 */
export function mayBeKnown(name: string): boolean {
  const lowerCase = name.toLowerCase();
  return always.has(lowerCase) || /^(?!aws:)[a-z\d-]+:./.test(lowerCase);
}
