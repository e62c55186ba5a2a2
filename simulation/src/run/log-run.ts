import type { MessageLog, ReadResult, Store } from '@gatecast/framework';
import type { Position } from '@gatecast/protocol';
import type { ReadBegun } from '../check/log-truth.js';
import { Fleet } from './fleet.js';
import { LogClient } from './log-client.js';
import { LogReader } from './log-reader.js';
import type { FailOverOperation, Operation } from './plan.js';
import type { Scene } from './scene.js';

/** A run on the log itself: publishers and readers call the store, each in some environment. */
export class LogRun {
  readonly scene: Scene;
  readonly fleet: Fleet<Store>;
  readonly #readers: readonly LogReader[];

  constructor(scene: Scene) {
    this.scene = scene;
    const { world, plan } = scene;
    this.fleet = new Fleet({
      world,
      name: 'e',
      size: plan.environments,
      load: (environment) => scene.load(environment),
    });
    this.#readers = Array.from({ length: plan.clients }, (_, index) => new LogReader(this, index));
  }

  /** The time limit of an operation that begins now. */
  get limit(): { readonly endsAt: number } {
    return { endsAt: Date.now() + this.scene.plan.budgetMs };
  }

  async run(): Promise<void> {
    await this.scene.play(
      (operation) => this.#do(operation),
      () => {
        for (const reader of this.#readers) reader.catchUp();
      },
    );
    for (const reader of this.#readers) reader.checkEnd();
  }

  #do(operation: Exclude<Operation, FailOverOperation>): void {
    const { log: settings, truth } = this.scene;
    switch (operation.does) {
      case 'publish':
        new LogClient(this, operation).start();
        return;
      case 'read':
        this.#readers[operation.client]?.read(operation);
        return;
      case 'history':
        this.#history(operation.pages, operation.limit);
        return;
      case 'head':
        this.#call('asks for the end', async (log, begun) => {
          truth.checkHead(await log.head({ ...settings, keep: true }), begun);
        });
        return;
      case 'purge':
        this.#call('purges', (log, begun) => this.#purge(log, begun));
        return;
      case 'leave':
        return;
      case 'check':
        this.scene.check();
    }
  }

  async #purge(log: MessageLog, begun: ReadBegun): Promise<void> {
    const { log: settings, truth } = this.scene;
    await log.purge(settings, this.limit);
    truth.hasPurged(begun);
  }

  #history(pages: number, limit: number): void {
    const { log: settings, truth } = this.scene;
    this.#call('reads the newest entries', async (log) => {
      let before: Position | undefined;
      for (let page = 0; page < pages; page += 1) {
        const begun = truth.readBegins();
        const result: ReadResult = await log.readBefore(
          { ...settings, limit, maxBytes: 30_000, ...(before && { before }) },
          this.limit,
        );
        truth.checkReadBefore(before, result, begun);
        before = 'entries' in result && result.more ? result.entries[0]?.position : undefined;
        if (!before) return;
      }
    });
  }

  /** Makes a call in some environment; that it may fail is part of the contract. */
  #call(what: string, work: (log: MessageLog, begun: ReadBegun) => Promise<void>): void {
    const { story, truth } = this.scene;
    this.fleet.invoke(async ({ log }, { name }) => {
      story?.tell(`${name} ${what}`);
      try {
        await work(log as MessageLog, truth.readBegins());
      } catch (error) {
        this.scene.failed(error);
      }
    });
  }
}
