import { sliceKey } from '@gatecast/framework/adapter';
import type { Item } from './attributes.js';

/** Where rows lie in the table. */
export class Keys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Key of a connection's row. */
  connection(connectionId: string): Item {
    return { pk: { S: `${this.#prefix}C#${connectionId}` }, sk: { S: 'META' } };
  }

  /** Partition in which the memberships of a channel lie. */
  channel(channel: string): string {
    return `${this.#prefix}S#${channel}#0`;
  }

  /** Key of a membership. */
  membership(connectionId: string, channel: string): Item {
    return { pk: { S: this.channel(channel) }, sk: { S: sliceKey(connectionId) } };
  }
}
