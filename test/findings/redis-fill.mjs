// E5: a frame of a client with the most possible subscriptions costs Redis about as much as the same
// frame of a new client. Needs redis-server.

import { redisStore } from '@gatecast/adapters/redis';
import { defineChannel } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import { Redis } from 'ioredis';
import { check, finish, startRedis } from './lib.mjs';

const ROUNDS = 15;
const names = (from, name) => Array.from({ length: 50 }, (_, index) => name(from + index));
const long = (index) => `rooms/${String(index).padStart(3, '0')}${'x'.repeat(191)}`;
const short = (index) => `rooms/${index}`;

const url = await startRedis();
const admin = new Redis(url);
const rooms = defineChannel('rooms/:id', { access: 'public' });
const app = createTestApp({ store: redisStore({ url }), channels: [rooms] });
const full = await app.connect();
for (let from = 0; from < 200; from += 50) await subscribe(full, names(from, long));
const held = await app.store.connections.channels(full.id);
check(held.length > 50, `only ${held.length} channels are held`);

function subscribe(connection, channels) {
  return connection.sendFrame({ action: 'subscribe', id: '1', channels });
}

async function serverTime() {
  const lines = await admin.info('commandstats');
  return [...lines.matchAll(/usec=(\d+)/g)].reduce((sum, [, usec]) => sum + Number(usec), 0);
}

/** The median cost of some work for the server, in microseconds. */
async function cost(work, prepare = async () => {}) {
  const costs = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    await prepare();
    const before = await serverTime();
    await work();
    costs.push((await serverTime()) - before);
  }
  return costs.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)];
}

/**
 * The cost of a frame of a client with many subscriptions, as a multiple of the cost for a new client.
 */
async function ratio(send) {
  let fresh;
  const connect = async () => {
    fresh = await app.connect();
  };
  return (await cost(() => send(full))) / (await cost(() => send(fresh), connect));
}

const leaving = await ratio((connection) =>
  connection.sendFrame({ action: 'unsubscribe', id: '1', channels: names(0, short) }),
);
check(leaving < 10, `an unsubscribe of 50 that it never held: ${leaving.toFixed(1)} times as much`);
const joining = await ratio((connection) => subscribe(connection, names(900, long)));
check(joining < 10, `a subscribe of 50 over the limit: ${joining.toFixed(1)} times as much`);
finish();
