import type { AppActions, ServerChannel, ServerConnection } from '../channel/publishing.js';
import { ChannelOfServer, type PublishScope } from '../publish/publish.js';
import type { AppInvocation } from './app-invocation.js';
import { ConnectionOfServer } from './server-connection.js';

/** The actions of `ctx.app` within one invocation. */
export class AppHandle implements AppActions {
  readonly #invocation: AppInvocation;
  readonly #scope: PublishScope | undefined;

  constructor(invocation: AppInvocation, scope?: PublishScope) {
    this.#invocation = invocation;
    this.#scope = scope;
  }

  channel(name: string): ServerChannel {
    return new ChannelOfServer(this.#invocation, name, this.#scope);
  }

  connection(id: string): ServerConnection {
    return new ConnectionOfServer(this.#invocation, id, this.#scope);
  }
}
