import type {
  ChannelLimits,
  ConnectionRecord,
  ConnectionStore,
  Disconnected,
  Page,
  SubscribeResult,
  Subscriber,
  SubscriberRange,
} from '@gatecast/framework';
import type { TimeLimit } from '@gatecast/framework/adapter';
import { finishRemoval, pruneConnections, removeConnection } from './removal.js';
import { Rows, type RowsOptions } from './rows.js';
import { readSubscribers } from './subscribers-query.js';
import { addChannels, removeChannels } from './subscriptions.js';

/** One operation of the store. */
export interface OpenOptions {
  /** Completes the message "The store … could not …". */
  readonly operation: string;
  readonly limit: TimeLimit | undefined;
  /**
   * Whether it may take until the end of its time limit, if there is one, beyond `budgetMs`: for work that no
   * client waits for. @default false
   */
  readonly usesWholeLimit?: boolean;
  /** Part of `budgetMs` that it may take. @default 1 */
  readonly budgetShare?: number;
  /** Most milliseconds, whatever its time limit and `budgetMs` are. @default Infinity */
  readonly longestMs?: number;
}

/** Opens the table for one operation. */
export type OpenTable = (opening: OpenOptions) => Promise<RowsOptions>;

/** Connections and memberships in one table; {@link Rows} says how the two are kept consistent. */
export class DynamoDbConnectionStore implements ConnectionStore {
  readonly contract = 2;
  readonly #openTable: OpenTable;

  constructor(openTable: OpenTable) {
    this.#openTable = openTable;
  }

  async connect(
    record: ConnectionRecord,
    channels: readonly string[],
    limit?: TimeLimit,
  ): Promise<void> {
    const rows = await this.#open({ operation: 'save a connection', limit });
    const { connectionId } = record;
    const wanted = [...new Set(channels)];
    let before: ReadonlySet<string> = new Set();
    let row = await rows.create(record, wanted);
    while (!row) {
      const old = await rows.read(connectionId);
      before = new Set(old?.channels);
      if (old) {
        row = await rows.replace(
          old,
          record,
          wanted.filter((channel) => !old.channels.has(channel)),
        );
      } else {
        // The id was used before. The new connection must not get the old one's subscriptions.
        await finishRemoval(rows, connectionId);
        row = await rows.create(record, wanted);
      }
    }
    const added = wanted.filter((channel) => !before.has(channel));
    await rows.syncMemberships(connectionId, row, { added, others: [...before] });
  }

  async get(connectionId: string, limit?: TimeLimit): Promise<ConnectionRecord | undefined> {
    const rows = await this.#open({ operation: 'read a connection', limit });
    return (await rows.read(connectionId))?.record;
  }

  async disconnect(connectionId: string, limit?: TimeLimit): Promise<Disconnected | undefined> {
    const operation = 'remove a connection';
    const rows = await this.#open({ operation, limit, usesWholeLimit: true });
    return removeConnection(rows, connectionId);
  }

  // oxlint-disable-next-line max-params -- as in the contract.
  async subscribe(
    connectionId: string,
    channels: readonly string[],
    limits: ChannelLimits,
    limit?: TimeLimit,
  ): Promise<readonly SubscribeResult[]> {
    const rows = await this.#open({ operation: 'subscribe a connection', limit });
    const wanted = [...new Set(channels)];
    const { row, added, results } = await addChannels(rows, connectionId, { wanted, limits });
    // Channels already in the row are checked too: an earlier attempt may have been cut off between its
    // writes.
    const isNew = new Set(added);
    const others = wanted.filter((channel) => !isNew.has(channel));
    await rows.syncMemberships(connectionId, row, { added, others });
    // The result stands even if the connection has ended meanwhile: its removal deletes these
    // memberships.
    return channels.map((channel) => results.get(channel) ?? 'gone');
  }

  async unsubscribe(
    connectionId: string,
    channels: readonly string[],
    limit?: TimeLimit,
  ): Promise<readonly boolean[]> {
    const rows = await this.#open({ operation: 'unsubscribe a connection', limit });
    const wanted = [...new Set(channels)];
    const { row, removed } = await removeChannels(rows, connectionId, wanted);
    await rows.syncMemberships(connectionId, row, { others: wanted });
    return channels.map((channel) => removed.has(channel));
  }

  async subscribers(
    channel: string,
    range: SubscriberRange = {},
    limit?: TimeLimit,
  ): Promise<Page<Subscriber>> {
    const operation = 'read the subscribers of a channel';
    return readSubscribers(await this.#openTable({ operation, limit }), channel, range);
  }

  async channels(connectionId: string, limit?: TimeLimit): Promise<readonly string[]> {
    const rows = await this.#open({ operation: 'read the channels of a connection', limit });
    return [...((await rows.read(connectionId))?.channels ?? [])];
  }

  async prune(connectionIds: readonly string[], limit?: TimeLimit): Promise<void> {
    const rows = await this.#open({ operation: 'prune connections', limit, usesWholeLimit: true });
    await pruneConnections(rows, connectionIds);
  }

  async #open(opening: OpenOptions): Promise<Rows> {
    return new Rows(await this.#openTable(opening));
  }
}
