import { sliceKey } from '@gatecast/framework/adapter';
import type { Item } from './attributes.js';

/** Keys of the rows in the table. */
export class Keys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Key of the row of a connection. */
  connection(connectionId: string): Item {
    return { pk: { S: `${this.#prefix}C#${connectionId}` }, sk: { S: 'META' } };
  }

  /** Partition key of a channel's memberships. */
  channel(channel: string): string {
    return `${this.#prefix}S#${channel}#0`;
  }

  /** Key of a membership. */
  membership(connectionId: string, channel: string): Item {
    return { pk: { S: this.channel(channel) }, sk: { S: sliceKey(connectionId) } };
  }
}
