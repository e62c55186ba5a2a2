import { type ClientOptions, createClient } from '../../src/index.js';
import { Page } from '../simulation/page.js';
import { Random } from '../simulation/random.js';
import { catchEscaped, replaceGlobals } from '../simulation/surroundings.js';
import { turn } from '../simulation/virtual-time.js';
import { type Network, webSocketClass } from '../simulation/web-socket.js';
import type { Violation } from '../simulation/world.js';
import { LogApplication } from './application.js';
import { LogChecks } from './checks.js';
import type { CreateLogClient } from './client-under-test.js';
import type { LogPlan } from './plan.js';
import { LogServer } from './server.js';
import { channelNames, type LogStep, type MachineStep } from './steps.js';
import { SimulatedStorage } from './storage.js';
import type { Memory } from './view.js';
import { type LogKind, LogWorld } from './world.js';

/** What a run has come to. */
export interface LogRun {
  readonly violation: Violation<LogKind> | undefined;
  trace(): string;
}

/** Long enough for a silent connection to be noticed, and for each request to have its answer. */
const SETTLING_MS = 400_000;
/** Long enough for a gap to be filled. */
const FILLING_MS = 60_000;
/** Four keep-alives and a little more. */
const KEEP_ALIVES_MS = 1_000_000;
const PARTING_MS = 60_000;
/** When every world begins, in milliseconds since 1970. */
const EPOCH_MS = 1_700_000_000_000;

/** Runs a plan in virtual time. Nothing else may run in this process meanwhile. */
export async function simulateLog(
  plan: LogPlan,
  create: CreateLogClient = createClient,
): Promise<LogRun> {
  const world = new LogWorld(plan);
  const life = new Life(world, create);
  const stopCatching = catchEscaped((error, origin) => life.checks.escaped(error, origin));
  const restore = replaceGlobals(globalsOf(life));
  try {
    await life.play();
  } finally {
    life.application?.close();
    // Whatever is pending is rejected before the real world is back.
    await turn();
    life.restorePage();
    restore();
    stopCatching();
  }
  return { violation: world.violation, trace: () => world.trace() };
}

/** A page, the server, and what happens to them. */
class Life {
  readonly world: LogWorld;
  readonly checks: LogChecks;
  readonly server: LogServer;
  readonly storage: SimulatedStorage;
  application: LogApplication | undefined;
  restorePage: () => void = () => {};
  readonly #create: CreateLogClient;
  #page = new Page();

  constructor(world: LogWorld, create: CreateLogClient) {
    this.world = world;
    this.#create = create;
    this.checks = new LogChecks(world);
    this.server = new LogServer(world, this.checks);
    this.checks.watch(this.server);
    this.storage = new SimulatedStorage(this.checks);
  }

  async play(): Promise<void> {
    const { world, checks, server } = this;
    const { calmAtMs, setting, steps } = world.plan;
    this.#load(new Map());
    this.#performInTurn(steps);
    await this.#run(calmAtMs);
    world.note('calm');
    world.isCalm = true;
    server.calm();
    await this.#run(SETTLING_MS);
    const { publisher } = server;
    if (setting.ending !== 'keep-alive') {
      for (const name of channelNames) publisher.publishLast(name, true);
      await this.#run(1_000);
    }
    if (setting.ending === 'tail check') {
      for (const name of channelNames) publisher.publishLast(name, false);
    }
    await this.#run(setting.ending === 'keep-alive' ? KEEP_ALIVES_MS : FILLING_MS);
    if (!world.violation) {
      checks.complete((channel) => this.application?.position(channel));
      checks.messages.check(server);
      const pending = this.application?.waitsFor;
      if (pending) world.fails('an answer comes too late', pending);
    }
    this.application?.leaveAll();
    await this.#run(PARTING_MS);
  }

  thrown(error: unknown): void {
    this.checks.escaped(error, 'exception');
  }

  /** Opens the page. */
  #load(memories: ReadonlyMap<string, Memory>): void {
    const { storage, isPage } = this.world.plan.setting;
    const { checks, server, world } = this;
    this.#page = new Page();
    this.restorePage();
    this.restorePage = isPage ? replaceGlobals(this.#page.globals()) : () => {};
    const network = { world, server, checks, onThrown: (error) => this.thrown(error) } as Network;
    const getStorage = (): SimulatedStorage => {
      if (storage === 'throws') throw new Error('SecurityError: it is private.');
      return this.storage;
    };
    const options: ClientOptions = {
      // Neither belongs into the name of a position.
      url: 'wss://somebody@simulated.test/dev?secret=1',
      WebSocket: webSocketClass(network, !isPage),
    };
    const client = this.#create({ ...options, ...(storage !== 'none' && { storage: getStorage }) });
    this.application = new LogApplication(checks, client, memories);
  }

  async #run(forMs: number): Promise<void> {
    const { world, checks } = this;
    if (world.violation) return;
    await world.time.run(forMs, {
      onThrown: (error) => this.thrown(error),
      onStep: () => {
        checks.step();
        this.storage.step();
        return world.violation === undefined;
      },
    });
  }

  /** The plan stands still while the machine sleeps. */
  #performInTurn([step, ...rest]: readonly LogStep[]): void {
    if (!step) return;
    const { time } = this.world;
    time.after(Math.max(step.atMs - time.awakeMs, 0), () => {
      this.#perform(step);
      this.#performInTurn(rest);
    });
  }

  #perform(step: LogStep): void {
    this.world.note('step', step);
    if (step.who === 'machine') this.#performOnMachine(step);
    else if (step.who === 'server') this.server.perform(step);
    else this.application?.perform(step);
  }

  #performOnMachine(step: MachineStep): void {
    const { time, plan } = this.world;
    if (step.do === 'sleep') {
      time.sleep(step.forMs);
      return;
    }
    if (step.do === 'reload') {
      this.#reload(step);
      return;
    }
    if (!plan.setting.isPage || !this.application) return;
    this.checks.called('ping');
    this.checks.called('handshake');
    const page = this.#page;
    if (step.do === 'wake') {
      page.wake(step.by);
      return;
    }
    page.hide();
    time.after(0, () => {
      // Nothing of a page runs while it is in the back/forward cache.
      time.sleep(step.forMs);
      page.show();
    });
  }

  /** The page ends, at once or with notice, and comes back with nothing but its storage. */
  #reload({ isTold, afterMs }: MachineStep & { readonly do: 'reload' }): void {
    const { application, checks, world } = this;
    if (!application) return;
    const { storage, isPage } = world.plan.setting;
    if (isTold && isPage) this.#page.hide();
    checks.step();
    const memories = application.leave((name) =>
      storage === 'works' ? this.storage.of(name) : undefined,
    );
    this.application = undefined;
    this.#page = new Page();
    checks.forget();
    for (const webSocket of checks.webSockets) webSocket.vanish();
    world.time.forgetTimers();
    world.time.after(afterMs, () => {
      this.#load(memories);
      const channels = [...channelNames.keys()];
      for (const channel of channels) {
        this.application?.perform({ who: 'application', atMs: 0, do: 'subscribe', channel });
      }
    });
  }
}

function globalsOf({ world, checks }: Life): Record<string, unknown> {
  const random = new Random(`client ${world.plan.seed}`);
  const warn = (...words: readonly unknown[]): void =>
    world.note('console.warn', ...words.map(String));
  return {
    ...world.time.globals(),
    reportError: (error: unknown) => checks.escaped(error, 'exception'),
    console: Object.assign(Object.create(console), { warn }),
    crypto: {
      getRandomValues(bytes: Uint8Array): Uint8Array {
        for (const index of bytes.keys()) bytes[index] = random.between(0, 255);
        return bytes;
      },
    },
    Math: Object.assign(Object.create(Math), { random: () => random.next() }),
    Date: class extends Date {
      static override now(): number {
        return EPOCH_MS + Math.floor(world.time.nowMs);
      }
    },
  };
}
