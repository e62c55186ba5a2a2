import { randomUUID } from 'node:crypto';
import type {
  ConnectionRecord,
  ConnectionStore,
  Page,
  SubscribeResult,
  Subscriber,
  SubscriberRange,
} from '@gatecast/framework';
import type { RedisLink } from './redis-link.js';
import { addScript, keepScript, retireScript, subscribeScript } from './scripts.js';

const PAGE_SIZE = 1_000;
/** Connections that are pruned at a time: more would make other commands of this client wait. */
const PRUNE_BATCH = 100;

/** One subscription as it is written: `held` is what stands behind the connection's id in the channel. */
interface Membership {
  readonly channel: string;
  readonly held: string;
}

/** Connections and memberships in Redis; `scripts.ts` says what its keys hold. */
export class RedisConnectionStore implements ConnectionStore {
  readonly contract = 1;
  readonly #link: RedisLink;
  readonly #prefix: string;
  readonly #now: () => number;

  constructor({ link, keyPrefix, now }: { link: RedisLink; keyPrefix: string; now: () => number }) {
    this.#link = link;
    this.#prefix = keyPrefix;
    this.#now = now;
  }

  connect(record: ConnectionRecord, channels: readonly string[]): Promise<void> {
    return this.#link.during('keep a connection', async () => {
      const { connectionId: id, connectedAt, expiresAt, identityExpiresAt = '' } = record;
      const now = this.#now();
      const [active, dying] = (await this.#link.run(keepScript, this.#connectionKey(id), () => [
        now,
        lifetime(expiresAt, now),
        JSON.stringify(record),
        `${expiresAt} ${connectedAt} ${identityExpiresAt}`,
        randomUUID(),
        ...channels,
      ])) as [string[], string[]];
      if (active.length > 0) await this.#join(id, active.map(readMembership));
      await this.#sweep(id, dying);
    });
  }

  get(connectionId: string): Promise<ConnectionRecord | undefined> {
    return this.#link.during('read a connection', async () => {
      const key = this.#connectionKey(connectionId);
      const json = await this.#link.send((client) => client.hget(key, 'record'));
      const record = json === null ? undefined : (JSON.parse(json) as ConnectionRecord);
      return record && record.expiresAt > this.#now() ? record : undefined;
    });
  }

  disconnect(connectionId: string): Promise<readonly string[]> {
    return this.#link.during('remove a connection', () => this.#retire(connectionId, ''));
  }

  subscribe(connectionId: string, channel: string, maxChannels: number): Promise<SubscribeResult> {
    return this.#link.during('subscribe a connection', async () => {
      const outcome = (await this.#link.run(
        subscribeScript,
        this.#connectionKey(connectionId),
        () => [this.#now(), channel, maxChannels, randomUUID()],
      )) as string;
      if (outcome === 'full') return 'full';
      if (outcome === 'gone') {
        await this.#removeRemains(connectionId, channel);
        return 'gone';
      }
      const isThere = await this.#join(connectionId, [{ channel, held: outcome }]);
      return isThere ? 'subscribed' : 'gone';
    });
  }

  unsubscribe(connectionId: string, channel: string): Promise<boolean> {
    return this.#link.during('unsubscribe a connection', async () => {
      const left = await this.#retire(connectionId, channel);
      if (left.length === 0) await this.#removeRemains(connectionId, channel);
      return left.length > 0;
    });
  }

  subscribers(channel: string, range: SubscriberRange = {}): Promise<Page<Subscriber>> {
    return this.#link.during('read subscribers', async () => {
      const { from = '', to, after, limit = PAGE_SIZE } = range;
      const key = this.#channelKey(channel);
      // A space sorts below every character of a connection id, and "!" comes next: "(id!" is behind
      // all members of that id.
      const low = after !== undefined && after >= from ? `(${after}!` : `[${from}`;
      const high = to === undefined ? '+' : `(${to}`;
      const members = await this.#link.send((client) =>
        client.zrangebylex(key, low, high, 'LIMIT', 0, limit + 1),
      );
      const page = members.slice(0, limit).map((member) => ({ member, ...readMember(member) }));
      const now = this.#now();
      const expired = page.filter(({ expiresAt }) => expiresAt <= now);
      await this.#clear(
        channel,
        expired.map(({ member }) => member),
      );
      const items = page
        .filter(({ expiresAt }) => expiresAt > now)
        // A connection that subscribes anew is there twice until the older membership is removed.
        .filter((row, index, rows) => row.connectionId !== rows[index - 1]?.connectionId)
        .map(({ subscriber }) => subscriber);
      const last = page.at(-1);
      return members.length > limit && last ? { items, next: last.connectionId } : { items };
    });
  }

  channels(connectionId: string): Promise<readonly string[]> {
    return this.#link.during('read the channels of a connection', async () => {
      const key = this.#connectionKey(connectionId);
      const row = await this.#link.send((client) => client.hgetall(key));
      if (!(Number.parseInt(row.facts ?? '', 10) > this.#now())) return [];
      return Object.keys(row).flatMap((field) => (field[0] === '+' ? [field.slice(1)] : []));
    });
  }

  prune(connectionIds: readonly string[]): Promise<void> {
    return this.#link.during('remove connections', async () => {
      for (let start = 0; start < connectionIds.length; start += PRUNE_BATCH) {
        const batch = connectionIds.slice(start, start + PRUNE_BATCH);
        await Promise.all(batch.map((id) => this.#retire(id, '')));
      }
    });
  }

  /** Writes members, then looks whether they still count. Returns whether the connection is there. */
  async #join(id: string, memberships: readonly Membership[]): Promise<boolean> {
    const now = this.#now();
    const found = await Promise.all(
      memberships.map(async ({ channel, held }) => {
        const member = `${id} ${held}`;
        const ttl = lifetime(readMember(member).expiresAt, now);
        const key = this.#channelKey(channel);
        const members = await this.#link.run(addScript, key, () => [member, ttl, id, now]);
        return { channel, members: members as string[] };
      }),
    );
    return this.#removeInactive(id, found);
  }

  /** Removes what a subscription that died between its two writes has left in a channel. */
  async #removeRemains(id: string, channel: string): Promise<void> {
    const key = this.#channelKey(channel);
    const members = await this.#link.send((client) =>
      client.zrangebylex(key, `[${id} `, `(${id}!`),
    );
    if (members.length > 0) await this.#removeInactive(id, [{ channel, members }]);
  }

  async #removeInactive(
    id: string,
    found: readonly { readonly channel: string; readonly members: readonly string[] }[],
  ): Promise<boolean> {
    const key = this.#connectionKey(id);
    const fields = found.map(({ channel }) => `+${channel}`);
    const [facts, ...active] = await this.#link.send((client) =>
      client.hmget(key, 'facts', ...fields),
    );
    await Promise.all(
      found.map(async ({ channel, members }, index) => {
        const inactive = members.filter((member) => member !== `${id} ${active[index]}`);
        if (inactive.length > 0) await this.#remove(channel, inactive);
      }),
    );
    return facts !== null;
  }

  /** Ends one membership or, with the connection, all. Returns the channels that were left. */
  async #retire(id: string, channel: string): Promise<readonly string[]> {
    const key = this.#connectionKey(id);
    const dying = (await this.#link.run(retireScript, key, () => [channel])) as string[];
    await this.#sweep(id, dying);
    const now = this.#now();
    const left = dying
      .map(readMembership)
      .filter(({ held }) => readMember(`${id} ${held}`).expiresAt > now);
    return [...new Set(left.map(({ channel }) => channel))];
  }

  async #sweep(id: string, dying: readonly string[]): Promise<void> {
    if (dying.length === 0) return;
    await Promise.all(
      dying
        .map(readMembership)
        .map(({ channel, held }) => this.#remove(channel, [`${id} ${held}`])),
    );
    const key = this.#connectionKey(id);
    await this.#link.send((client) => client.hdel(key, ...dying));
  }

  /** Removes what nobody sees any more. A server that refuses it can still be read. */
  async #clear(channel: string, members: readonly string[]): Promise<void> {
    if (members.length > 0) await this.#remove(channel, members).catch(() => {});
  }

  async #remove(channel: string, members: readonly string[]): Promise<void> {
    const key = this.#channelKey(channel);
    await this.#link.send((client) => client.zrem(key, ...members));
  }

  #connectionKey(id: string): string {
    return `${this.#prefix}c:{${id}}`;
  }

  // The braces put whatever else a channel will have into the same slot of a cluster.
  #channelKey(channel: string): string {
    return `${this.#prefix}s:{${channel}}`;
  }
}

/** Reads `+channel token facts` and `-channel token facts`. */
function readMembership(field: string): Membership {
  const space = field.indexOf(' ');
  return { channel: field.slice(1, space), held: field.slice(space + 1) };
}

/** Reads `connectionId token expiresAt connectedAt identityExpiresAt`. */
function readMember(member: string): {
  connectionId: string;
  expiresAt: number;
  subscriber: Subscriber;
} {
  const [connectionId = '', , expiresAt, connectedAt, identityExpiresAt] = member.split(' ');
  return {
    connectionId,
    expiresAt: Number(expiresAt),
    subscriber: {
      connectionId,
      connectedAt: Number(connectedAt),
      ...(identityExpiresAt && { identityExpiresAt: Number(identityExpiresAt) }),
    },
  };
}

/** How long the server is to keep a key at most; what has expired goes at once. */
function lifetime(expiresAt: number, now: number): number {
  return Math.max(1, expiresAt - now);
}
