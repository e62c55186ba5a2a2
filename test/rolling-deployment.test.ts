// During a deployment, the old and the new version of a function serve the same connections, on one store.
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClientChannel, createClient } from '@gatecast/client';
import { type LocalGateway, startGateway } from '@gatecast/local';
import { describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { describeRedis } from '../packages/adapters/test/engines/redis-server.js';
import type { RoomChannel } from './fixtures/rolling/after.js';
import { type Shared, shareRedis, shareTable } from './shared-store.js';

type Version = 'before' | 'after';

const VERSIONS = ['before', 'after'] as const;
/** Nothing listens there. */
const NOWHERE = 'ws://127.0.0.1:1/dev';
const until = (check: () => unknown) => vi.waitFor(check, { timeout: 30_000, interval: 50 });

/** A client of the new version in the room. */
class Guest {
  readonly room: ClientChannel<RoomChannel>;
  /** Texts of the events, in order. */
  readonly heard: string[] = [];
  /** Who has left, and which version has handled that. */
  readonly left: { id: string; by: string }[] = [];
  readonly resets: string[] = [];
  #isAway = false;
  #webSocket: WebSocket | undefined;
  readonly #client;

  constructor(url: string) {
    const isAway = () => this.#isAway;
    const keep = (webSocket: WebSocket) => {
      this.#webSocket = webSocket;
    };
    class Kept extends WebSocket {
      constructor(address: string | URL, protocols?: string | string[]) {
        super(isAway() ? NOWHERE : address, protocols);
        keep(this);
      }
    }
    this.#client = createClient({ url, WebSocket: Kept });
    this.room = this.#client.channel<RoomChannel>('rooms/1');
    this.room.on('said', ({ text }) => this.heard.push(text));
    this.room.on('shouted', ({ text }) => this.heard.push(text));
    this.room.on('left', (event) => this.left.push(event));
    this.room.onReset(({ reason }) => this.resets.push(reason));
  }

  /** Breaks the connection, and makes no other until {@link comeBack}. */
  vanish(): void {
    this.#isAway = true;
    this.#webSocket?.terminate();
  }

  comeBack(): void {
    this.#isAway = false;
  }

  close(): void {
    this.#client.close();
  }
}

/** A gateway in front of both versions, and the clients. */
class Deployment implements AsyncDisposable {
  readonly gateway: LocalGateway;
  readonly #turns: string;
  readonly #guests: Guest[] = [];

  private constructor(gateway: LocalGateway, turns: string) {
    this.gateway = gateway;
    this.#turns = turns;
  }

  static async open(shared: Shared): Promise<Deployment> {
    const turns = await mkdtemp(join(tmpdir(), 'gatecast-rolling-'));
    const file = join(turns, 'turn');
    await writeFile(file, 'before');
    const gateway = await startGateway({
      entry: shared.entryOf('rolling'),
      environment: { ...shared.environment, TURN_FILE: file },
    });
    return new Deployment(gateway, turns);
  }

  /** Lets one version serve all events from now on. */
  async serve(version: Version): Promise<void> {
    // Renamed, because the function may read it at any time.
    await writeFile(join(this.#turns, 'next'), version);
    await rename(join(this.#turns, 'next'), join(this.#turns, 'turn'));
  }

  /** Connects a client and subscribes it, both by one version. Returns the id of its connection, too. */
  async join(version: Version): Promise<readonly [Guest, string]> {
    await this.serve(version);
    const guest = new Guest(this.gateway.url);
    this.#guests.push(guest);
    const { data } = await guest.room.subscribe();
    if (data.by !== version) throw new Error(`"${data.by}" has served "${version}".`);
    return [guest, data.id];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const guest of this.#guests) guest.close();
    await this.gateway.close();
    await rm(this.#turns, { recursive: true });
  }
}

/** The texts of the room's history. */
async function historyOf({ room }: Guest): Promise<string[]> {
  const { events } = await room.history({ limit: 100 });
  return events.flatMap(({ data }) => ('text' in data ? [data.text] : []));
}

async function expectToServeTogether(share: () => Promise<Shared>): Promise<void> {
  await using shared = await share();
  await using deployment = await Deployment.open(shared);
  const [ann] = await deployment.join('before');
  const [bob] = await deployment.join('after');
  const texts: string[] = [];
  const say = async (version: Version, guest: Guest) => {
    await deployment.serve(version);
    const text = `${texts.length} by ${version}`;
    // The old version does not know the language, and leaves it out.
    const delivery = await guest.room.send('say', { text, lang: 'en' });
    texts.push(text);
    return delivery;
  };

  // Each version publishes to the connections of both, and runs messages of both.
  for (const version of VERSIONS) {
    for (const guest of [ann, bob]) {
      expect(await say(version, guest)).toMatchObject({ delivered: 2, gone: 0, failed: 0 });
    }
  }

  // The old version refuses a message that only the new one has. Nothing is lost, and the new one takes it.
  for (const guest of [ann, bob]) {
    await deployment.serve('before');
    await expect(guest.room.send('shout', 'early')).rejects.toMatchObject({
      code: 'ERR_ACTION_UNKNOWN',
    });
    await deployment.serve('after');
    expect(await guest.room.send('shout', 'hey')).toMatchObject({ delivered: 2, gone: 0 });
    texts.push('hey');
    expect(await say('before', guest)).toMatchObject({ delivered: 2, gone: 0, failed: 0 });
  }

  // Each version resumes a subscription of the other, with events of both in between.
  for (const [guest, other, version] of [
    [ann, bob, 'after'],
    [bob, ann, 'before'],
  ] as const) {
    await until(() => expect(guest.heard).toEqual(texts));
    guest.vanish();
    await say('before', other);
    await say('after', other);
    await deployment.serve(version);
    guest.comeBack();
    await until(() => expect(guest.heard).toEqual(texts));
    expect(guest.resets).toEqual([]);
  }

  // Each version reads the history of both.
  for (const version of VERSIONS) {
    await deployment.serve(version);
    expect(await historyOf(ann)).toEqual(texts);
  }

  // Each version ends connections that the other one has made.
  for (const [made, ended] of [
    ['before', 'after'],
    ['after', 'before'],
  ] as const) {
    const [guest, id] = await deployment.join(made);
    expect(await ann.room.send('who')).toContain(id);
    await deployment.serve(ended);
    guest.close();
    await until(() => expect(ann.left).toContainEqual({ id, by: ended }));
    expect(await ann.room.send('who')).not.toContain(id);
    expect(ann.left.filter((one) => one.id === id)).toHaveLength(1);
  }
  await until(async () => expect(await ann.room.send('who')).toHaveLength(2));
}

// oxlint-disable vitest/expect-expect -- expectToServeTogether asserts.
describe('an old and a new version on one table', () => {
  it('serve the same connections', () => expectToServeTogether(shareTable));
});

describeRedis('an old and a new version on one Redis', () => {
  it('serve the same connections', () => expectToServeTogether(shareRedis));
});
