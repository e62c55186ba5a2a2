import type { RawFrame } from '../wire/frame.js';
import type { ProxyResponse } from '../wire/lambda-events.js';
import type { EventInvocation } from './app-invocation.js';
import { handleHistory } from './history.js';
import { handleSubscribe } from './subscribe.js';
import { handleSync } from './sync.js';
import { handleUnsubscribe } from './unsubscribe.js';

type Handle = (invocation: EventInvocation, frame: RawFrame) => Promise<ProxyResponse>;

/** Actions that change memberships, and so need time to undo that after a handler that hangs. */
const MEMBERSHIP_ACTIONS: ReadonlyMap<unknown, Handle> = new Map([
  ['subscribe', handleSubscribe],
  ['unsubscribe', handleUnsubscribe],
]);

/** Actions of apps that have a channel with history. */
const HISTORY_ACTIONS: ReadonlyMap<unknown, Handle> = new Map([
  ['history', handleHistory],
  ['sync', handleSync],
]);

/** What handles an action of the framework; `undefined` for any other. */
export function builtInAction({ core }: EventInvocation, action: unknown): Handle | undefined {
  return MEMBERSHIP_ACTIONS.get(action) ?? (core.historyOf && HISTORY_ACTIONS.get(action));
}

/** Whether an action changes memberships. */
export function changesMemberships(action: unknown): boolean {
  return MEMBERSHIP_ACTIONS.has(action);
}
