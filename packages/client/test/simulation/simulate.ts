import { createClient as createRealClient } from '../../src/index.js';
import { Application } from './application.js';
import { Checks } from './checks.js';
import type { CreateClient } from './client-under-test.js';
import { Page } from './page.js';
import type { Plan } from './plan.js';
import { Random } from './random.js';
import { Server } from './server.js';
import type { MachineStep, Step } from './steps.js';
import { catchEscaped, replaceGlobals } from './surroundings.js';
import { turn } from './virtual-time.js';
import { webSocketClass } from './web-socket.js';
import { ApplicationError, type Violation, World } from './world.js';

/** What a run has come to. */
export interface Run {
  readonly violation: Violation | undefined;
  trace(): string;
}

/** Long enough for a silent connection to be noticed, and for every wait of the client to end. */
const QUIET_MS = 400_000;
const PARTING_MS = 30_000;
const AFTERWARDS_MS = 60_000;

/** Runs a plan in virtual time. Nothing else may run in this process meanwhile. */
export async function simulate(
  plan: Plan,
  createClient: CreateClient = createRealClient,
): Promise<Run> {
  const world = new World(plan);
  const checks = new Checks(world);
  const page = new Page();
  const server = new Server(world, checks);
  const onThrown = (error: unknown): void => checks.escaped(error, 'exception');
  const stopCatching = catchEscaped((error, origin) => checks.escaped(error, origin));
  const restore = replaceGlobals(globalsOf({ world, checks, page, onThrown }));
  try {
    const { hasTerminate, hasToken, keepAliveMs } = plan.surroundings;
    const client = createClient({
      url: 'wss://simulated.test/dev',
      WebSocket: webSocketClass({ world, server, checks, onThrown }, hasTerminate),
      ...(hasToken && { token: () => tokenOf(checks) }),
      ...(keepAliveMs !== undefined && { keepAliveMs }),
    });
    checks.application = new Application(checks, client, page);
    await play({ world, checks, server, application: checks.application });
  } finally {
    checks.application?.close();
    // Whatever is pending is rejected before the real world is back.
    await turn();
    restore();
    stopCatching();
  }
  return { violation: world.violation, trace: () => world.trace() };
}

interface Parts {
  readonly world: World;
  readonly checks: Checks;
  readonly server: Server;
  readonly application: Application;
}

async function play(parts: Parts): Promise<void> {
  const { world, checks, server, application } = parts;
  performInTurn(world.plan.steps, parts);
  const isFine = (): boolean => world.violation === undefined;
  const isOpen = (): boolean => isFine() && checks.closedMs === undefined;
  const run = async (forMs: number): Promise<void> =>
    world.time.run(forMs, {
      onThrown: (error) => checks.escaped(error, 'exception'),
      onStep: () => {
        checks.step();
        return isFine();
      },
    });
  await run(world.plan.calmAtMs);
  if (isOpen()) {
    world.note('calm');
    world.isCalm = true;
    server.calm();
    await run(QUIET_MS);
    if (isOpen()) checks.quiet(server);
  }
  if (isOpen()) {
    world.time.after(0, () => application.leaveAll());
    await run(PARTING_MS);
    if (isOpen()) checks.quiet(server);
  }
  if (isOpen()) world.time.after(0, () => application.close());
  if (isFine()) await run(AFTERWARDS_MS);
  if (isFine()) checks.atLast();
}

/** The plan stands still while the machine sleeps. */
function performInTurn([step, ...rest]: readonly Step[], parts: Parts): void {
  if (!step) return;
  const { time } = parts.world;
  time.after(Math.max(step.atMs - time.awakeMs, 0), () => {
    perform(step, parts);
    performInTurn(rest, parts);
  });
}

function perform(step: Step, parts: Parts): void {
  const { world, checks, server, application } = parts;
  world.note('step', step);
  if (step.who === 'machine') performOnMachine(step, parts);
  else if (checks.closedMs !== undefined) return;
  else if (step.who === 'server') server.perform(step);
  else application.perform(step);
}

function performOnMachine(step: MachineStep, { world, checks, application }: Parts): void {
  const { page } = application;
  if (step.do === 'sleep') {
    world.time.sleep(step.forMs);
    return;
  }
  if (!world.plan.surroundings.isPage) return;
  checks.called('ping');
  checks.called('handshake');
  if (step.do === 'wake') {
    page.wake(step.by);
    checks.connections.woke();
    return;
  }
  page.hide();
  checks.connections.hidden();
  world.time.after(0, () => {
    // Nothing of a page runs while it is in the back/forward cache.
    world.time.sleep(step.forMs);
    page.show();
    checks.connections.woke();
  });
}

async function tokenOf({ world, connections }: Checks): Promise<string> {
  connections.tries();
  if (world.draw('tokenThrows')) throw new ApplicationError('There is no token.');
  if (world.draw('tokenNever')) await new Promise<never>(() => {});
  if (world.draw('tokenSlow')) {
    await new Promise<void>((resolve) => {
      world.time.after(world.random.between(100, 40_000), resolve);
    });
  }
  return 'token';
}

function globalsOf(parts: {
  readonly world: World;
  readonly checks: Checks;
  readonly page: Page;
  readonly onThrown: (error: unknown) => void;
}): Record<string, unknown> {
  const { world, checks, page, onThrown } = parts;
  const { isPage, hasReportError } = world.plan.surroundings;
  const random = new Random(`client ${world.plan.seed}`);
  const epochMs = 1_700_000_000_000;
  const warn = (...words: readonly unknown[]): void => {
    world.note('console.warn', ...words.map(String));
    checks.states.warned();
  };
  return {
    ...world.time.globals(),
    ...(isPage && page.globals()),
    ...(hasReportError && { reportError: onThrown }),
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
        return epochMs + world.time.nowMs;
      }
    },
  };
}
