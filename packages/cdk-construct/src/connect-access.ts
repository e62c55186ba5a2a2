import { Annotations } from 'aws-cdk-lib';
import * as apigwv2 from 'aws-cdk-lib/aws-apigatewayv2';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { GatecastApiProps } from './props';
import { addPermission, type ConnectAccess, invocationUri } from './routes';

/** Who decides about `$connect`: `app` is the app's own function as a Lambda authorizer. */
export type AccessKind = 'app' | 'function' | 'iam' | 'none';

export function accessKindOf({ authorizer, routes }: GatecastApiProps): AccessKind {
  return authorizer?._kind ?? (routes?._data.authorizer ? 'app' : 'none');
}

/** Makes the authorizer, if there is one. Returns what `$connect` needs to refer to it. */
export function addAuthorizer(
  scope: Construct,
  {
    props,
    apiId,
    handler,
    permissions,
  }: {
    readonly props: GatecastApiProps;
    readonly apiId: string;
    readonly handler: lambda.IFunction;
    /** Where the permission to invoke the authorizer belongs. */
    readonly permissions: Construct;
  },
): ConnectAccess {
  const kind = accessKindOf(props);
  if (kind === 'iam') return { authorizationType: 'AWS_IAM' };
  if (kind === 'none') {
    tellOpen(scope, props);
    return { authorizationType: 'NONE', isOpenByChoice: props.authorizer !== undefined };
  }
  const decider = props.authorizer?._function ?? handler;
  // Without identity sources, so that the app finds the token wherever it is.
  const authorizer = new apigwv2.CfnAuthorizer(scope, 'Authorizer', {
    apiId,
    name: 'Authorizer',
    authorizerType: 'REQUEST',
    authorizerUri: invocationUri(scope, decider),
  });
  const part = `authorizers/${authorizer.ref}`;
  addPermission(permissions, 'Authorizer', { apiId, handler: decider, part });
  return { authorizationType: 'CUSTOM', authorizerId: authorizer.ref };
}

function tellOpen(scope: Construct, { authorizer, routes }: GatecastApiProps): void {
  if (authorizer !== undefined) return;
  if (routes === undefined) {
    Annotations.of(scope).addInfoV2(
      '@gatecast/cdk-construct:withoutManifest',
      'Without "routes" the construct cannot know whether the app has an authorizer. If it has one, it ' +
        'runs in $connect. With the manifest of "gatecast manifest" it becomes a Lambda authorizer, and ' +
        'each message a route of its own.',
    );
    return;
  }
  Annotations.of(scope).addWarningV2(
    '@gatecast/cdk-construct:noAuthorizer',
    'The app has no authorizer, so everybody may connect. If that is what you want, say so: ' +
      'authorizer: Authorizer.none().',
  );
}
