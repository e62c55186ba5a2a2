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
import { type ChannelPlan, planChannels } from './channel-plan.js';
import type { ConnectionRow } from './items.js';
import { pruneConnections, removeConnection, removeRemains } from './removal.js';
import { Rows, type RowsOptions } from './rows.js';
import { readSubscribers } from './subscribers-query.js';

/** One operation of the store. */
export interface Opening {
  /** What it is to do, after "could not". */
  readonly operation: string;
  readonly limit: TimeLimit | undefined;
  /** Whether nobody waits for it, so that it may take all of its time limit. */
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
    let kept = await rows.keep(record, wanted);
    while (!kept) {
      // The id was used before, and what is left of that must not pass to the new connection.
      await removeRemains(rows, connectionId);
      kept = await rows.keep(record, wanted);
    }
    const { row, before } = kept;
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
    const current = await rows.agree(connectionId, row, { added, others });
    const isThere = row !== undefined && current !== undefined;
    return channels.map((channel) => (isThere && results.get(channel)) || 'gone');
  }

  async unsubscribe(
    connectionId: string,
    channels: readonly string[],
    limit?: TimeLimit,
  ): Promise<readonly boolean[]> {
    const rows = await this.#open({ operation: 'unsubscribe a connection', limit });
    const wanted = [...new Set(channels)];
    let row = await rows.read(connectionId);
    let left: readonly string[] = wanted.filter((channel) => row?.channels.has(channel));
    if (left.length > 0) {
      // The row comes second: cut off in between, the channels are still known, and so will be cleared.
      await rows.leave([[connectionId, left]]);
      ({ left, row } = await rows.remove(connectionId, left));
    }
    await rows.agree(connectionId, row, { others: wanted });
    const ended = new Set(left);
    return channels.map((channel) => ended.has(channel));
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

interface Wish {
  /** Different channels. */
  readonly wanted: readonly string[];
  readonly limits: ChannelLimits;
}

/**
 * Adds channels to the row of a connection, as many as the limits allow. The update holds only for the
 * row that was counted, so the limits are exact.
 */
async function addChannels(
  rows: Rows,
  connectionId: string,
  { wanted, limits }: Wish,
): Promise<ChannelPlan & { readonly row: ConnectionRow | undefined }> {
  // Added by an update whose answer was lost, for all that is known.
  const own = new Set<string>();
  for (let failed = 1; ; failed += 1) {
    const row = await rows.read(connectionId);
    if (!row) return { row, added: [], results: new Map() };
    const { added, results: planned } = planChannels(row.channels, wanted, limits);
    const results = new Map(planned);
    for (const channel of own) {
      if (row.channels.has(channel)) results.set(channel, 'subscribed');
    }
    if (added.length === 0) return { row, added, results };
    const { isDone, mayHaveRun } = await rows.add(row, added);
    if (isDone) {
      return { row: { ...row, channels: new Set([...row.channels, ...added]) }, added, results };
    }
    if (mayHaveRun) for (const channel of added) own.add(channel);
    await rows.giveWay(failed);
  }
}
