// The chat as the construct deploys it, in every way, on the local gateway.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  describeRedis,
  isWithoutRedis,
  RedisServer,
} from '../../../../packages/adapters/test/engines/redis-server.js';
import type { LocalApi, LocalGateway } from '../../../../packages/local/src/dev/start-gateway.js';
import { functionNamed } from '../../../../packages/local/src/dev/template/read-functions.js';
import {
  type ReadTemplate,
  readAssembly,
} from '../../../../packages/local/src/dev/template/read-template.js';
import { type GatewayEvent, startGateway } from '../../../../packages/local/src/index.js';
import { describeInChromium, openChromium } from '../../../../test/chromium.js';
import { buildPage } from '../../build.mjs';
import { openPeer, type Peer } from '../../test/peer.js';
import { expectPagesToChat, expectToCatchUp, expectToChat } from '../../test/scenarios.js';
import { synthesize } from './synthesize.js';

/** The answer of a publisher. */
interface Published {
  readonly payload: {
    readonly delivered: number;
    readonly gone: number;
    readonly position: string;
  };
}

let folder: string;
let redis: RedisServer | undefined;
let template: ReadTemplate;
let gateway: LocalGateway;
const events: GatewayEvent[] = [];
/** What Node has warned of, such as too many listeners. */
const warnings: string[] = [];
const onWarning = ({ message }: Error): void => void warnings.push(message);

beforeAll(async () => {
  process.on('warning', onWarning);
  folder = await mkdtemp(join(tmpdir(), 'gatecast-chat-'));
  redis = isWithoutRedis ? undefined : await RedisServer.start();
  const assembly = join(folder, 'cdk.out');
  const environment = { REDIS_URL: redis?.url ?? 'redis://localhost:6379' };
  await synthesize('test/variants.ts', { outdir: assembly, environment });
  template = await readAssembly(assembly, { stack: undefined, parameters: {}, stage: undefined });
  gateway = await startGateway({
    ...template.options,
    quiet: true,
    staticDirectory: folder,
    // A publish does not prune connections that are younger than 35 seconds.
    now: () => Date.now() - 60_000,
    onEvent: (event) => events.push(event),
  });
});

afterAll(async () => {
  process.off('warning', onWarning);
  await gateway?.close();
  await redis?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** The API of a construct, by its path: `Orders/Chat`. */
function apiOf(path: string): LocalApi {
  const name = `${path}/Api`;
  const api = name === template.apiName ? gateway : gateway.apis[name];
  if (api === undefined) throw new Error(`There is no API "${name}".`);
  return api;
}

/** Publishes by a function that no route leads to. */
async function publish(path: string, text: string): Promise<Published['payload']> {
  const name = functionNamed(path, template);
  const result = await gateway.invoke(name, { room: 'shop', text });
  expect(result.type).toBe('response');
  return (result as unknown as Published).payload;
}

/** Waits for the last event with these properties, of those that came after the first `count` ones. */
function eventAfter(count: number, wanted: Partial<GatewayEvent>): Promise<GatewayEvent> {
  return vi.waitFor(
    () => {
      const found = events
        .slice(count)
        .findLast((event) =>
          Object.entries(wanted).every(
            ([key, value]) => event[key as keyof GatewayEvent] === value,
          ),
        );
      if (found === undefined) throw new Error(`No ${JSON.stringify(wanted)} was reported.`);
      return found;
    },
    { timeout: 15_000 },
  );
}

/** What a peer of an API with direct writes connects to. */
const direct = (url: string, token = ''): string => `${url}?protocol=1&token=${token}`;

async function subscribe(peer: Peer, room: string): Promise<void> {
  const channels = [{ channel: `rooms/${room}` }];
  peer.write(JSON.stringify({ action: 'subscribe', id: 's1', channels }));
  await peer.next('reply');
}

async function expectMissedEvents(stack: string): Promise<void> {
  const before = events.length;
  const { url } = apiOf(`${stack}/Chat`);
  await expectToCatchUp(
    () => openPeer(url),
    async (text) => (await publish(`${stack}/Publisher`, text)).position,
  );
  for (const route of ['history', 'sync']) await eventAfter(before, { route, result: 'ok' });
  expect(events.slice(before).map(({ route }) => route)).not.toContain('$default');
}

// oxlint-disable vitest/expect-expect -- the scenarios assert.
describe('the chat', () => {
  it('starts with all its functions without a warning', () => {
    expect(Object.keys(template.options.functions ?? {}).length).toBeGreaterThan(10);
    expect(warnings).toEqual([]);
  });

  it.each(['WithoutRoutes/Chat', 'Injected/Chat', 'Orders/Chat'])('runs as %s', async (path) => {
    const { url } = apiOf(path);
    await using ann = await openPeer(url);
    await using bob = await openPeer(url);
    await expectToChat(ann, bob);
    // Without a route of its own, a one-way message is answered with an empty frame.
    expect(ann.unread).toEqual(path === 'WithoutRoutes/Chat' ? [{ type: 'empty' }] : []);
  });

  it('lets in the users that its authorizer knows, and invokes nothing for others', async () => {
    const { url } = apiOf('Guarded/Chat');
    await using ann = await openPeer(`${url}?token=ann`);
    await using bob = await openPeer(`${url}?token=${encodeURIComponent("bob o'hara")}`);
    await expectToChat(ann, bob);

    const before = events.length;
    await expect(openPeer(`${url}?token=eve`)).rejects.toThrow('401');
    const refused = await eventAfter(before, { route: 'authorizer' });
    expect(refused.result).toBe('refused');
    const all = events.filter(({ connectionId }) => connectionId === refused.connectionId);
    expect(all).toEqual([refused]);
  });

  it('is in each of two instances of a stack for itself', async () => {
    await using ann = await openPeer(apiOf('Twins/Red').url);
    await using bob = await openPeer(apiOf('Twins/Red').url);
    await using eve = await openPeer(apiOf('Twins/Blue').url);
    await subscribe(eve, 'general');
    await expectToChat(ann, bob);
    eve.write('{"action":"ping"}');
    await eve.next('pong');
    expect(eve.unread).toEqual([]);
  });

  it('hears a function of its stack, which the construct has connected', async () => {
    await using ann = await openPeer(apiOf('Orders/Chat').url);
    await subscribe(ann, 'shop');
    expect(await publish('Orders/ShipOrder', 'on its way')).toMatchObject({ delivered: 1 });
    expect(await ann.next('event')).toMatchObject({ data: { text: 'on its way', from: 'shop' } });
  });

  it('gives peers what they missed, by routes of their own', async () => {
    await expectMissedEvents('OneStore');
  });

  describeRedis('on Redis', () => {
    it('runs as Redis/Chat', async () => {
      const { url } = apiOf('Redis/Chat');
      await using ann = await openPeer(url);
      await using bob = await openPeer(url);
      await expectToChat(ann, bob);
    });

    it('gives peers what they missed, with the log in DynamoDB', async () => {
      await expectMissedEvents('TwoStores');
    });
  });
});

describe('the chat with direct writes', () => {
  it('lets two peers chat, of which none offers a sub-protocol', async () => {
    const { url } = apiOf('Direct/Chat');
    await using ann = await openPeer(direct(url), []);
    await using bob = await openPeer(direct(url), []);
    await expectToChat(ann, bob);
    await expect(openPeer(url)).rejects.toThrow('Server sent no subprotocol');
  });

  it('lets in the users that its authorizer knows', async () => {
    const { url } = apiOf('GuardedDirect/Chat');
    await using ann = await openPeer(direct(url, 'ann'), []);
    await using bob = await openPeer(direct(url, encodeURIComponent("bob o'hara")), []);
    await expectToChat(ann, bob);
    await expect(openPeer(direct(url, 'eve'), [])).rejects.toThrow('401');
  });

  it.each([
    ['Direct', 0],
    // Nothing leads to the memberships of a row that is gone.
    ['Deleting', 1],
  ])('%s posts %i times to one who left, in the second publish', async (stack, gone) => {
    const { url } = apiOf(`${stack}/Chat`);
    await using ann = await openPeer(direct(url), []);
    await subscribe(ann, 'shop');
    const before = events.length;
    const bob = await openPeer(direct(url), []);
    await subscribe(bob, 'shop');
    const { connectionId } = await eventAfter(before, { route: '$connect' });
    await bob[Symbol.asyncDispose]();
    expect(await eventAfter(before, { route: '$disconnect', connectionId })).toMatchObject({
      result: 'ok',
    });
    expect(await publish(`${stack}/Publisher`, 'one')).toMatchObject({ delivered: 1, gone: 1 });
    expect(await publish(`${stack}/Publisher`, 'two')).toMatchObject({ delivered: 1, gone });
  });

  describeInChromium('and its page', () => {
    it('lets two people chat', async () => {
      const { url } = apiOf('Direct/Chat');
      await buildPage({ folder: join(folder, 'page'), url, handshake: 'query' });
      await using browser = await openChromium();
      await expectPagesToChat(
        browser,
        `http://localhost:${gateway.port}/page/index.html#tea%20room`,
      );
    });
  });
});
