// The store, or what a rule or a handler asks, is away for a moment: the real client goes on by itself.
import { fileURLToPath } from 'node:url';
import { type ClientChannel, createClient, type UntypedChannel } from '@gatecast/client';
import { type LocalGateway, startGateway } from '@gatecast/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

const entry = fileURLToPath(new URL('fixtures/outage/app.ts', import.meta.url));
const AWAY_MS = 1_500;

let gateway: LocalGateway;
const log: unknown[] = [];

beforeAll(async () => {
  gateway = await startGateway({ quiet: true, entry, onEvent: (event) => log.push(event) });
});
afterAll(() => gateway.close());

interface Member extends Disposable {
  readonly channel: ClientChannel<UntypedChannel>;
  readonly ends: unknown[];
  breakDown(): void;
  readonly connections: number;
}

function open(name: string): Member {
  const webSockets: WebSocket[] = [];
  class Kept extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      webSockets.push(this);
    }
  }
  const client = createClient({ url: gateway.url, WebSocket: Kept });
  // Otherwise the client warns on the console.
  client.onRefused(() => {});
  const channel = client.channel(name);
  const ends: unknown[] = [];
  channel.onEnd((end) => ends.push(end));
  return {
    channel,
    ends,
    breakDown: () => webSockets.at(-1)?.terminate(),
    get connections() {
      return webSockets.length;
    },
    [Symbol.dispose]: () => client.close(),
  };
}

/** Whatever was asked has met the outage, and outlived it. */
async function outlives<T>(asked: Promise<T>): Promise<T> {
  const startedAt = Date.now();
  const answer = await asked;
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(AWAY_MS - 50);
  return answer;
}

describe('a moment without', { timeout: 30_000 }, () => {
  it('the store: subscribe(), history() and send() wait for it', async () => {
    using member = open('stored/1');
    const { channel } = member;
    expect(await outlives(channel.history())).toMatchObject({ events: [] });
    expect(await outlives(channel.subscribe())).toMatchObject({ result: 'live' });
    expect(await outlives(channel.send('say', 'hello'))).toBe('said');
    expect(await channel.history()).toMatchObject({ events: [{ data: { text: 'hello' } }] });
  });

  it('the store: a client that comes back resumes after it', async () => {
    using member = open('stored/2');
    await member.channel.subscribe();
    await member.channel.send('say', 'hello');
    const texts: unknown[] = [];
    member.channel.on('said', (data) => texts.push(data));
    member.breakDown();
    await member.channel.send('say', 'again');
    await expect.poll(() => texts, { timeout: 10_000 }).toEqual([{ text: 'again' }]);
    expect(member.ends).toEqual([]);
  });

  it('what an access rule asks: subscribe(), history() and send() wait for it', async () => {
    using member = open('ruled/1');
    expect(await outlives(member.channel.subscribe())).toMatchObject({ result: 'live' });
    expect(await outlives(member.channel.history())).toMatchObject({ events: [] });
    expect(await outlives(member.channel.send('say'))).toBe('said');
  });

  it('what a handler asks: subscribe() and send() wait for it', async () => {
    using member = open('handled/1');
    expect(await outlives(member.channel.subscribe())).toMatchObject({ data: true });
    expect(await outlives(member.channel.send('say'))).toBe(true);
  });
});
