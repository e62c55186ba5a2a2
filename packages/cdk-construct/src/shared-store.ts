import { Annotations, Stack } from 'aws-cdk-lib';
import type { Construct, IConstruct } from 'constructs';
import type { _BoundStore } from './store';

/** Which API uses which keys of which store, for each CDK app. */
const users = new WeakMap<IConstruct, Map<string, Construct>>();

/** Warns of another API of this CDK app whose rows have the same keys in the same table or server. */
export function tellShared(scope: Construct, { environment }: _BoundStore): void {
  const { root } = scope.node;
  const { account, region } = Stack.of(scope);
  const known = users.get(root) ?? new Map<string, Construct>();
  users.set(root, known);
  const keys = JSON.stringify([account, region, environment]);
  const other = known.get(keys);
  known.set(keys, scope);
  if (other === undefined) return;
  Annotations.of(scope).addWarningV2(
    '@gatecast/cdk-construct:sharedKeys',
    `The store has the same keys as that of "${other.node.path}". Channels of the same name then have one ` +
      'history for both APIs, and a publish reads the subscribers of both. Give each a keyPrefix of its own. ' +
      'If it is one app that is to share them, acknowledge this warning: ' +
      'Annotations.of(chat).acknowledgeWarning("@gatecast/cdk-construct:sharedKeys").',
  );
}
