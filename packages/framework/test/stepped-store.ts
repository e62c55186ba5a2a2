import { randomUUID } from 'node:crypto';
import type {
  ChannelLimits,
  ConnectionRecord,
  ConnectionStore,
  Disconnected,
  Page,
  SubscribeResult,
  Subscriber,
} from '@gatecast/framework';
import { sliceKey } from '@gatecast/framework/adapter';
import type { Step, StoreUnderTest } from '@gatecast/framework/testing';

/** Mistakes that the store can contain. */
export type Mistake =
  | 'subscribe does not read the connection afterwards'
  | 'disconnect removes memberships before the row'
  | 'the limit is checked before the write'
  | 'a removal forgets the list of memberships first'
  | 'a repeated removal does not recognise its own work'
  | 'connect leaves the old record in memberships'
  | 'connect does not finish a removal that was cut off'
  | 'every subscription that raced is undone';

interface Row {
  readonly record: ConnectionRecord;
  readonly channels: readonly string[];
  /** Id of the disconnect that removes it. */
  readonly closing?: string;
  /** Id of the prune that has hidden it. */
  readonly pruned?: string;
}

/**
 * A store like those of the adapters, with a map of rows and a map of memberships. Each change of them is
 * a separate call. A call that changes a row writes its memberships afterwards and then reads the row
 * again, until nothing has changed. So the last write of a membership is always right.
 */
export function steppedStore(step: Step, mistake?: Mistake): StoreUnderTest {
  return { connections: new SteppedStore(step, mistake), async [Symbol.asyncDispose]() {} };
}

class SteppedStore implements ConnectionStore {
  readonly contract = 2;
  readonly #step: Step;
  readonly #mistake: Mistake | undefined;
  readonly #rows = new Map<string, Row>();
  readonly #members = new Map<string, Map<string, Subscriber>>();

  constructor(step: Step, mistake: Mistake | undefined) {
    this.#step = step;
    this.#mistake = mistake;
  }

  async connect(record: ConnectionRecord, channels: readonly string[]): Promise<void> {
    const id = record.connectionId;
    for (;;) {
      const row = await this.#update(id, (old) => {
        if (
          old &&
          !isLive(old) &&
          !this.#makes('connect does not finish a removal that was cut off')
        )
          return old;
        const kept = old?.channels ?? [];
        return { record, channels: [...new Set([...kept, ...channels])] };
      });
      if (row && isLive(row)) {
        const isPartial = this.#makes('connect leaves the old record in memberships');
        return this.#syncMemberships(id, isPartial ? channels : row.channels);
      }
      if (row && record.expiresAt <= Date.now() && !row.closing && !row.pruned) {
        return this.#syncMemberships(id, row.channels);
      }
      await this.#clear(id);
    }
  }

  async get(id: string): Promise<ConnectionRecord | undefined> {
    const row = await this.#read(id);
    return row && isLive(row) ? row.record : undefined;
  }

  async disconnect(id: string): Promise<Disconnected | undefined> {
    return this.#remove(id);
  }

  async subscribe(
    id: string,
    channels: readonly string[],
    limits: ChannelLimits,
  ): Promise<readonly SubscribeResult[]> {
    const wanted = [...new Set(channels)];
    let results: readonly SubscribeResult[] = [];
    const isEarly = this.#makes('the limit is checked before the write');
    const early = isEarly ? resultsOf(await this.#read(id), wanted, limits) : undefined;
    const row = await this.#update(id, (old) => {
      results = early ?? resultsOf(old, wanted, limits);
      const added = wanted.filter((_channel, index) => results[index] === 'subscribed');
      return old && { ...old, channels: [...old.channels, ...added] };
    });
    if (this.#makes('subscribe does not read the connection afterwards')) {
      for (const [index, channel] of wanted.entries()) {
        if (row && results[index] === 'subscribed') await this.#write(id, channel, row);
      }
    } else {
      await this.#syncMemberships(id, wanted);
    }
    return channels.map((channel) => results[wanted.indexOf(channel)] ?? 'gone');
  }

  async unsubscribe(id: string, channels: readonly string[]): Promise<readonly boolean[]> {
    // Memberships first, so that the row still lists them if the call is cut off here.
    for (const channel of channels) await this.#write(id, channel, undefined);
    let left: readonly boolean[] = channels.map(() => false);
    await this.#update(id, (old) => {
      // The row of a connection that is being removed keeps its list, because the removal returns it.
      if (!old || !isLive(old)) return old;
      left = channels.map((channel) => has(old, channel));
      return { ...old, channels: old.channels.filter((one) => !channels.includes(one)) };
    });
    await this.#syncMemberships(id, channels);
    return left;
  }

  async subscribers(channel: string): Promise<Page<Subscriber>> {
    const members = await this.#call(() => [...(this.#members.get(channel)?.values() ?? [])]);
    const order = (one: Subscriber) => sliceKey(one.connectionId);
    return { items: members.sort((a, b) => (order(a) < order(b) ? -1 : 1)) };
  }

  async channels(id: string): Promise<readonly string[]> {
    const row = await this.#read(id);
    return row && isLive(row) ? row.channels : [];
  }

  async prune(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const row = await this.#hide(id, () => true);
      if (row) await this.#syncMemberships(id, row.channels);
    }
  }

  #makes(mistake: Mistake): boolean {
    return this.#mistake === mistake;
  }

  /** Marks a row as pruned and returns it. */
  #hide(id: string, isMeant: (row: Row) => boolean): Promise<Row | undefined> {
    const own = randomUUID();
    return this.#update(id, (old) => (old && isMeant(old) ? { pruned: own, ...old } : old));
  }

  /** Removes the row and the memberships of a connection that is gone. */
  async #clear(id: string): Promise<void> {
    const row = await this.#hide(id, (old) => !isLive(old));
    if (!row?.pruned) return;
    await this.#syncMemberships(id, row.channels);
    await this.#update(id, (old) => {
      const isSame = old?.pruned === row.pruned && old?.closing === row.closing;
      return isSame ? undefined : old;
    });
  }

  async #remove(id: string): Promise<Disconnected | undefined> {
    if (this.#makes('disconnect removes memberships before the row')) {
      const row = await this.#read(id);
      for (const channel of row?.channels ?? []) await this.#write(id, channel, undefined);
      const removed = await this.#exchange(id, () => undefined);
      return removed && { record: removed.record, channels: removed.channels };
    }
    if (this.#makes('a removal forgets the list of memberships first')) {
      const row = await this.#exchange(id, () => undefined);
      if (row) await this.#syncMemberships(id, row.channels);
      return row && isLive(row) ? { record: row.record, channels: row.channels } : undefined;
    }
    const own = randomUUID();
    let isOwn = false;
    const row = await this.#update(id, (old) => {
      const isRepeat = old?.closing === own;
      const isKnown = !this.#makes('a repeated removal does not recognise its own work');
      const isFirst = old !== undefined && !isExpired(old) && old.closing === undefined;
      isOwn = isFirst || (isRepeat && isKnown);
      return old && { closing: own, ...old };
    });
    if (!row?.closing) return undefined;
    await this.#syncMemberships(id, row.channels);
    await this.#update(id, (old) => (old?.closing === row.closing ? undefined : old));
    return isOwn ? { record: row.record, channels: row.channels } : undefined;
  }

  /** Writes memberships until they agree with the row. */
  async #syncMemberships(id: string, channels: readonly string[]): Promise<void> {
    let row = await this.#read(id);
    for (;;) {
      for (const channel of channels) await this.#write(id, channel, row);
      const now = await this.#read(id);
      if (now === row) return;
      row = now;
      if (!this.#makes('every subscription that raced is undone')) continue;
      for (const channel of channels) await this.#write(id, channel, undefined);
      return;
    }
  }

  async #write(id: string, channel: string, row: Row | undefined): Promise<void> {
    await this.#call(() => {
      const members = this.#members.get(channel) ?? new Map<string, Subscriber>();
      this.#members.set(channel, members);
      if (!row || !isLive(row) || !has(row, channel)) return members.delete(id);
      const { expiresAt: _expiresAt, identity: _identity, ...subscriber } = row.record;
      return members.set(id, subscriber);
    });
  }

  async #read(id: string): Promise<Row | undefined> {
    return this.#call(() => this.#rows.get(id));
  }

  /** Changes a row in one step and returns the new one. */
  async #update(
    id: string,
    change: (old: Row | undefined) => Row | undefined,
  ): Promise<Row | undefined> {
    return this.#call(() => {
      const row = change(this.#rows.get(id));
      if (row) this.#rows.set(id, row);
      else this.#rows.delete(id);
      return row;
    });
  }

  /** Changes a row in one step and returns the old one. */
  async #exchange(id: string, change: () => Row | undefined): Promise<Row | undefined> {
    let before: Row | undefined;
    await this.#update(id, (old) => {
      before = old;
      return change();
    });
    return before;
  }

  /** Calls the engine, and repeats the call if the answer is lost. */
  async #call<T>(work: () => T): Promise<T> {
    const call = () => this.#step(async () => work());
    return call().catch(call);
  }
}

function isLive(row: Row): boolean {
  return row.closing === undefined && row.pruned === undefined && !isExpired(row);
}

function isExpired({ record }: Row): boolean {
  return record.expiresAt <= Date.now();
}

function has({ channels }: Row, channel: string): boolean {
  return channels.includes(channel);
}

function resultsOf(
  row: Row | undefined,
  channels: readonly string[],
  { maxChannels, maxBytes }: ChannelLimits,
): readonly SubscribeResult[] {
  if (!row || !isLive(row)) return channels.map(() => 'gone');
  const current = [...row.channels];
  return channels.map((channel) => {
    if (current.includes(channel)) return 'present';
    const isFull =
      current.length >= maxChannels || [...current, channel].join('').length > maxBytes;
    if (!isFull) current.push(channel);
    return isFull ? 'full' : 'subscribed';
  });
}
