import type { AppendRequest, AppendResult, MessageLog } from '@gatecast/framework';
import type { LogRun } from './log-run.js';
import type { PublishOperation } from './plan.js';

/** How long a client waits for its answer before it sends again. */
const PATIENCE_MS = 12_000;
/** How long after the first time it still sends again. */
const RESEND_WITHIN_MS = 300_000;
const KEY_LENGTH = 16;

/** A client with one message: sends it again, under its id, until it is acknowledged. */
export class LogClient {
  readonly #run: LogRun;
  readonly #operation: PublishOperation;
  readonly #startedAt: number;
  readonly #payload: string;
  #sends = 0;
  #isDone = false;

  constructor(run: LogRun, operation: PublishOperation) {
    this.#run = run;
    this.#operation = operation;
    this.#startedAt = run.scene.world.now;
    const { id, content } = operation;
    this.#payload = JSON.stringify({ id, content });
  }

  start(): void {
    const { truth, world, counts } = this.#run.scene;
    const { id, againMs, isOnce = false } = this.#operation;
    counts.publishes += 1;
    truth.submitted(id, this.#payload);
    this.#send(!isOnce);
    for (const delayMs of againMs) world.after(delayMs, () => this.#send(false));
  }

  /** @param isPatient - Whether it goes again if there is no answer. */
  #send(isPatient: boolean): void {
    const { world, counts, story, random } = this.#run.scene;
    this.#sends += 1;
    if (this.#sends > 1) counts.resends += 1;
    let isAnswered = false;
    const again = (delayMs: number): void => {
      if (!isPatient || isAnswered) return;
      isAnswered = true;
      if (this.#isDone || world.now + delayMs > this.#startedAt + RESEND_WITHIN_MS) return;
      world.after(delayMs, () => this.#send(true));
    };
    world.after(PATIENCE_MS, () => again(0));
    this.#run.fleet.invoke(async ({ log }, { name }) => {
      story?.tell(`${name} gets ${this.#operation.id}, sent for time ${this.#sends}`);
      const result = await this.#append(log as MessageLog);
      if (result?.result !== 'unknown' && result) this.#isDone = true;
      else again(random.between(100, 3_000));
      if (result?.result === 'appended') await result.finish?.(Promise.resolve(undefined));
    });
  }

  async #append(log: MessageLog): Promise<AppendResult | undefined> {
    const { story, counts, log: settings } = this.#run.scene;
    const { id, content, onOtherHash } = this.#operation;
    const request: AppendRequest = {
      ...settings,
      key: id.padEnd(KEY_LENGTH, '_'),
      hash: content,
      payload: this.#payload,
      onOtherHash,
    };
    try {
      const result = await log.append(request, this.#run.limit);
      if (result.result !== 'appended') {
        story?.tell(`${id}: ${result.result}`);
        return result;
      }
      const { position } = result.entry;
      story?.tell(`${id} is acknowledged at ${position.offset}`);
      counts.acknowledged += 1;
      return result;
    } catch (error) {
      this.#run.scene.failed(error);
      return undefined;
    }
  }
}
