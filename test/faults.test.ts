// All faults of the local gateway and its clock, with the real client. In the end the client must be
// connected and subscribed, and must receive all later events.
import { fileURLToPath } from 'node:url';
import { type Client, type ClientChannel, createClient } from '@gatecast/client';
import {
  type GatewayEvent,
  type LocalGateway,
  type StartGatewayOptions,
  startGateway,
} from '@gatecast/local';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { RoomChannel } from './fixtures/faults/app.js';

const entry = fileURLToPath(new URL('fixtures/faults/app.ts', import.meta.url));
const MINUTE = 60_000;
const toBoth = { delivered: 2, gone: 0, failed: 0 };
// A client waits half a second before it reconnects, and a busy machine takes longer.
const until = (check: () => unknown) => vi.waitFor(check, { timeout: 10_000 });

interface Heard {
  readonly text: string;
  readonly id: string;
}

/** A client in the room, used like in an app. */
class Member {
  readonly room: ClientChannel<RoomChannel>;
  readonly heard: Heard[] = [];
  readonly states: string[] = [];
  readonly #webSockets: WebSocket[] = [];
  readonly #client: Client;

  private constructor(url: string, room: string) {
    const webSockets = this.#webSockets;
    class Kept extends WebSocket {
      constructor(address: string | URL, protocols?: string | string[]) {
        super(address, protocols);
        webSockets.push(this);
      }
    }
    this.#client = createClient({ url, WebSocket: Kept });
    this.#client.onState((state) => this.states.push(state));
    this.room = this.#client.channel<RoomChannel>(`rooms/${room}`);
    this.room.on('said', (text, { id }) => this.heard.push({ text, id }));
  }

  static async join(url: string, room: string): Promise<Member> {
    const member = new Member(url, room);
    await member.room.subscribe();
    return member;
  }

  get texts(): readonly string[] {
    return this.heard.map(({ text }) => text);
  }

  get connections(): number {
    return this.#webSockets.length;
  }

  /** Subscribes to another channel, for which the server reads the connection. */
  async askTheServer(): Promise<void> {
    await this.#client.channel<RoomChannel>('rooms/other').subscribe();
  }

  /** Breaks the connection without a close frame. */
  breakDown(): void {
    this.#webSockets.at(-1)?.terminate();
  }

  close(): void {
    this.#client.close();
  }
}

const log: GatewayEvent[] = [];
let shared: LocalGateway;
let rooms = 0;

function openGateway(options: Partial<StartGatewayOptions> = {}): Promise<LocalGateway> {
  return startGateway({ quiet: true, ...options, entry, onEvent: (event) => log.push(event) });
}

beforeAll(async () => {
  shared = await openGateway();
});

afterAll(() => shared.close());

/** A separate room with two clients. The faults affect alice. */
async function openRoom(gateway = shared) {
  rooms += 1;
  const join = () => Member.join(gateway.url, `${rooms}`);
  const [alice, bob] = [await join(), await join()];
  const { data: connectionId } = await alice.room.subscribe();
  return {
    alice,
    bob,
    clock: gateway.clock,
    faults: gateway.faults,
    /** Id of alice's first connection. */
    connectionId,
    /** Asserts that both will soon be connected and subscribed, and then receive all events. */
    async expectToGoOn() {
      await until(async () =>
        expect(await bob.room.send('say', 'anyone?')).toMatchObject({ delivered: 2 }),
      );
      const texts = ['one', 'two', 'three'];
      for (const text of texts) await bob.room.send('say', text);
      const later = (member: Member) => member.texts.filter((text) => texts.includes(text));
      for (const member of [alice, bob]) await until(() => expect(later(member)).toEqual(texts));
      expect([alice.states.at(-1), bob.states.at(-1)]).toEqual(['connected', 'connected']);
    },
    async [Symbol.asyncDispose]() {
      alice.close();
      bob.close();
      gateway.faults.clear();
    },
  };
}

/** The result of the `$disconnect` of a connection. */
function endOf(connectionId: string): GatewayEvent | undefined {
  return log.find((event) => event.route === '$disconnect' && event.connectionId === connectionId);
}

describe('a client survives a post', { timeout: 30_000 }, () => {
  it('gone while its connection is new: it misses the event and stays subscribed', async () => {
    await using all = await openRoom();
    const { alice, bob, faults, connectionId } = all;
    faults.add({ on: 'post', kind: 'gone', connectionId, times: 1 });
    expect(await bob.room.send('say', 'lost')).toEqual({ ...toBoth, delivered: 1, gone: 1 });
    await all.expectToGoOn();
    expect(alice.texts).not.toContain('lost');
    expect(alice.connections).toBe(1);
  });

  it.each([
    ['gone', []],
    ['arrived-gone', ['last']],
  ] as const)(
    '%s: removed from the store, it reconnects at its next request',
    async (kind, heard) => {
      // The connections must be a minute old.
      await using gateway = await openGateway({ now: () => Date.now() - MINUTE });
      await using all = await openRoom(gateway);
      const { alice, bob, faults, connectionId } = all;
      faults.add({ on: 'post', kind, connectionId, times: 1 });
      expect(await bob.room.send('say', 'last')).toEqual({ ...toBoth, delivered: 1, gone: 1 });
      expect(await bob.room.send('say', 'unheard')).toEqual({ ...toBoth, delivered: 1 });
      await alice.askTheServer();
      await all.expectToGoOn();
      expect(alice.texts).not.toContain('unheard');
      expect(alice.texts.filter((text) => text === 'last')).toEqual(heard);
      expect(alice.connections).toBe(2);
    },
  );

  it.each(['throttled', 'failed'] as const)(
    '%s: it is retried until it arrives, unless it is ephemeral',
    async (kind) => {
      await using all = await openRoom();
      const { alice, bob, faults, connectionId } = all;
      faults.add({ on: 'post', kind, connectionId, times: 2 });
      expect(await bob.room.send('say', 'at last')).toEqual(toBoth);
      await until(() => expect(alice.texts).toEqual(['at last']));
      faults.add({ on: 'post', kind, connectionId, times: 1 });
      expect(await bob.room.send('mutter', 'hm')).toEqual({ ...toBoth, delivered: 1, failed: 1 });
      await all.expectToGoOn();
      expect(alice.texts).not.toContain('hm');
      expect(alice.connections).toBe(1);
    },
  );

  it('lost: it misses the event, which nobody can notice', async () => {
    await using all = await openRoom();
    const { alice, bob, faults, connectionId } = all;
    faults.add({ on: 'post', kind: 'lost', connectionId, times: 1 });
    expect(await bob.room.send('say', 'lost')).toEqual(toBoth);
    await all.expectToGoOn();
    expect(alice.texts).not.toContain('lost');
    expect(alice.connections).toBe(1);
  });

  it('doubled: it gets the event twice, and its handler once', async () => {
    await using all = await openRoom();
    const { alice, bob, faults, connectionId } = all;
    faults.add({ on: 'post', kind: 'doubled', connectionId, times: 1 });
    const sending = bob.room.send('say', 'twice');
    expect(await sending).toEqual(toBoth);
    await until(() => expect(faults.list).toEqual([]));
    await all.expectToGoOn();
    const { id } = sending;
    expect(alice.heard.filter((event) => event.id === id)).toEqual([{ text: 'twice', id }]);
    expect(alice.connections).toBe(1);
  });

  it('delayed: it gets the event late, and the sender waits', async () => {
    await using all = await openRoom();
    const { alice, bob, faults, clock, connectionId } = all;
    faults.add({ on: 'post', kind: 'delayed', delayMs: MINUTE, connectionId, times: 1 });
    const sending = bob.room.send('say', 'late');
    await until(() => expect(bob.texts).toEqual(['late']));
    await until(() => expect(faults.list).toEqual([]));
    expect(alice.texts).toEqual([]);
    clock.advance(MINUTE);
    expect(await sending).toEqual(toBoth);
    await all.expectToGoOn();
    expect(alice.texts[0]).toBe('late');
    expect(alice.connections).toBe(1);
  });
});

describe('a client survives a $disconnect', { timeout: 30_000 }, () => {
  it('lost: the remains of its old connection do not affect the new one', async () => {
    await using all = await openRoom();
    all.faults.add({ on: '$disconnect', kind: 'lost', connectionId: all.connectionId });
    all.alice.breakDown();
    await until(() => expect(endOf(all.connectionId)).toMatchObject({ result: 'lost' }));
    await all.expectToGoOn();
    expect(await all.bob.room.send('say', 'bye')).toEqual({ ...toBoth, gone: 1 });
    expect(all.alice.connections).toBe(2);
  });

  it('delayed: it finally ends only the old connection', async () => {
    await using all = await openRoom();
    const { connectionId } = all;
    all.faults.add({
      on: '$disconnect',
      kind: 'delayed',
      delayMs: MINUTE,
      connectionId,
      times: 1,
    });
    all.alice.breakDown();
    await until(() => expect(all.faults.list).toEqual([]));
    await all.expectToGoOn();
    expect(await all.bob.room.send('say', 'two of her')).toEqual({ ...toBoth, gone: 1 });
    all.clock.advance(MINUTE);
    await until(() => expect(endOf(connectionId)).toMatchObject({ result: 'ok' }));
    expect(await all.bob.room.send('say', 'one of her')).toEqual(toBoth);
    expect(all.alice.connections).toBe(2);
  });
});

describe('a client survives an invocation', { timeout: 30_000 }, () => {
  it('delayed: its message is answered after the delay', async () => {
    await using all = await openRoom();
    const { alice, bob, faults, clock, connectionId } = all;
    faults.add({ on: 'invocation', kind: 'delayed', delayMs: MINUTE, connectionId, times: 1 });
    const sending = alice.room.send('say', 'late');
    await until(() => expect(faults.list).toEqual([]));
    // Other messages are not delayed.
    expect(await bob.room.send('say', 'early')).toEqual(toBoth);
    clock.advance(MINUTE);
    expect(await sending).toEqual(toBoth);
    await until(() => expect(alice.texts).toEqual(['early', 'late']));
    await all.expectToGoOn();
    expect(alice.connections).toBe(1);
  });

  it('killed: its message goes again under its id, and everyone reconnects', async () => {
    await using all = await openRoom();
    const { alice, bob, faults, connectionId } = all;
    const routeKey = 'rooms.hold';
    faults.add({ on: 'invocation', kind: 'killed', routeKey, connectionId, times: 1 });
    expect(await alice.room.send('hold')).toBe(2);
    await all.expectToGoOn();
    expect([alice.connections, bob.connections]).toEqual([2, 2]);
  });
});

describe('a client survives', { timeout: 30_000 }, () => {
  it('10 minutes of silence, after which API Gateway ends its connection', async () => {
    await using all = await openRoom();
    all.clock.advance(10 * MINUTE);
    await until(() => expect(all.alice.connections).toBe(2));
    await all.expectToGoOn();
    expect(all.alice.states).toContain('waiting');
    expect(all.bob.connections).toBe(2);
  });

  it('the end of its 2 hours, and its messages meanwhile are answered', async () => {
    await using all = await openRoom();
    const { alice, bob, clock } = all;
    for (let minutes = 9; minutes < 120; minutes += 9) {
      clock.advance(9 * MINUTE);
      expect(await bob.room.send('say', `minute ${minutes}`)).toEqual(toBoth);
    }
    expect([alice.connections, bob.connections]).toEqual([1, 1]);
    clock.advance(3 * MINUTE);
    expect(await bob.room.send('say', 'after two hours')).toMatchObject({ failed: 0 });
    await all.expectToGoOn();
    expect([alice.connections, bob.connections]).toEqual([2, 2]);
  });
});
