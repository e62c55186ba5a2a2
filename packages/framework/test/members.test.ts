import {
  createApp,
  createPublisher,
  defineChannel,
  definePlugin,
  type Gateway,
  type Member,
  memoryStore,
  type ServerChannel,
} from '@gatecast/framework';
import { makeConnectEvent, makeMessageEvent } from '@gatecast/framework/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const PROD = { apiId: 'abc123', stage: 'prod', region: 'eu-west-1' };
const DEV = { ...PROD, stage: 'dev' };
const OTHER_API = { ...PROD, apiId: 'def456' };
const OTHER_REGION = { ...PROD, region: 'us-east-1' };
const URL_OF_PROD = 'https://abc123.execute-api.eu-west-1.amazonaws.com/prod';
const CUSTOM_DOMAIN = 'https://ws.example.com';
const everyone = ['of-dev', 'of-other-api', 'of-other-region', 'of-prod'];

beforeEach(() => {
  for (const name of [
    'GATECAST_ENDPOINT',
    'AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI',
    'GATECAST_API_ID',
    'GATECAST_STAGE',
    'GATECAST_REGION',
  ]) {
    vi.stubEnv(name, '');
  }
  vi.stubEnv('AWS_REGION', 'eu-west-1');
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A store with one subscriber of `rooms/1` at each of four stages. */
async function sharedStore() {
  const store = memoryStore();
  for (const [connectionId, address] of Object.entries({
    'of-prod': PROD,
    'of-dev': DEV,
    'of-other-api': OTHER_API,
    'of-other-region': OTHER_REGION,
  })) {
    const times = { connectedAt: Date.now(), expiresAt: Date.now() + 60_000 };
    await store.connections.connect({ connectionId, ...address, ...times }, ['rooms/1']);
  }
  return store;
}

const sorted = (members: readonly Member[]) =>
  members.map(({ connectionId }) => connectionId).sort();

async function idsOf(channel: ServerChannel): Promise<string[]> {
  const { items } = await channel.members();
  return sorted(items);
}

const rooms = defineChannel('rooms/:id', {
  access: 'public',
  messages: ({ message }) => ({
    who: message((_data, ctx) => idsOf(ctx.channel)),
    expel: message((id, ctx) => ctx.app.connection(String(id)).unsubscribe('rooms/1')),
  }),
});
const gateway: Gateway = {
  post: async () => ({ result: 'delivered' }),
  disconnect: async () => ({ result: 'delivered' }),
};
const quiet = definePlugin({ name: 'quiet', onError() {} });

describe('members() on a store that other stages use too', () => {
  it.each([
    ['no gateway', {}],
    ["an app's own gateway", { gateway }],
  ])("C2 returns the connections of the event's stage, with %s", async (_case, options) => {
    const store = await sharedStore();
    const { handler } = createApp({ channels: [rooms], store, ...options });
    const ask = async ({ apiId, stage }: typeof PROD) => {
      const body = JSON.stringify({ action: 'rooms.who', id: '1', channel: 'rooms/1' });
      const options = { apiId, stage, connectionId: 'asker', routeKey: 'rooms.who', body };
      const response = await handler(makeMessageEvent(options));
      return (JSON.parse((response as { body: string }).body) as { data: unknown }).data;
    };
    expect(await ask(PROD)).toEqual(['of-prod']);
    expect(await ask(DEV)).toEqual(['of-dev']);
    expect(await ask(OTHER_API)).toEqual(['of-other-api']);
    vi.stubEnv('AWS_REGION', 'us-east-1');
    expect(await ask(PROD)).toEqual(['of-other-region']);
  });

  it.each([
    ['the endpoint', { GATECAST_ENDPOINT: URL_OF_PROD }],
    ['the names of API and stage', { GATECAST_API_ID: 'abc123', GATECAST_STAGE: 'prod' }],
    [
      'these names behind a custom domain',
      { GATECAST_ENDPOINT: CUSTOM_DOMAIN, GATECAST_API_ID: 'abc123', GATECAST_STAGE: 'prod' },
    ],
  ])(
    'C2 returns the connections of the stage in %s, outside of any event',
    async (_case, environment) => {
      const store = await sharedStore();
      for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
      expect(await idsOf(createPublisher({ store }).channel('rooms/1'))).toEqual(['of-prod']);
      const app = createApp({ channels: [rooms], store });
      expect(await idsOf(app.channel('rooms/1'))).toEqual(['of-prod']);
    },
  );

  it('C2 returns the connections of the stage in the option', async () => {
    const publisher = createPublisher({ store: await sharedStore(), address: DEV });
    expect(await idsOf(publisher.channel('rooms/1'))).toEqual(['of-dev']);
  });

  it.each([
    ['nothing names an endpoint', {}, {}],
    ["the endpoint's name says nothing of it", { GATECAST_ENDPOINT: CUSTOM_DOMAIN }, {}],
    ['the gateway is of its own', { GATECAST_ENDPOINT: URL_OF_PROD }, { gateway }],
  ])(
    'returns all connections if the own stage is not known: %s',
    async (_case, environment, options) => {
      const store = await sharedStore();
      for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
      expect(await idsOf(createPublisher({ store, ...options }).channel('rooms/1'))).toEqual(
        everyone,
      );
    },
  );

  it('C2 continues after a page that has only other stages', async () => {
    const publisher = createPublisher({ store: await sharedStore(), address: PROD });
    const channel = publisher.channel('rooms/1');
    const pages: string[][] = [];
    let after: string | undefined;
    do {
      const page = await channel.members({ limit: 1, ...(after !== undefined && { after }) });
      pages.push(sorted(page.items));
      after = page.next;
    } while (after !== undefined);
    expect(pages.flat()).toEqual(['of-prod']);
    expect(pages.length).toBeGreaterThanOrEqual(everyone.length);
  });
});

it('C2 does not end the subscription of a connection of another stage', async () => {
  const store = await sharedStore();
  const { handler } = createApp({ channels: [rooms], store, gateway, plugins: [quiet] });
  const options = { apiId: 'abc123', stage: 'prod', connectionId: 'asker' };
  await handler(makeConnectEvent(options));
  const expel = async (data: string) => {
    const body = JSON.stringify({ action: 'rooms.expel', id: '1', channel: 'rooms/1', data });
    const response = await handler(makeMessageEvent({ ...options, routeKey: 'rooms.expel', body }));
    return (JSON.parse((response as { body: string }).body) as { data: unknown }).data;
  };
  for (const id of everyone) expect([id, await expel(id)]).toEqual([id, id === 'of-prod']);
  const { items } = await store.connections.subscribers('rooms/1');
  expect(items.map(({ connectionId }) => connectionId).sort()).toEqual(everyone.slice(0, 3));
});

describe('members()', () => {
  async function ofThree() {
    const store = memoryStore();
    const times = { connectedAt: Date.now(), expiresAt: Date.now() + 60_000 };
    const { connections } = store;
    await connections.connect({ connectionId: 'a', ...PROD, ...times, userId: 'ann' }, ['rooms/1']);
    await connections.connect({ connectionId: 'b', ...PROD, ...times, userId: 'bob' }, ['rooms/1']);
    await connections.connect({ connectionId: 'c', ...PROD, ...times }, ['rooms/1']);
    return createPublisher({ store, address: PROD }).channel('rooms/1');
  }

  it('returns the user of each connection, except for guests', async () => {
    const { items, ...rest } = await (await ofThree()).members();
    expect(items.toSorted((a, b) => a.connectionId.localeCompare(b.connectionId))).toStrictEqual([
      { connectionId: 'a', userId: 'ann' },
      { connectionId: 'b', userId: 'bob' },
      { connectionId: 'c' },
    ]);
    expect(rest).toStrictEqual({});
  });

  it('K1 refuses unknown options of a range', async () => {
    const channel = await ofThree();
    for (const [range, option] of [
      [{ limit: 0 }, 'limit'],
      [{ limit: 1_001 }, 'limit'],
      [{ limit: 1.5 }, 'limit'],
      [{ after: 7 }, 'after'],
      [{ before: 'a' }, 'before'],
    ] as const) {
      const error = (await channel.members(range as object).catch((e: unknown) => e)) as Error;
      expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_OPTION_/) });
      expect(error.message).toContain('members()');
      expect(error.message).toContain(option);
    }
    for (const limit of [1, 1_000]) {
      expect((await channel.members({ limit })).items).toHaveLength(Math.min(limit, 3));
    }
  });
});
