import type { MessageLog, ReadResult } from '@gatecast/framework';
import type { Position } from '@gatecast/protocol';
import type { LogRun } from './log-run.js';
import type { ReadOperation } from './plan.js';

/** Somebody who reads a log and remembers how far. */
export class LogReader {
  readonly #run: LogRun;
  readonly #name: string;
  /** `undefined` until it has been told where the log ends. */
  #position: Position | undefined;

  constructor(run: LogRun, index: number) {
    this.#run = run;
    this.#name = `reader ${index + 1}`;
  }

  read({ limit, maxBytes, keep }: Omit<ReadOperation, 'does' | 'atMs' | 'client'>): void {
    this.#run.fleet.invoke(async ({ log }, { name }) => {
      this.#run.scene.story?.tell(`${name} reads for ${this.#name} from ${this.#position?.offset}`);
      try {
        await this.#pages(log as MessageLog, { limit, maxBytes, keep });
      } catch (error) {
        this.#run.scene.failed(error);
      }
    });
  }

  /** Reads everything that is left. */
  catchUp(): void {
    this.read({ limit: 1_000, maxBytes: 1_000_000, keep: true });
  }

  /** After a quiet end it has everything. */
  checkEnd(): void {
    const { end, report } = this.#run.scene;
    const own = this.#position;
    if (own && end && (own.epoch !== end.epoch || own.offset !== end.offset)) {
      report('order', `${this.#name} ended at ${own.offset}, but the log ends at ${end.offset}.`);
    }
  }

  async #pages(
    log: MessageLog,
    options: { readonly limit: number; readonly maxBytes: number; readonly keep: boolean },
  ): Promise<void> {
    const { truth, log: settings } = this.#run.scene;
    for (let page = 0; page < 200; page += 1) {
      const begun = truth.readBegins();
      const { limit } = this.#run;
      if (!this.#position) {
        const head = await log.head({ ...settings, keep: options.keep }, limit);
        truth.checkHead(head, begun);
        this.#position ??= head.position;
        return;
      }
      const after = this.#position;
      const result = await log.readAfter({ ...settings, after, ...options }, limit);
      truth.checkReadAfter(after, result, begun);
      this.#take(after, result);
      if ('reset' in result || !result.more) return;
    }
  }

  #take(after: Position, result: ReadResult): void {
    const { counts, story } = this.#run.scene;
    // Another answer has come first.
    if (this.#position !== after) return;
    if ('reset' in result) {
      counts.resets += 1;
      story?.tell(`${this.#name} is told ${result.reset}, at ${result.head.position.offset}`);
      this.#position = result.head.position;
      return;
    }
    counts.delivered += result.entries.length;
    this.#position = result.entries.at(-1)?.position ?? after;
  }
}
