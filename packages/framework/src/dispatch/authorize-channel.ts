import { channelNameProblem } from '@gatecast/protocol';
import type { Operation } from '../channel/access.js';
import type { PatternMatch } from '../channel/pattern.js';
import type { CompiledChannel } from '../channel/route-table.js';
import { unknownChannel } from '../channel/unknown-names.js';
import { ClientError } from '../errors/client-error.js';
import { isPromiseLike, type MaybePromise } from '../time/maybe-promise.js';
import { quote } from '../wire/frame.js';
import type { AppCore, EventInvocation } from './app-invocation.js';

/** The class of a channel, and the parameters in its name. */
export type ChannelMatch = PatternMatch<CompiledChannel>;

const OPERATIONS: ReadonlySet<string> = new Set<Operation>(['subscribe', 'message', 'history']);

/**
 * Decides about access, for every operation: finds the class of a channel and asks its access rule. No
 * other code does.
 *
 * @throws ClientError - ERR_FRAME_INVALID, ERR_CHANNEL_NAME, ERR_CHANNEL_UNKNOWN; ERR_FORBIDDEN, or the
 * error of the rule.
 */
export function authorizeChannel(
  { core, connection }: EventInvocation,
  name: unknown,
  operation: Operation,
): MaybePromise<ChannelMatch> {
  const match = findChannel(core, name);
  const { access } = match.value.options;
  if (!OPERATIONS.has(operation)) throw forbidden();
  if (access === 'public' || (access === undefined && !core.authorizer)) return match;
  const isAllowed: unknown =
    typeof access === 'function'
      ? access({ connection, params: match.params, channel: name as string, operation })
      : connection.userId !== undefined;
  // Only `true` grants access, so a rule that forgets to return a value refuses everybody.
  if (isAllowed === true) return match;
  if (!isPromiseLike(isAllowed)) throw forbidden();
  return Promise.resolve(isAllowed).then((value) => {
    if (value === true) return match;
    throw forbidden();
  });
}

/** The class of a channel name that a client sent. */
function findChannel({ table }: AppCore, name: unknown): ChannelMatch {
  if (typeof name !== 'string') {
    throw new ClientError('ERR_FRAME_INVALID', '"channel" must be the name of a channel.');
  }
  const match = table.find(name);
  if (match) return match;
  const problem = channelNameProblem(name);
  throw problem
    ? new ClientError('ERR_CHANNEL_NAME', `The channel name ${quote(name)} ${problem}.`)
    : new ClientError('ERR_CHANNEL_UNKNOWN', unknownChannel(table, name));
}

function forbidden(): ClientError {
  return new ClientError('ERR_FORBIDDEN', 'You may not use this channel.');
}
