// Tries every operation on a channel with every attack. Nobody may receive an event, run a handler, get a
// snapshot or keep a membership without the right to it at that moment.
import { type AccessRule, ClientError } from '@gatecast/framework';
import {
  type EventOptions,
  HandshakeError,
  makeMessageEvent,
  type TestConnection,
} from '@gatecast/framework/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { names } from './access-names.js';
import { codeOf, PROBES, World, type WorldOptions } from './access-world.js';
import { list, outcomeOf } from './heard.js';

type Attempt = (world: World, client: TestConnection, name: unknown) => Promise<unknown[]>;

const ROUTES = ['rooms.post', 'admin.post', 'users.post', 'members.post', 'lobby.post'];

/** Operations that give a client access to a channel. */
const asking: Record<string, Attempt> = {
  'a subscribe frame': (_world, client, channel) => list(client, 'subscribe', [{ channel }]),
  'a subscribe frame of names': (_world, client, channel) => list(client, 'subscribe', [channel]),
  'a subscribe frame with others': async (_world, client, channel) => {
    const outcomes = await list(client, 'subscribe', ['lobby', channel]);
    if (outcomes.length === 1) return outcomes;
    expect(outcomes[0]).toBe('live');
    return outcomes.slice(1);
  },
  'a subscribe frame that names it twice': (_world, client, channel) =>
    list(client, 'subscribe', [channel, { channel }]),
  'a second subscribe frame': async (world, client, channel) => {
    if (!world.mayUse(channel) && typeof channel === 'string') {
      world.rights.add(channel);
      await list(client, 'subscribe', [channel]);
      world.rights.delete(channel);
      // Events during the time of access were allowed, so they are removed before the check.
      client.received.length = 0;
    }
    return list(client, 'subscribe', [channel]);
  },
  'a message': async (_world, client, channel) => {
    const outcomes = [];
    for (const action of ROUTES) {
      const answer = outcomeOf(await client.sendFrame({ action, id: 'm', channel, data: 1 }));
      outcomes.push(
        typeof channel === 'string' && answer === `secret of ${channel}` ? 'live' : answer,
      );
    }
    // A channel only has the messages of its own class.
    return outcomes.includes('live') ? ['live'] : outcomes;
  },
  'a subscribe frame for past events': (_world, client, channel) =>
    list(client, 'subscribe', [{ channel, rewind: 5 }]),
  'a subscribe frame with a position that was made up': async (world, client, channel) => {
    const position = await world.start(channel);
    const outcomes = await list(client, 'subscribe', [{ channel, position, rewind: 5 }]);
    return outcomes.map((outcome) => (outcome === 'resumed' ? 'live' : outcome));
  },
  'a history frame': async (world, client, channel) => {
    const after = await world.start(channel);
    const answers = [];
    for (const range of [{}, { after }, { limit: 0 }]) {
      answers.push(await client.sendFrame({ action: 'history', id: 'h', channel, ...range }));
    }
    return answers.map((answer) => (answer?.type === 'reply' ? 'live' : outcomeOf(answer)));
  },
  'a sync frame': async (world, client, channel) => {
    const position = await world.start(channel);
    const positions = { [typeof channel === 'string' ? channel : 'none']: position };
    const answer = outcomeOf(await client.sendFrame({ action: 'sync', id: 's', positions }));
    // A frame with the key "__proto__" is refused as a whole.
    if (typeof answer === 'string') return [answer];
    const { channels } = answer as { channels: { error?: { code: string } }[] };
    const [outcome] = channels;
    return [outcome?.error?.code ?? 'live'];
  },
};

/** Operations that never give access. */
const others: Record<string, Attempt> = {
  'an unsubscribe frame': async (_world, client, channel) => {
    await list(client, 'unsubscribe', [channel]);
    return list(client, 'unsubscribe', ['lobby', channel, { channel }]);
  },
  'the end of a subscription by the server': async ({ test }, client, name) => [
    await test.app
      .connection(client.id)
      .unsubscribe(name as string)
      .catch(codeOf),
  ],
  'an event of the server': async (world, _client, name) => [await world.publish(name)],
  'an automatic subscription': async (world, _client, name) => {
    const room = typeof name === 'string' ? name.replace(/^rooms\//, '') : name;
    world.identity = { userId: 'eve', claims: { room } };
    await world.connect();
    return [];
  },
};
const operations = Object.entries({ ...asking, ...others });

async function attack(world: World, attempt: Attempt, name: unknown): Promise<unknown[]> {
  world.rights.add('rooms/1');
  for (const probe of PROBES) await world.publish(probe);
  const client = await world.connect();
  return attempt(world, client, name);
}

describe.each(operations)('A1 A2 A18 %s', (title, attempt) => {
  it('gets no access with any name', async () => {
    const wrong: unknown[] = [];
    for (const name of names) {
      const world = new World();
      const outcomes = await attack(world, attempt, name);
      for (const violation of await world.violations(name)) wrong.push({ name, violation });
      // Operations that she is allowed are not refused either.
      const isRight = outcomes.every((code) => (code === 'live') === world.mayUse(name));
      if (title in asking && !isRight) wrong.push({ name, outcomes });
    }
    expect(wrong).toEqual([]);
  });

  it('gets no access with names made of parts of others', async () => {
    const parts = [
      'rooms',
      'admin',
      'users',
      'root',
      'eve',
      'members',
      'lobby',
      '1',
      '2',
      '/',
      '/',
    ];
    const signs = ['%', '%2F', '%61', '%2525', '.', '..', ':', '@', '\0', ' ', 'é', '\ud800', '~'];
    const name = fc
      .array(fc.oneof(fc.constantFrom(...parts), fc.constantFrom(...parts, ...signs)), {
        maxLength: 6,
      })
      .map((chosen) => chosen.join(''));
    await fc.assert(
      fc.asyncProperty(fc.oneof(name, fc.string({ unit: 'binary' })), async (made) => {
        const world = new World();
        await attack(world, attempt, made);
        expect(await world.violations(made)).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});

describe.each(Object.entries(asking))('A13 %s', (_title, attempt) => {
  const channels = ['members', 'users/root', 'rooms/admin', 'rooms/2'];

  it.each(channels)('is that of a guest in an app without an authorizer, on %s', async (name) => {
    const world = new World({ hasAuthorizer: false });
    const client = await world.connect();
    // The context of another authorizer, or a forged one.
    const authorizer = { gatecast: '{"userId":"root"}', principalId: 'root', userId: 'root' };
    Object.assign(client, { authorizer });
    const outcomes = await attempt(world, client, name);
    expect(outcomes).not.toContain('live');
    expect(await world.violations(name)).toEqual([]);
  });
});

// ---- Answers of a rule ----

class Truth {
  readonly isTrue = true;
}
const values: unknown[] = [
  undefined,
  null,
  false,
  0,
  1,
  -1,
  Number.NaN,
  Infinity,
  1n,
  '',
  'true',
  'public',
  'authenticated',
  {},
  [],
  [true],
  { allowed: true },
  { valueOf: () => true },
  new Boolean(true),
  new Truth(),
  () => true,
  Symbol('true'),
  new Map([[true, true]]),
  new Date(),
  /true/,
];
const thenable = (
  settle: (resolve: (value: unknown) => void, reject: (e: unknown) => void) => void,
) => ({
  // oxlint-disable-next-line unicorn/no-thenable -- this tests a thenable.
  then: settle,
});
const hows: [string, (value: unknown) => () => unknown][] = [
  ['returns', (value) => () => value],
  ['promises', (value) => async () => value],
  ['promises late', (value) => () => new Promise((resolve) => setImmediate(resolve, value))],
  ['returns a thenable of', (value) => () => thenable((resolve) => resolve(value))],
  [
    'throws',
    (value) => () => {
      throw value;
    },
  ],
  ['rejects with', (value) => () => Promise.reject(value)],
  [
    'returns a thenable that rejects with',
    (value) => () => thenable((_resolve, reject) => reject(value)),
  ],
];
const thrown = [
  ...values,
  true,
  new Error('down'),
  new ClientError('ERR_FORBIDDEN', 'No.'),
  new ClientError('ERR_CONNECTION_UNKNOWN', 'No.'),
  new ClientError('ERR_UNAUTHORIZED', 'No.'),
];
const automatic: [string, Attempt][] = [
  [
    'an automatic subscription',
    async (world) => {
      world.identity = { userId: 'eve', claims: { room: '1' } };
      const client = await world.connect().catch((error: unknown) => {
        if (error instanceof HandshakeError) return undefined;
        throw error;
      });
      const joined = client ? await world.test.store.connections.channels(client.id) : [];
      return [joined.includes('rooms/1') ? 'live' : 'none'];
    },
  ],
];

describe.each([...Object.entries(asking), ...automatic])('A19 to %s', (title, attempt) => {
  const ask = async (rule: () => unknown, isMember: boolean): Promise<[World, unknown[]]> => {
    let isOpen = isMember;
    const world = new World({
      rule: (() => (isOpen ? true : rule())) as AccessRule & (() => boolean),
    });
    const client = await world.connect();
    if (isMember) {
      world.rights.add('rooms/1');
      await client.subscribe('rooms/1');
      world.rights.clear();
      isOpen = false;
      client.received.length = 0;
    }
    // Tells the model what the rule of this test answers.
    return [world, await attempt(world, client, 'rooms/1')];
  };

  it.each(hows.slice(0, 4))('A19 a rule that %s true gives access', async (_how, answer) => {
    const [, outcomes] = await ask(answer(true), false);
    expect(outcomes).toContain('live');
  });

  it.each(hows)('A19 a rule that %s anything else gives no access', async (how, answer) => {
    // Only the rule for a subscribe frame ends subscriptions, and a new connection has none.
    const staysMember = !title.includes('subscribe frame');
    const wrong: unknown[] = [];
    for (const value of /throw|reject/.test(how) ? thrown : values) {
      for (const isMember of staysMember ? [false] : [false, true]) {
        const [world, outcomes] = await ask(answer(value), isMember);
        const runs = world.runs.filter((run) => !run.wasAllowed);
        const reached = await world.publish('rooms/1');
        const isOpen = outcomes.includes('live') || runs.length > 0 || reached !== 0;
        if (isOpen) wrong.push({ value, isMember, outcomes, runs, reached });
      }
    }
    expect(wrong).toEqual([]);
  });
});

// ---- Identities and connections that have ended ----

const ways: [string, boolean][] = [
  ['deployed', true],
  ['in $connect', false],
];
const LIFETIME_MS = 60_000;
/** Every frame that a client may send, and its end. */
const frames = ['lobby', 'members', 'users/eve', 'rooms/1', 'nope', '', null].flatMap((channel) => [
  { action: 'subscribe', id: 'x', channels: [channel] },
  { action: 'subscribe', id: 'x', channels: ['lobby', { channel }] },
  { action: 'unsubscribe', id: 'x', channels: [channel] },
  ...ROUTES.map((action) => ({ action, id: 'x', channel, data: 1 })),
]);

describe.each(ways)(
  'A6 with an authorizer %s, an expired identity',
  (_how, isAuthorizerDeployed) => {
    async function expire(): Promise<{ world: World; eve: TestConnection }> {
      const world = new World({ isAuthorizerDeployed });
      world.rights.add('rooms/1');
      world.identity = { userId: 'eve', expiresAt: world.test.clock.now() + LIFETIME_MS };
      const eve = await world.connect();
      await eve.subscribe('lobby', 'rooms/1');
      world.runs.length = 0;
      eve.received.length = 0;
      world.test.clock.advance(LIFETIME_MS);
      return { world, eve };
    }

    it.each(frames)('A6 has no right left: %j', async (frame) => {
      for (const isGatewayDown of [false, true]) {
        const { world, eve } = await expire();
        if (isGatewayDown) world.test.gateway.faults = () => 'gone';
        const event = makeMessageEvent({
          connectionId: eve.id,
          authorizer: (eve as unknown as EventOptions).authorizer,
          body: JSON.stringify(frame),
        });
        const { body = '' } = (await world.test.app.handler(event)) as { body?: string };
        expect(outcomeOf(JSON.parse(body))).toBe('ERR_UNAUTHORIZED');
        expect(world.runs).toEqual([]);
        expect(eve.isOpen).toBe(isGatewayDown);
        await world.publish('lobby');
        await world.publish('rooms/1');
        expect(eve.events).toEqual([]);
      }
    });

    it('A6 gets no event, on any channel it was on', async () => {
      for (const name of ['lobby', 'rooms/1', 'users/eve']) {
        const { world, eve } = await expire();
        expect(await world.publish(name)).toBe(0);
        expect(eve.events).toEqual([]);
        expect(eve.bye).toMatchObject({ code: 'ERR_UNAUTHORIZED', reconnect: true });
      }
    });

    it('A6 still has its user at the end of the connection', async () => {
      const { world, eve } = await expire();
      await eve.disconnect();
      expect(await world.test.store.connections.get(eve.id)).toBeUndefined();
      expect(world.ear.errors).toEqual([]);
    });
  },
);

describe('A3 a connection whose row is gone', () => {
  it.each(frames)('A3 is neither a guest nor a user elsewhere: %j', async (frame) => {
    const here = new World({ isAuthorizerDeployed: false });
    const eve = await here.connect();
    await here.test.store.connections.prune([eve.id]);
    const options: WorldOptions = { isAuthorizerDeployed: false, store: here.test.store };
    const there = new World(options);
    there.rights.add('rooms/1');
    const event = makeMessageEvent({ connectionId: eve.id, body: JSON.stringify(frame) });
    const { body = '' } = (await there.test.app.handler(event)) as { body?: string };
    expect(outcomeOf(JSON.parse(body))).toBe('ERR_CONNECTION_UNKNOWN');
    expect(there.runs).toEqual([]);
    expect(await here.test.store.connections.channels(eve.id)).toEqual([]);
  });

  it.each(ways)(
    'A3 can no longer join channels, authorizer %s',
    async (_how, isAuthorizerDeployed) => {
      const world = new World({ isAuthorizerDeployed });
      const eve = await world.connect();
      await world.test.store.connections.prune([eve.id]);
      expect(await list(eve, 'subscribe', ['lobby', 'members'])).toEqual([
        'ERR_CONNECTION_UNKNOWN',
      ]);
      expect(await world.violations()).toEqual([]);
      expect(eve.events).toEqual([]);
    },
  );
});
