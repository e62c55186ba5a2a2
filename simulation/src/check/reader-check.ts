import type { ChannelEventBody, Position } from '@gatecast/protocol';
import type { LogTruth } from './log-truth.js';
import type { Report } from './violation.js';

/** Checks what an application gets from its client: each event once, in order, and losses only as a reset. */
export class ReaderCheck {
  readonly #truth: LogTruth;
  readonly #report: Report;
  readonly #last = new Map<string, Position>();
  /** Clients that were told of a reset, and have not begun anew. */
  readonly #isTold = new Set<string>();

  constructor(truth: LogTruth, report: Report) {
    this.#truth = truth;
    this.#report = report;
  }

  begin(client: string, position: Position): void {
    const last = this.#last.get(client);
    if (last && !this.#isTold.delete(client)) {
      this.#report('order', `${client} begins anew at ${position.offset} and was not told.`);
    }
    this.#last.set(client, position);
  }

  delivered(client: string, position: Position, { event, data, id, at }: ChannelEventBody): void {
    const { epoch, offset, tag } = position;
    const last = this.#last.get(client);
    if (last && (last.epoch !== epoch || offset !== last.offset + 1)) {
      this.#report('order', `${client} got offset ${offset} after ${last.offset}.`);
    }
    this.#last.set(client, position);
    const payload = JSON.stringify({ event, data, id });
    const content = data as { readonly id: string };
    this.#truth.committed({ epoch, offset, tag, at, payload, id: content.id });
  }

  reset(client: string, reason: string, position: Position): void {
    const last = this.#last.get(client);
    this.#isTold.add(client);
    if (last) this.#truth.checkReset(last, reason, position);
  }
}
