import type { AppendRequest, AppendResult, MessageLog, Store } from '@gatecast/framework';
import type { Position } from '@gatecast/protocol';
import { idOf, LogTruth } from '../check/log-truth.js';
import type { Report, Violation } from '../check/violation.js';
import { redisBackend } from '../redis/redis-backend.js';
import type { Environment } from '../world/environment.js';
import { Random } from '../world/random.js';
import { World } from '../world/world.js';
import { Adversary } from './adversary.js';
import { type Backend, dynamoBackend, memoryBackend } from './backend.js';
import { describeCall } from './describe-call.js';
import { type Counts, noCounts, type Outcome } from './outcome.js';
import type { FailOverOperation, Operation, Plan } from './plan.js';
import { Story } from './story.js';

/** The channel of every run. */
export const CHANNEL = 'rooms/1';
/** Between the last operation of a plan and the first look at what came out. */
const QUIET_MS = 400_000;

/** What every run has: a world, a database, an adversary, and what is known to be true. */
export class Scene {
  readonly plan: Plan;
  readonly world: World;
  readonly random: Random;
  readonly story: Story | undefined;
  readonly truth: LogTruth;
  readonly adversary: Adversary;
  readonly counts: Counts = noCounts();
  readonly #backend: Backend;
  /** Whoever checks, with the true time and without an adversary. */
  readonly #judge: Environment;
  #violation: Violation | undefined;

  constructor(plan: Plan, isTold: boolean) {
    this.plan = plan;
    this.random = new Random(plan.seed).fork('run');
    this.world = new World(this.random);
    this.story = isTold ? new Story(this.world, describeCall) : undefined;
    this.adversary = new Adversary(plan);
    const { retentionSeconds, maxEntries } = plan;
    const { report } = this;
    const now = (): number => this.world.now;
    this.truth = new LogTruth({ retentionSeconds, maxEntries, now, report });
    this.#backend = this.#open();
    this.#judge = this.world.environment('judge', 0);
  }

  /** What every call on the log needs. */
  get log(): { channel: string; retentionSeconds: number; maxEntries?: number } {
    const { retentionSeconds, maxEntries } = this.plan;
    return { channel: CHANNEL, retentionSeconds, ...(maxEntries !== undefined && { maxEntries }) };
  }

  /** The store of an environment. */
  load(environment: Environment): Store {
    const store = this.#backend.load(environment);
    const log = store.log as MessageLog;
    const append: MessageLog['append'] = async (request, limit) => {
      const begunAt = this.world.now;
      const result = await log.append(request, limit);
      this.#appended(request, result, begunAt);
      return result;
    };
    return {
      ...store,
      log: {
        contract: 1,
        append,
        head: (...args) => log.head(...args),
        readAfter: (...args) => log.readAfter(...args),
        readBefore: (...args) => log.readBefore(...args),
        purge: async (...args) => {
          if (this.plan.store === 'memory') await this.#noteEnd(log);
          await log.purge(...args);
        },
      },
    };
  }

  /** Everything up to the end of the log may be purged: the other databases are watched themselves. */
  async #noteEnd(log: MessageLog): Promise<void> {
    const { position } = await log.head(this.log);
    this.truth.mayPurge(position.epoch, position.offset);
  }

  /** The store has answered a publisher, in the moment in which this happens. */
  #appended(request: AppendRequest, result: AppendResult, begunAt: number): void {
    if (result.result !== 'appended') return;
    const { position, payload, at } = result.entry;
    if (payload === undefined) return;
    const id = idOf(request.payload);
    this.truth.acknowledged({ ...position, id, payload, at }, begunAt);
    if (request.onOtherHash === 'refuse' && payload !== request.payload) {
      this.report('answer', `${id} was acknowledged with a content that it refuses.`);
    }
  }

  /** The log without the adversary and without delay. */
  get direct(): MessageLog {
    return this.#backend.direct.log as MessageLog;
  }

  readonly report: Report = (rule, text) => {
    this.story?.tell(`BROKEN (${rule}): ${text}`);
    this.#violation ??= { rule, text };
  };

  /** Tells of an error. Only errors of the store are expected. */
  failed(error: unknown): void {
    const { name, message } = error as Error;
    this.story?.tell(`it fails: ${message}`);
    if (name !== 'StoreError') this.report('end', `${name}: ${message}`);
  }

  /**
   * Lets everything happen that is planned, and then what is left of it.
   *
   * @param does - Begins an operation of the plan.
   * @param settle - Called in the quiet after it: everybody gets what is left.
   */
  async play(
    does: (operation: Exclude<Operation, FailOverOperation>) => void,
    settle: () => void,
  ): Promise<void> {
    const { operations } = this.plan;
    await this.world.enter(this.#judge, () => this.#backend.prepare());
    for (const operation of operations) {
      if (operation.does === 'fail-over') this.#planFailOver(operation);
      else this.world.after(operation.atMs, () => does(operation));
    }
    this.world.after((operations.at(-1)?.atMs ?? 0) + QUIET_MS, () => {
      this.story?.tell('The adversary rests.');
      this.adversary.rest();
      settle();
      this.check();
    });
    await this.world.run();
    // Environments that were frozen have gone on meanwhile, perhaps weeks later.
    settle();
    this.check();
    await this.world.run();
  }

  /** Checks that the log has what it has promised. */
  check(): void {
    this.world.after(0, () => this.#readAll(), this.#judge);
  }

  outcome(): Outcome {
    return {
      ...(this.#violation && { violation: this.#violation }),
      counts: this.counts,
      faults: this.adversary.counts,
      decisions: this.adversary.done,
      story: this.story?.lines ?? [],
    };
  }

  #planFailOver({ atMs, forgetsMs }: FailOverOperation): void {
    this.world.after(atMs - forgetsMs, () => this.#backend.remember?.(), this.#judge);
    const failOver = async (): Promise<void> => {
      await this.#backend.failOver?.();
      this.story?.tell(
        `The database fails over, and forgets what was written for ${forgetsMs} ms.`,
      );
    };
    this.world.after(atMs, failOver, this.#judge);
  }

  async #readAll(): Promise<void> {
    const begun = this.truth.readBegins();
    const request = { ...this.log, limit: 100_000, maxBytes: Infinity };
    const result = await this.direct.readBefore(request);
    this.truth.checkReadBefore(undefined, result, begun);
    if ('entries' in result) this.truth.checkDurable(result.entries, result.head);
    this.#end = result.head.position;
  }

  #end: Position | undefined;

  /** Where the log ended at the last check. */
  get end(): Position | undefined {
    return this.#end;
  }

  #open(): Backend {
    const { plan, world, story, report, adversary, truth, log } = this;
    if (plan.store === 'memory') return memoryBackend();
    if (plan.store === 'redis') return redisBackend({ world, adversary, story, truth, log });
    return dynamoBackend({ plan, world, adversary, story, report, truth, log });
  }
}
