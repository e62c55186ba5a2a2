// A page of 100 channels that comes back, while 49 others do: frames, store calls, capacity units, and the time from
// its open connection to its last channel. Beside it, the same pages when they come for the first time, without
// positions. The pages, the gateway and the function are all in this process, so the times are those of one core.
import { createClient } from '@gatecast/client';
import { createApp, defineChannel } from '@gatecast/framework';
import { openGateway } from '@gatecast/local';
import { WebSocket } from 'ws';
import { onDynamoDbLocal, onMemory, onRedis } from './counted.mjs';

const PAGES = 50;
/** Execution environments: each handles one event at a time, and the rest wait. */
const ENVIRONMENTS = 10;
const ROUNDS = 3;
const CHANNELS = Array.from({ length: 100 }, (_, index) => `rooms/${index}`);
const GOAL = '<= 3 frames, 10 s';

const rooms = defineChannel('rooms/:roomId', { history: { retentionSeconds: 3_600 } });
// Everything is published while nobody is there.
const nobody = async () => ({ result: 'delivered' });

async function openApi(open) {
  const environments = await Promise.all(
    Array.from({ length: ENVIRONMENTS }, async () => {
      const { store, counted } = await open();
      const gateway = { post: nobody, disconnect: nobody };
      return { app: createApp({ channels: [rooms], store, gateway }), counted };
    }),
  );
  const idle = [...environments];
  const waiting = [];
  const context = { getRemainingTimeInMillis: () => 29_000 };
  const invoke = async (event) => {
    const environment = idle.pop() ?? (await new Promise((resolve) => waiting.push(resolve)));
    const payload = (await environment.app.handler(event, context)) ?? null;
    const next = waiting.shift();
    if (next) next(environment);
    else idle.push(environment);
    return { type: 'response', payload };
  };
  const api = await openGateway();
  const [{ app }] = environments;
  api.use({ handler: { invoke }, routes: app.manifest.routes });
  const publish = async () => {
    for (const channel of CHANNELS) await app.channel(channel).publish('said', 'hello');
  };
  const sum = (unit) => environments.reduce((total, { counted }) => total + counted[unit], 0);
  const units = ['calls', 'RCU', 'WCU'].filter((unit) => unit in environments[0].counted);
  const count = () => Object.fromEntries(units.map((unit) => [unit, sum(unit)]));
  return { api, publish, count };
}

/** One connection of a page: what it asks, and how long it takes until it has all channels. */
class Visit {
  #frames = 0;
  #openedAt = 0;
  #results = new Map();
  #finish;
  done = new Promise((resolve) => {
    this.#finish = resolve;
  });

  opened() {
    this.#openedAt = performance.now();
  }

  asked() {
    this.#frames += 1;
  }

  received({ type, data, error }) {
    if (type === 'error') throw new Error(error.message);
    for (const { channel, result } of data?.channels ?? []) this.#results.set(channel, result);
    if (this.#results.size < CHANNELS.length) return;
    const ms = performance.now() - this.#openedAt;
    this.#finish({ ms, frames: this.#frames, results: [...this.#results.values()] });
  }
}

/** A page with a client, which connects when `connect` is called. */
class Page {
  visit = new Visit();
  heard = 0;
  #connecting;

  constructor(url) {
    this.#hold();
    const current = () => this.visit;
    class Observed extends WebSocket {
      constructor(...address) {
        super(...address);
        this.on('open', () => current().opened());
        this.on('message', (data) => current().received(JSON.parse(data)));
      }

      send(frame) {
        current().asked();
        super.send(frame);
      }
    }
    this.client = createClient({ url, WebSocket: Observed, token: () => this.#connecting });
    for (const name of CHANNELS) {
      const channel = this.client.channel(name);
      channel.on('said', () => {
        this.heard += 1;
      });
      void subscribe(channel);
    }
  }

  /** What follows is another visit. */
  leave() {
    this.#hold();
    this.visit = new Visit();
  }

  #hold() {
    this.#connecting = new Promise((resolve) => {
      this.connect = resolve;
    });
  }
}

/** A first subscription that is not answered within 10 s is given up, and then the app asks again. */
async function subscribe(channel) {
  try {
    await channel.subscribe();
  } catch (error) {
    if (error.code !== 'ERR_TIMEOUT') throw error;
    await subscribe(channel);
  }
}

/** Lets all pages connect at once. What one of them needs until it has all of its channels. */
async function measureVisits(pages, count, expected) {
  const before = count();
  for (const page of pages) page.connect();
  const visits = await Promise.all(pages.map(({ visit }) => visit.done));
  const wrong = visits.flatMap(({ results }) => results).find((result) => result !== expected);
  if (wrong !== undefined) throw new Error(`A channel is ${wrong} instead of ${expected}.`);
  const costs = Object.entries(count()).map(([unit, after]) => [
    unit,
    (after - before[unit]) / pages.length,
  ]);
  return {
    ...Object.fromEntries(costs),
    frames: Math.max(...visits.map(({ frames }) => frames)),
    ms: Math.max(...visits.map(({ ms }) => ms)),
  };
}

/** All pages come, and come back twice: when they have missed nothing, and an event of each channel. */
async function measureRound({ api, publish, count }) {
  const pages = Array.from({ length: PAGES }, () => new Page(api.url));
  const leave = async () => {
    for (const page of pages) page.leave();
    await api.closeAllConnections();
  };
  const first = await measureVisits(pages, count, 'live');
  await leave();
  const current = await measureVisits(pages, count, 'resumed');
  await leave();
  await publish();
  const behind = await measureVisits(pages, count, 'resumed');
  const heard = pages.map((page) => page.heard);
  if (heard.some((each) => each !== CHANNELS.length))
    throw new Error(`Pages heard ${heard.join(', ')}.`);
  for (const { client } of pages) client.close();
  await api.closeAllConnections();
  return { first, current, behind };
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const rounded = (number, digits = 1) => Number(number.toFixed(digits));

async function measureOn({ name, open, stop }) {
  const opened = await openApi(open);
  await opened.publish();
  const rounds = [];
  for (let left = ROUNDS; left > 0; left -= 1) rounds.push(await measureRound(opened));
  const units = Object.keys(opened.count());
  await opened.api.close();
  await stop();
  const cases = {
    first: 'come for the first time',
    current: 'come back, missed nothing',
    behind: 'come back, missed 1 event of each channel',
  };
  return Object.entries(cases).map(([key, operation]) => {
    const each = (unit) => rounds.map((one) => one[key][unit]);
    const medians = units.map((unit) => [unit, rounded(median(each(unit)))]);
    return {
      engine: name,
      operation,
      frames: Math.max(...each('frames')),
      calls: '',
      RCU: '',
      WCU: '',
      ...Object.fromEntries(medians),
      'last channel, ms': rounded(median(each('ms')), 0),
      'worst, ms': rounded(Math.max(...each('ms')), 0),
      ratio: rounded(median(rounds.map((one) => one[key].ms / one.first.ms)), 2),
      target: key === 'first' ? '' : GOAL,
    };
  });
}

export async function measure() {
  const rows = [];
  for (const start of [onMemory, onRedis, onDynamoDbLocal]) {
    const engine = await start();
    if (engine) rows.push(...(await measureOn(engine)));
  }
  const shape = { pages: PAGES, channels: CHANNELS.length, rounds: ROUNDS };
  return { benchmark: 'resume', ...shape, node: process.version, rows };
}
