// Stages and APIs that share one table or one Redis do not affect each other.
import { type ClientChannel, createClient } from '@gatecast/client';
import { type ConnectionStore, createPublisher } from '@gatecast/framework';
import { type LocalGateway, type StartGatewayOptions, startGateway } from '@gatecast/local';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { describeRedis } from '../packages/adapters/test/engines/redis-server.js';
import type { RoomChannel } from './fixtures/two-stages/rooms.js';
import { type Shared, shareRedis, shareTable } from './shared-store.js';

const ROOM = 'rooms/1';
const AGE_MS = 60_000;
const until = (check: () => unknown) => vi.waitFor(check, { timeout: 20_000, interval: 100 });

/** A client in the room. */
class Guest implements Disposable {
  readonly room: ClientChannel<RoomChannel>;
  readonly heard: string[] = [];
  connectionId = '';
  #webSocket: WebSocket | undefined;
  readonly #client;

  private constructor(url: string) {
    const keep = (webSocket: WebSocket) => {
      this.#webSocket = webSocket;
    };
    class Kept extends WebSocket {
      constructor(address: string | URL, protocols?: string | string[]) {
        super(address, protocols);
        keep(this);
      }
    }
    this.#client = createClient({ url, WebSocket: Kept });
    this.room = this.#client.channel<RoomChannel>(ROOM);
    this.room.on('said', (text) => this.heard.push(text));
  }

  static async join(url: string): Promise<Guest> {
    const guest = new Guest(url);
    const { data } = await guest.room.subscribe();
    guest.connectionId = data;
    return guest;
  }

  /** Breaks the connection without a close frame. */
  vanish(): void {
    this.#webSocket?.terminate();
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** A stage with two clients in its room. */
class Side implements AsyncDisposable {
  readonly gateway: LocalGateway;
  readonly guests: readonly [Guest, Guest];

  private constructor(gateway: LocalGateway, guests: readonly [Guest, Guest]) {
    this.gateway = gateway;
    this.guests = guests;
  }

  static async open(shared: Shared, options: Partial<StartGatewayOptions> = {}): Promise<Side> {
    const gateway = await startGateway({
      maxEnvironments: 1,
      // A 410 of a young connection is ignored, so these connections begin in the past.
      now: () => Date.now() - AGE_MS,
      ...options,
      entry: shared.entryOf('two-stages'),
      environment: { ...shared.environment, ...options.environment },
    });
    const join = () => Guest.join(gateway.url);
    return new Side(gateway, [await join(), await join()]);
  }

  get ids(): string[] {
    return this.guests.map(({ connectionId }) => connectionId).sort();
  }

  /** Publishes from one of the clients. */
  say(text: string) {
    return this.guests[0].room.send('say', text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const guest of this.guests) guest[Symbol.dispose]();
    await this.gateway.close();
  }
}

async function subscribersOf(connections: ConnectionStore): Promise<string[]> {
  const { items } = await connections.subscribers(ROOM);
  return items.map(({ connectionId }) => connectionId).sort();
}

const idsOf = (sides: readonly Side[]) => sides.flatMap(({ ids }) => ids).sort();

async function expectToKeepApart(share: () => Promise<Shared>): Promise<void> {
  await using shared = await share();
  await using dev = await Side.open(shared, { apiId: 'api0000001', stage: 'dev' });
  await using prod = await Side.open(shared, { apiId: 'api0000001', stage: 'prod' });
  await using other = await Side.open(shared, { apiId: 'api0000002', stage: 'dev' });
  const sides = [dev, prod, other];
  const { connections } = shared.open();
  expect(await subscribersOf(connections)).toEqual(idsOf(sides));

  // It reaches, counts and lists its own connections.
  for (const [index, side] of sides.entries()) {
    expect(await side.say(`from ${index}`)).toMatchObject({ delivered: 2, gone: 0, failed: 0 });
    expect(await side.guests[0].room.send('who')).toEqual(side.ids);
  }

  // It does not end subscriptions of another stage.
  for (const id of [...dev.ids, ...other.ids]) {
    expect(await prod.guests[0].room.send('expel', id)).toBe(false);
  }
  expect(await subscribersOf(connections)).toEqual(idsOf(sides));

  // A connection of `prod` breaks without a $disconnect. Its client reconnects.
  const [, lost] = prod.guests;
  const dead = lost.connectionId;
  prod.gateway.faults.add({ on: '$disconnect', kind: 'lost', connectionId: dead });
  lost.vanish();
  await until(async () => expect(await prod.guests[0].room.send('who')).toHaveLength(3));
  for (const side of [dev, other]) {
    expect(await side.say('who is gone?')).toMatchObject({ delivered: 2, gone: 0, failed: 0 });
  }
  expect(await subscribersOf(connections)).toContain(dead);
  const ofProd = ['from 1'];
  let left: string[];
  do {
    // On a busy machine a removal may take longer than the delivery grants it: then the next one goes on.
    expect(await prod.say('you are')).toMatchObject({ delivered: 2, gone: 1, failed: 0 });
    ofProd.push('you are');
    left = await subscribersOf(connections);
  } while (left.includes(dead) && ofProd.length < 20);
  expect(await connections.get(dead)).toBeUndefined();
  expect(left).not.toContain(dead);
  expect(left).toEqual(expect.arrayContaining([...dev.ids, ...other.ids]));
  expect(left).toHaveLength(6);

  const heard = (side: Side) => side.guests.map((guest) => guest.heard);
  const own = (index: number) => [`from ${index}`, 'who is gone?'];
  await until(() => expect(heard(dev)).toEqual([own(0), own(0)]));
  await until(() => expect(heard(other)).toEqual([own(2), own(2)]));
  await until(() => expect(heard(prod)).toEqual([ofProd, ofProd]));
}

async function expectPrefixesToHide(share: () => Promise<Shared>): Promise<void> {
  await using shared = await share();
  const prefixed = (keyPrefix: string) =>
    Side.open(shared, { environment: { GATECAST_KEY_PREFIX: keyPrefix } });
  // Both have the same address on purpose, so that only the prefix separates them.
  await using first = await prefixed('first:');
  await using second = await prefixed('second:');

  for (const [keyPrefix, side, foreign] of [
    ['first:', first, second],
    ['second:', second, first],
  ] as const) {
    expect(await side.say(`from ${keyPrefix}`)).toMatchObject({ delivered: 2, gone: 0, failed: 0 });
    expect(await side.guests[0].room.send('who')).toEqual(side.ids);
    const store = shared.open({ keyPrefix });
    expect(await subscribersOf(store.connections)).toEqual(side.ids);
    for (const id of foreign.ids) {
      expect(await store.connections.get(id)).toBeUndefined();
      expect(await store.connections.channels(id)).toEqual([]);
      expect(await store.connections.disconnect(id)).toBeUndefined();
    }
    await store.connections.prune(foreign.ids);
    // It does not know its address, so it leaves out nobody.
    const { items } = await createPublisher({ store }).channel(ROOM).members();
    expect(items.map(({ connectionId }) => connectionId).sort()).toEqual(side.ids);
  }
  expect(await subscribersOf(shared.open().connections)).toEqual([]);

  for (const side of [first, second]) {
    expect(await side.say('still here')).toMatchObject({ delivered: 2, gone: 0, failed: 0 });
  }
  for (const [side, name] of [
    [first, 'from first:'],
    [second, 'from second:'],
  ] as const) {
    for (const { heard } of side.guests) {
      await until(() => expect(heard).toEqual([name, 'still here']));
    }
  }
}

// oxlint-disable vitest/expect-expect -- the called functions assert.
describe('several stages on one table', () => {
  it('C2 reach, count, list and remove their own connections', () => expectToKeepApart(shareTable));

  it('C2 do not see each other with different prefixes', () => expectPrefixesToHide(shareTable));
});

describeRedis('several stages on one Redis', () => {
  it('C2 reach, count, list and remove their own connections', () => expectToKeepApart(shareRedis));

  it('C2 do not see each other with different prefixes', () => expectPrefixesToHide(shareRedis));
});
