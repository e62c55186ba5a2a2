import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../simulation/src/world/random.js';
import { check, type Logs, type Verdict } from './check.js';
import { type Message, readDiary } from './diary.js';
import type { StoreName } from './engines.js';
import { Injector } from './faults.js';
import { drawFault, drawPlan, type FaultKind } from './plan.js';
import { Stage } from './stage.js';

export interface ChaosOptions {
  readonly store: StoreName;
  /** What the plan of faults follows from. */
  readonly seed: number;
  /** How long faults happen. */
  readonly durationMs: number;
}

/** What a run was like. */
export interface ChaosResult extends Verdict {
  /** How many faults of each kind have happened. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly messages: readonly Message[];
  /** How many events clients have got. */
  readonly events: number;
}

export const CLIENTS = 20;
export const PAGES = 4;
const CHANNELS = ['rooms/1', 'rooms/2', 'rooms/3', 'rooms/4', 'rooms/5'];
/** The clients that send messages. The fifth publisher is the server. */
const TALKERS = ['node 1', 'node 2', 'node 3', 'page 1'];
/** How long everybody may take to catch up on a busy machine. */
const PATIENCE_MS = 300_000;

/** Lets clients talk while faults happen, and compares what they have seen with the log. */
export async function runChaos({ store, seed, durationMs }: ChaosOptions): Promise<ChaosResult> {
  const counts = { nodes: CLIENTS - PAGES, pages: PAGES };
  await using stage = await Stage.open({ store, seed, channels: CHANNELS, ...counts });
  const { everybody, server } = stage;
  // Everybody has the first event of each channel before anything happens.
  await Promise.all(everybody.map((one) => one.join()));
  await Promise.all(CHANNELS.map((channel) => server.publish(channel)));
  await untilCaughtUp(stage, await readLogs(stage));

  const talkers = everybody.filter(({ name }) => TALKERS.includes(name));
  await Promise.all(talkers.map((talker) => talker.talk()));
  server.talk(CHANNELS, new Random(seed));
  const injector = new Injector(stage);
  const start = Date.now();
  for (const fault of drawPlan(seed, durationMs)) {
    await sleep(Math.max(0, start + fault.atMs - Date.now()));
    injector.inject(fault);
  }
  await sleep(Math.max(0, start + durationMs - Date.now()));
  await injectMissing(injector, new Random(seed));
  const faults = await injector.end();
  await Promise.all([server.stop(), ...talkers.map((talker) => talker.stop())]);

  const logs = await readLogs(stage);
  await untilCaughtUp(stage, logs);
  const accounts = await Promise.all(
    everybody.map(async (one) => readDiary(one.name, await one.lines())),
  );
  const all = [...accounts, readDiary(server.name, server.lines)];
  const verdict = check(logs, all);
  verdict.problems.push(...injector.problems);
  const subscriptions = all.flatMap((account) => account.subscriptions);
  return {
    ...verdict,
    faults,
    messages: all.flatMap((account) => account.messages),
    events: subscriptions.reduce((sum, { heard }) => sum + heard.length, 0),
  };
}

/** On a busy machine a fault may have found nobody to befall, and a page no time to show it. */
async function injectMissing(injector: Injector, random: Random): Promise<void> {
  for (const start = Date.now(); Date.now() - start < PATIENCE_MS; await sleep(1_000)) {
    const missing = await injector.missing();
    if (missing.length === 0) return;
    // A subscription that an environment is killed in needs a new connection.
    for (const kind of ['connection cut', ...missing] as const) {
      injector.inject(drawFault(kind, 0, random));
    }
  }
}

async function readLogs({ server }: Stage): Promise<Logs> {
  const read = CHANNELS.map(async (channel) => [channel, await server.logOf(channel)] as const);
  return new Map(await Promise.all(read));
}

/** Waits until everybody has the last event of each channel, but not for ever: then the check tells. */
async function untilCaughtUp({ everybody }: Stage, logs: Logs): Promise<void> {
  const start = Date.now();
  for (const one of everybody) {
    for (; Date.now() - start < PATIENCE_MS; await sleep(100)) {
      const tails = await one.tails();
      const isBehind = (channel: string): boolean =>
        tails[channel] !== logs.get(channel)?.at(-1)?.id;
      if (!one.channels.some(isBehind)) break;
    }
  }
}
