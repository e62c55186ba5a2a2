import { Worker } from 'node:worker_threads';
import type { Bundle } from './bundle.js';
import type { Answer, Task } from './worker.js';

/** Threads that do runs, several at a time. They end when they are disposed. */
export class Workers implements AsyncDisposable {
  readonly size: number;
  readonly #threads: readonly Worker[];

  constructor({ file }: Bundle, size: number) {
    this.size = size;
    this.#threads = Array.from({ length: size }, () => new Worker(file));
  }

  /** Lets one of the threads do some tasks. */
  async ask(thread: number, tasks: readonly Task[]): Promise<readonly Answer[]> {
    const worker = this.#threads[thread];
    if (!worker) throw new Error(`There is no thread ${thread}.`);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        worker.off('message', onMessage);
        worker.off('error', onError);
        settle();
      };
      const onMessage = (answers: readonly Answer[]): void => end(() => resolve(answers));
      const onError = (error: Error): void => end(() => reject(error));
      worker.on('message', onMessage);
      worker.on('error', onError);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin.
      worker.postMessage(tasks);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }
}
