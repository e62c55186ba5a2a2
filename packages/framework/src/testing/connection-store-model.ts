import type { ChannelLimits, ConnectionRecord, ConnectionStore } from '../store/connections.js';
import { sorted } from './contract-fixtures.js';

/** Something that is done to one connection. */
export type Action =
  | { readonly do: 'connect'; readonly record: ConnectionRecord; readonly channels: string[] }
  | { readonly do: 'subscribe'; readonly channels: string[]; readonly limits: ChannelLimits }
  | { readonly do: 'unsubscribe'; readonly channels: string[] }
  | { readonly do: 'disconnect' }
  | { readonly do: 'prune' };

/** Does it, and returns its result in a form that can be compared. */
export async function perform(
  store: ConnectionStore,
  connectionId: string,
  action: Action,
): Promise<unknown> {
  switch (action.do) {
    case 'connect':
      return store.connect(action.record, action.channels);
    case 'subscribe':
      return store.subscribe(connectionId, action.channels, action.limits);
    case 'unsubscribe':
      return store.unsubscribe(connectionId, action.channels);
    case 'disconnect': {
      const left = await store.disconnect(connectionId);
      return left && { record: left.record, channels: sorted(left.channels) };
    }
    case 'prune':
      return store.prune([connectionId]);
  }
}

/** What becomes of one connection when one thing is done after the other. */
export class ConnectionModel {
  /** Absent while there is no connection. */
  record: ConnectionRecord | undefined;
  readonly channels: Set<string> = new Set();

  /** Does it, and returns what the store has to return. */
  perform(action: Action): unknown {
    switch (action.do) {
      case 'connect':
        this.record = action.record;
        for (const channel of action.channels) this.channels.add(channel);
        return undefined;
      case 'subscribe':
        return this.#subscribe(action.channels, action.limits);
      case 'unsubscribe': {
        const left = new Set(action.channels.filter((channel) => this.channels.delete(channel)));
        return action.channels.map((channel) => left.has(channel));
      }
      case 'disconnect': {
        const { record } = this;
        const channels = sorted([...this.channels]);
        this.#end();
        return record && { record, channels };
      }
      case 'prune':
        return this.#end();
    }
  }

  #subscribe(channels: readonly string[], { maxChannels, maxBytes }: ChannelLimits): unknown {
    if (!this.record) return channels.map(() => 'gone');
    return channels.map((channel) => {
      if (this.channels.has(channel)) return 'present';
      const bytes = Buffer.byteLength([...this.channels, channel].join(''));
      if (this.channels.size >= maxChannels || bytes > maxBytes) return 'full';
      this.channels.add(channel);
      return 'subscribed';
    });
  }

  #end(): void {
    this.record = undefined;
    this.channels.clear();
  }
}
