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
import { pruneConnections, removeConnection, removeRemains } from './removal.js';
import { Rows, type RowsOptions } from './rows.js';
import { readSubscribers } from './subscribers-query.js';
import { addChannels, takeChannels } from './subscriptions.js';

/** One operation of the store. */
export interface Opening {
  /** What it does, for errors: the words after "could not". */
  readonly operation: string;
  readonly limit: TimeLimit | undefined;
  /** Whether it may take all of its time limit, because nobody waits for it. @default false */
  readonly isUnhurried?: boolean;
}

/** Opens the table for one operation. */
export type OpenTable = (opening: Opening) => Promise<RowsOptions>;

/** Connections and memberships in one table; {@link Rows} says how the two are kept together. */
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
    const rows = await this.#open({ operation: 'keep a connection', limit });
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
        // The id was used before, and what is left of that must not pass to the new connection.
        await removeRemains(rows, connectionId);
        row = await rows.create(record, wanted);
      }
    }
    const added = wanted.filter((channel) => !before.has(channel));
    await rows.agree(connectionId, row, { added, others: [...before] });
  }

  async get(connectionId: string, limit?: TimeLimit): Promise<ConnectionRecord | undefined> {
    const rows = await this.#open({ operation: 'read a connection', limit });
    return (await rows.read(connectionId))?.record;
  }

  async disconnect(connectionId: string, limit?: TimeLimit): Promise<Disconnected | undefined> {
    const operation = 'remove a connection';
    const rows = await this.#open({ operation, limit, isUnhurried: true });
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
    // Those that were there, because an earlier attempt may have been cut off between its writes.
    const isNew = new Set(added);
    const others = wanted.filter((channel) => !isNew.has(channel));
    await rows.agree(connectionId, row, { added, others });
    // Also where it has ended since: then its removal lists them, and each membership has begun and ended.
    return channels.map((channel) => results.get(channel) ?? 'gone');
  }

  async unsubscribe(
    connectionId: string,
    channels: readonly string[],
    limit?: TimeLimit,
  ): Promise<readonly boolean[]> {
    const rows = await this.#open({ operation: 'unsubscribe a connection', limit });
    const wanted = [...new Set(channels)];
    const { row, taken } = await takeChannels(rows, connectionId, wanted);
    await rows.agree(connectionId, row, { others: wanted });
    return channels.map((channel) => taken.has(channel));
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
    const rows = await this.#open({ operation: 'prune connections', limit, isUnhurried: true });
    await pruneConnections(rows, connectionIds);
  }

  async #open(opening: Opening): Promise<Rows> {
    return new Rows(await this.#openTable(opening));
  }
}
