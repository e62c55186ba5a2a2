import type { TestConnection } from '@gatecast/framework/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { World } from './access-world.js';
import { list, outcomeOf } from './heard.js';

const acts = [
  'grant',
  'revoke',
  'subscribe',
  'message',
  'leave',
  'take',
  'end',
  'publish',
] as const;

describe('A7 a connection that loses its right', () => {
  const takings: [string, (world: World, eve: TestConnection) => Promise<unknown>][] = [
    ['by the server', ({ test }, eve) => test.app.connection(eve.id).unsubscribe('rooms/1')],
    ['with the connection', ({ test }, eve) => test.app.connection(eve.id).disconnect()],
    ['when it subscribes again', (_world, eve) => eve.subscribe('rooms/1')],
    [
      'when it subscribes again with other channels',
      (_world, eve) => eve.subscribe('lobby', 'rooms/1'),
    ],
    ['by the client', (_world, eve) => list(eve, 'unsubscribe', ['rooms/1'])],
    ['by the end of the connection', (_world, eve) => eve.disconnect()],
    ['by a sweep', ({ test }, eve) => test.store.connections.prune([eve.id])],
  ];

  it.each(takings)('A7 gets no more events: %s', async (_how, take) => {
    const world = new World();
    world.rights.add('rooms/1');
    const [eve, other] = [await world.connect(), await world.connect()];
    await eve.subscribe('rooms/1');
    await other.subscribe('rooms/1');
    expect(await world.publish('rooms/1')).toBe(2);
    world.rights.clear();
    await take(world, eve);
    expect(await world.publish('rooms/1')).toBe(1);
    expect(eve.events).toHaveLength(1);
    expect(other.events).toHaveLength(2);
  });

  it('A7 is checked at each subscription and message, in any order', async () => {
    const step = fc.record({
      what: fc.constantFrom(...acts),
      name: fc.constantFrom('rooms/1', 'rooms/2'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const world = new World();
        let eve = await world.connect();
        const member = new Set<string>();
        const act: Record<(typeof acts)[number], (name: string) => unknown> = {
          grant: (name) => void world.rights.add(name),
          revoke: (name) => void world.rights.delete(name),
          subscribe: (name) => list(eve, 'subscribe', [name]),
          message: async (name) =>
            outcomeOf(await eve.sendFrame({ action: 'rooms.post', id: 'm', channel: name })),
          leave: (name) => list(eve, 'unsubscribe', [name]),
          take: (name) => world.test.app.connection(eve.id).unsubscribe(name),
          end: async () => {
            await eve.disconnect();
            eve = await world.connect();
          },
          publish: (name) => world.publish(name),
        };
        // The result of each action according to the model, which the action also changes.
        const model: Record<(typeof acts)[number], (name: string, isAllowed: boolean) => unknown> =
          {
            grant: () => undefined,
            revoke: () => undefined,
            subscribe: (name, isAllowed) => {
              member[isAllowed ? 'add' : 'delete'](name);
              return [isAllowed ? 'live' : 'ERR_FORBIDDEN'];
            },
            message: (name, isAllowed) => (isAllowed ? `secret of ${name}` : 'ERR_FORBIDDEN'),
            leave: (name) => (member.delete(name), ['left']),
            take: (name) => member.delete(name),
            end: () => member.clear(),
            publish: (name) => (member.has(name) ? 1 : 0),
          };
        for (const { what, name } of steps) {
          const expected = model[what](name, world.rights.has(name));
          expect({ what, outcome: await act[what](name) }).toEqual({ what, outcome: expected });
        }
        expect(world.runs.filter((run) => !run.wasAllowed)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
