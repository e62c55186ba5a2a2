// The cost of a publish on a channel with history, and of a resume: calls, capacity units as the engine
// reports them, and time. Then publishers that never pause, each in an environment of its own, with 6 ms added
// to each call. The delivery is not part of it: see fanout.mjs.
import { randomBytes } from 'node:crypto';
import { onDynamoDbLocal, onMemory, onRedis } from './counted.mjs';

const REPEATS = 36;
const DELAY_MS = 6;
const RETENTION = { retentionSeconds: 3_600 };
const PAGE = { limit: 1_000, maxBytes: 32_768 };
/** Publishers that publish at once, how often all of them publish, and the targets. */
const CROWDS = [
  { publishers: 1, publishes: 300, WCU: 3.2 },
  { publishers: 10, publishes: 1_500, WCU: 3.2, perSecond: 100 },
  { publishers: 50, publishes: 3_000, WCU: 5, p99Calls: 20, tries: 10 },
];
const MISSED = [0, 100, 5_000];
const AUDIENCE = Promise.resolve(100);

const newKey = () => randomBytes(12).toString('base64url');
const textOf = (bytes) => `"${'x'.repeat(bytes - 2)}"`;
const rounded = (number, digits = 2) => Number(number.toFixed(digits));
const percentile = (list, part) =>
  list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * part))];

function append(log, over) {
  const request = { key: newKey(), hash: newKey(), payload: textOf(200), onOtherHash: 'refuse' };
  return log.append({ ...RETENTION, ...request, ...over });
}

/** An append with all its work. Its delivery would run beside `finish`. */
async function publish(log, over) {
  const { result, entry, finish } = await append(log, over);
  if (result !== 'appended') throw new Error(`The result of a publish is ${result}.`);
  await finish?.(AUDIENCE);
  return entry.position;
}

/** What the counters rose by, and the median time, of one of several runs. */
async function costOf(repeats, prepare, run) {
  const times = [];
  const total = {};
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const { counted, ...prepared } = await prepare();
    const before = { ...counted };
    const start = performance.now();
    await run(prepared);
    times.push(performance.now() - start);
    for (const unit of ['calls', 'WCU', 'RCU']) {
      if (unit in counted) total[unit] = (total[unit] ?? 0) + counted[unit] - before[unit];
    }
  }
  const averages = Object.entries(total).map(([unit, sum]) => [unit, rounded(sum / repeats)]);
  return { ...Object.fromEntries(averages), ms: rounded(percentile(times, 0.5)) };
}

/** A publish in each situation: its preparation, which does not count, and what is published. */
const situations = {
  'first on a channel': ({ environment }) => ({ ...environment, over: { channel: newKey() } }),
  'first of an environment': async ({ open, channel }) => ({
    ...(await open()),
    over: { channel },
  }),
  warm: ({ environment, channel }) => ({ ...environment, over: { channel } }),
  'warm, 1 KB': ({ environment, channel }) => ({
    ...environment,
    over: { channel, payload: textOf(1_024) },
  }),
  'warm, 20 KB': ({ environment, channel }) => ({
    ...environment,
    over: { channel, payload: textOf(20_480) },
  }),
  'an id again': async ({ environment, channel }) => {
    const over = { channel, key: newKey(), hash: newKey() };
    await publish(environment.store.log, over);
    return { ...environment, over };
  },
  'a message again, whose handler says something else': async ({ environment, channel }) => {
    const over = { channel, key: newKey() };
    await publish(environment.store.log, over);
    return { ...environment, over: { ...over, onOtherHash: 'keep-first' } };
  },
};

async function measureSituations({ open }) {
  const environment = await open();
  const rows = [];
  for (const [name, prepare] of Object.entries(situations)) {
    const channel = `rooms/${name}`;
    // The first publishes begin the log, and load code and scripts.
    for (let turn = 0; turn < 3; turn += 1) await publish(environment.store.log, { channel });
    const cost = await costOf(
      REPEATS,
      () => prepare({ environment, open, channel }),
      ({ store, over }) => publish(store.log, over),
    );
    const target = name === 'warm' && 'WCU' in cost ? '<= 3.2 WCU' : '';
    rows.push({ operation: `publish, ${name}`, ...cost, target });
  }
  return rows;
}

/** Publishers that never pause, on one channel. */
async function crowd({ open }, { publishers, publishes, ...targets }) {
  const log = { ...RETENTION, channel: `crowds/${publishers}` };
  const environments = await Promise.all(
    Array.from({ length: publishers }, () => open({ delayMs: DELAY_MS })),
  );
  for (const { store } of environments) await publish(store.log, log);
  const before = environments.map(({ counted }) => ({ ...counted }));
  const acknowledged = [];
  const turns = Array.from({ length: publishes }).values();
  const start = performance.now();
  await Promise.all(
    environments.map(async ({ store, counted }) => {
      for (const _ of turns) {
        const { calls, updates } = { ...counted };
        const begun = performance.now();
        const { finish } = await append(store.log, log);
        const ms = performance.now() - begun;
        acknowledged.push({ ms, calls: counted.calls - calls, tries: counted.updates - updates });
        await finish?.(AUDIENCE);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1_000;
  const { position } = await environments[0].store.log.head(log);
  if (position.offset !== publishers + publishes) throw new Error('An event was lost or doubled.');
  const rise = (unit) =>
    environments.reduce((sum, { counted }, index) => sum + counted[unit] - before[index][unit], 0);
  const isCounted = (unit) => unit in environments[0].counted;
  const average = (unit) => isCounted(unit) && { [unit]: rounded(rise(unit) / publishes) };
  const each = (name) => acknowledged.map((one) => one[name]);
  return {
    operation: publishers === 1 ? '1 publisher' : `${publishers} publishers`,
    ...average('calls'),
    ...average('WCU'),
    ...average('RCU'),
    'a second': rounded(publishes / seconds, 0),
    'p50 ms': rounded(percentile(each('ms'), 0.5), 1),
    'p99 ms': rounded(percentile(each('ms'), 0.99), 1),
    ...(isCounted('calls') && { 'p99 calls': percentile(each('calls'), 0.99) }),
    ...(isCounted('updates') && {
      'most tries': Math.max(...each('tries')),
      target: Object.entries(targets).map(goal).join(', '),
    }),
  };
}

function goal([name, value]) {
  const words = { perSecond: 'a second', p99Calls: 'calls at p99' };
  return `${name === 'perSecond' ? '>=' : '<='} ${value} ${words[name] ?? name}`;
}

/** A resume after some missed events, in pages as they are sent. */
async function measureResumes({ open }) {
  const environment = await open();
  const { log } = environment.store;
  const room = { ...RETENTION, channel: 'resumes' };
  const events = Math.max(...MISSED) + 1;
  const positions = [];
  const turns = Array.from({ length: events }).values();
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (const _ of turns) {
        const position = await publish(log, room);
        positions[position.offset] = position;
      }
    }),
  );
  const rows = [];
  for (const missed of MISSED) {
    const cost = await costOf(
      5,
      () => environment,
      async () => {
        let found = 0;
        let after = positions[events - missed];
        for (let more = true; more; ) {
          const page = await log.readAfter({ ...room, ...PAGE, after });
          if (page.reset) throw new Error(`The resume was reset: ${page.reset}.`);
          found += page.entries.length;
          after = page.entries.at(-1)?.position;
          ({ more } = page);
        }
        if (found !== missed) throw new Error(`${found} of ${missed} events were read.`);
      },
    );
    const target = missed === 0 && 'RCU' in cost ? '<= 1 RCU' : '';
    rows.push({ operation: `resume after ${missed} events`, ...cost, target });
  }
  return rows;
}

async function measureOn(engine) {
  const rows = await measureSituations(engine);
  for (const size of CROWDS) rows.push(await crowd(engine, size));
  rows.push(...(await measureResumes(engine)));
  await engine.stop();
  const columns = { calls: '', WCU: '', RCU: '', ms: '', 'a second': '', 'p50 ms': '' };
  const more = { 'p99 ms': '', 'p99 calls': '', 'most tries': '', target: '' };
  return rows.map((row) => ({ engine: engine.name, operation: '', ...columns, ...more, ...row }));
}

export async function measure() {
  const rows = [];
  for (const start of [onMemory, onRedis, onDynamoDbLocal]) {
    const engine = await start();
    if (engine) rows.push(...(await measureOn(engine)));
  }
  return { benchmark: 'publish', repeats: REPEATS, node: process.version, rows };
}
