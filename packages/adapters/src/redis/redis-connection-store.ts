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
import { inParallel, sliceKey, sliceStart, type TimeLimit } from '@gatecast/framework/adapter';
import { detailsOf, expiryOf, readMember, tokensOf, wasBegunBy } from './membership.js';
import type { RedisCall } from './redis-call.js';
import type { RedisKeys } from './redis-keys.js';
import type { RedisLink } from './redis-link.js';
import {
  addScript,
  forgetScript,
  inGroups,
  removeScript,
  retireScript,
  saveScript,
  subscribeScript,
  unsubscribeScript,
} from './scripts.js';

const PAGE_SIZE = 1_000;
/** Connections that are pruned at once. More would make other commands of this client wait. */
const PRUNED_AT_ONCE = 100;

/** What to write to, or remove from, one channel of a connection. */
interface Change {
  readonly channel: string;
  /** The token of the current membership; empty if there is none. */
  readonly token: string;
  /** The memberships that are being removed, as stored in the row: `token/call token/call`. */
  readonly removing: string;
}

/** Connections and memberships in Redis. `scripts.ts` describes the keys. */
export class RedisConnectionStore implements ConnectionStore {
  readonly contract = 2;
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #now: () => number;

  constructor({ link, keys, now }: { link: RedisLink; keys: RedisKeys; now: () => number }) {
    this.#link = link;
    this.#keys = keys;
    this.#now = now;
  }

  connect(record: ConnectionRecord, channels: readonly string[], limit?: TimeLimit): Promise<void> {
    return this.#link.during('save a connection', limit, async (call) => {
      const { connectionId: id, expiresAt } = record;
      const [json, details] = [JSON.stringify(record), detailsOf(record)];
      const found = await call.run(saveScript, [this.#keys.row(id)], () => {
        const now = this.#now();
        return [now, lifetime(expiresAt, now), json, details, call.id, ...channels];
      });
      const changes = inGroups(found, 3).map(([channel = '', token = '', removing = '']) => ({
        channel,
        token,
        removing,
      }));
      await this.#join(call, id, { details, changes: changes.filter(({ token }) => token !== '') });
      await this.#sweep(call, id, { changes, isWhole: false });
    });
  }

  get(connectionId: string, limit?: TimeLimit): Promise<ConnectionRecord | undefined> {
    return this.#link.during('read a connection', limit, async (call) => {
      const key = this.#keys.row(connectionId);
      const json = await call.send((client) => client.hget(key, 'record'));
      const record = json === null ? undefined : (JSON.parse(json) as ConnectionRecord);
      return record && record.expiresAt > this.#now() ? record : undefined;
    });
  }

  disconnect(connectionId: string, limit?: TimeLimit): Promise<Disconnected | undefined> {
    return this.#link.during('remove a connection', limit, async (call) => {
      const json = await this.#retire(call, connectionId, { isDisconnect: true });
      return json === '' ? undefined : (JSON.parse(json) as Disconnected);
    });
  }

  // oxlint-disable-next-line max-params -- as in the contract.
  subscribe(
    connectionId: string,
    channels: readonly string[],
    { maxChannels, maxBytes }: ChannelLimits,
    limit?: TimeLimit,
  ): Promise<readonly SubscribeResult[]> {
    return this.#link.during('subscribe a connection', limit, async (call) => {
      const names = [...new Set(channels)];
      if (names.length === 0) return [];
      const [details, ...found] = await call.run(
        subscribeScript,
        [this.#keys.row(connectionId)],
        () => [this.#now(), call.id, maxChannels, maxBytes, ...names],
      );
      if (details === undefined) return channels.map(() => 'gone');
      const results = new Map<string, SubscribeResult>();
      const changes: Change[] = [];
      for (const [index, [result, token = '', removing = '']] of inGroups(found, 3).entries()) {
        const channel = names[index] as string;
        results.set(channel, result as SubscribeResult);
        if (token !== '') changes.push({ channel, token, removing });
      }
      await this.#join(call, connectionId, { details, changes });
      return channels.map((channel) => results.get(channel) as SubscribeResult);
    });
  }

  unsubscribe(
    connectionId: string,
    channels: readonly string[],
    limit?: TimeLimit,
  ): Promise<readonly boolean[]> {
    return this.#link.during('unsubscribe a connection', limit, async (call) => {
      const names = [...new Set(channels)];
      if (names.length === 0) return [];
      const found = await call.run(unsubscribeScript, [this.#keys.row(connectionId)], () => [
        this.#now(),
        call.id,
        ...names,
      ]);
      const answers = inGroups(found, 2);
      const changes = names.map((channel, index) => ({
        channel,
        token: '',
        removing: answers[index]?.[1] ?? '',
      }));
      await this.#sweep(call, connectionId, { changes, isWhole: false });
      const removed = new Set(names.filter((_, index) => answers[index]?.[0] === 'removed'));
      return channels.map((channel) => removed.has(channel));
    });
  }

  subscribers(
    channel: string,
    range: SubscriberRange = {},
    limit?: TimeLimit,
  ): Promise<Page<Subscriber>> {
    return this.#link.during('read subscribers', limit, async (call) => {
      const { from = 0, to = 1, after = '', limit: most = PAGE_SIZE } = range;
      const size = most >= 1 ? Math.floor(most) : 1;
      const [start, end] = [sliceStart(from), sliceStart(to)];
      if (start === undefined) return { items: [] };
      const key = this.#keys.channel(channel);
      // A member begins with its slice key and a space. "!" is the next character after the space, so
      // "(key!" begins behind the member with that slice key.
      const low = after < start ? `[${start}` : `(${after}!`;
      const high = end === undefined ? '+' : `(${end}`;
      const members = await call.send((client) =>
        client.zrangebylex(key, low, high, 'LIMIT', 0, size + 1),
      );
      const page = members.slice(0, size).map(readMember);
      const now = this.#now();
      const items = page
        .filter(({ expiresAt }) => expiresAt > now)
        .map(({ subscriber }) => subscriber);
      const last = page.at(-1);
      return members.length > size && last ? { items, next: last.sliceKey } : { items };
    });
  }

  channels(connectionId: string, limit?: TimeLimit): Promise<readonly string[]> {
    return this.#link.during('read the channels of a connection', limit, async (call) => {
      const key = this.#keys.row(connectionId);
      const row = await call.send((client) => client.hgetall(key));
      if (!(expiryOf(row.details ?? '') > this.#now())) return [];
      return Object.keys(row).flatMap((field) => (field[0] === '+' ? [field.slice(1)] : []));
    });
  }

  prune(connectionIds: readonly string[], limit?: TimeLimit): Promise<void> {
    return this.#link.during('remove connections', limit, async (call) => {
      await inParallel(connectionIds, PRUNED_AT_ONCE, (id) =>
        this.#retire(call, id, { isDisconnect: false }),
      );
    });
  }

  /** Writes memberships to their channels in place of older ones, unless they have ended meanwhile. */
  async #join(
    call: RedisCall,
    id: string,
    { details, changes }: { readonly details: string; readonly changes: readonly Change[] },
  ): Promise<void> {
    const key = sliceKey(id);
    await inParallel(changes, changes.length, ({ channel, token, removing }) =>
      call.run(addScript, this.#keys.membership(channel, [token, ...tokensOf(removing)]), () => {
        const now = this.#now();
        return [key, token, details, lifetime(expiryOf(details), now), now];
      }),
    );
  }

  /** Ends a connection. Returns the connection as JSON to the first disconnect, and `''` otherwise. */
  async #retire(
    call: RedisCall,
    id: string,
    { isDisconnect }: { readonly isDisconnect: boolean },
  ): Promise<string> {
    const [was = '', ...found] = await call.run(retireScript, [this.#keys.row(id)], () => [
      this.#now(),
      call.id,
      isDisconnect ? 1 : 0,
    ]);
    const changes = inGroups(found, 2).map(([channel = '', removing = '']) => ({
      channel,
      token: '',
      removing,
    }));
    await this.#sweep(call, id, { changes, isWhole: true });
    return was;
  }

  /** Removes memberships from their channels, then deletes this call's notes about them from the row. */
  async #sweep(
    call: RedisCall,
    id: string,
    { changes, isWhole }: { readonly changes: readonly Change[]; readonly isWhole: boolean },
  ): Promise<void> {
    const key = sliceKey(id);
    const removing = changes.filter((change) => change.removing !== '');
    if (removing.length === 0) return;
    // The memberships that `#join` replaced have been removed already.
    const alone = removing.filter(({ token }) => token === '');
    await inParallel(alone, alone.length, (change) => {
      const tokens = tokensOf(change.removing);
      const keys = this.#keys.membership(change.channel, tokens);
      return call.run(removeScript, keys, () => [key, ...tokens]);
    });
    const own = removing.filter((change) => wasBegunBy(call.id, change.removing));
    if (own.length === 0 && !isWhole) return;
    await call.run(forgetScript, [this.#keys.row(id)], () => [
      call.id,
      isWhole ? 1 : 0,
      ...own.flatMap((change) => [change.channel, change.removing]),
    ]);
  }
}

/** Time to live of a key, in milliseconds. Redis does not accept less than 1. */
function lifetime(expiresAt: number, now: number): number {
  return Math.max(1, expiresAt - now);
}
