import type { UnsubscribedFrame } from '@gatecast/protocol';
import type { DisconnectOptions, ServerConnection } from '../channel/publishing.js';
import { isOwn } from '../deliver/apigw/endpoint.js';
import { sayFarewell } from '../deliver/farewell.js';
import { checkOptions, type OptionTypes, option } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
import { checkName, type PublishScope } from '../publish/publish.js';
import { makeConnection } from '../wire/identity.js';
import type { AppInvocation } from './app-invocation.js';
import { identityOfRecord } from './identify.js';
import { tellOfLeaving } from './leave.js';

const OPTIONS: OptionTypes<DisconnectOptions> = { reconnect: option.flag, reason: option.text };

/** One connection, to end it or its subscriptions within an invocation. */
export class ConnectionOfServer implements ServerConnection {
  readonly id: string;
  readonly #invocation: AppInvocation;
  readonly #scope: PublishScope;

  constructor(invocation: AppInvocation, id: string, scope: PublishScope = {}) {
    this.id = id;
    this.#invocation = invocation;
    this.#scope = scope;
  }

  disconnect(options: DisconnectOptions = {}): Promise<boolean> {
    return this.#invocation.delayAnswer(this.#disconnect(options));
  }

  unsubscribe(
    channel: string,
    reason = 'The server has ended the subscription.',
  ): Promise<boolean> {
    return this.#invocation.delayAnswer(this.#unsubscribe(channel, reason));
  }

  async #disconnect(options: DisconnectOptions): Promise<boolean> {
    const limit = this.#limit('disconnect');
    checkOptions('disconnect()', options, OPTIONS);
    const { reconnect = false, reason = 'The server has ended the connection.' } = options;
    const farewell = { code: 'ERR_DISCONNECTED', reason, reconnect };
    const { poster } = this.#invocation.stage();
    const outcome = await sayFarewell(this.id, farewell, { poster, limit });
    if ('error' in outcome) throw outcome.error;
    // A client that is told closes by itself, maybe before it is closed.
    return outcome.result === 'delivered' || outcome.isTold;
  }

  async #unsubscribe(channel: string, reason: string): Promise<boolean> {
    const invocation = this.#invocation;
    const limit = this.#limit('unsubscribe');
    // The channel's class need not exist: a deployment may have removed it.
    checkName(channel);
    const record = await invocation.connections.get(this.id, limit);
    if (!record || !isOwn(record, invocation.address)) return false;
    const [wasSubscribed] = await invocation.connections.unsubscribe(this.id, [channel], limit);
    if (!wasSubscribed) return false;
    const { connectionId, connectedAt } = record;
    const identity = identityOfRecord(invocation.core, record);
    const connection = makeConnection({ connectionId, connectedAt }, identity);
    await tellOfLeaving(invocation, [channel], { connection, cause: 'server', event: undefined });
    const frame: UnsubscribedFrame = {
      type: 'unsubscribed',
      channel,
      code: 'ERR_REMOVED',
      reason,
    };
    const outcome = await invocation.stage().poster.post(this.id, JSON.stringify(frame), { limit });
    // The subscription has ended even if the client could not be told. It finds out when it subscribes
    // again.
    if ('error' in outcome) invocation.report(outcome.error);
    return true;
  }

  #limit(method: string): ReturnType<AppInvocation['limit']> {
    const limit = this.#invocation.limit(`connection().${method}()`);
    const { sender, unopened } = this.#scope;
    if (unopened && sender === this.id) throw makeError('ERR_SEND_IN_CONNECT', {});
    return limit;
  }
}
