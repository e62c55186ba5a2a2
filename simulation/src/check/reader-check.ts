import type { ChannelEventBody, Position } from '@gatecast/protocol';
import type { LogTruth } from './log-truth.js';
import type { Report } from './violation.js';

/** What an application has got from its client. */
interface Reader {
  /** The last event, or where it goes on after a reset. */
  last?: Position;
  /** Where answers let it begin, as long as nothing has come. */
  begins: Position[];
  /** Whether it was told that something may be missing, and does not know yet where it goes on. */
  isTold: boolean;
}

/** Checks what an application gets from its client: each event once, in order, and losses only as a reset. */
export class ReaderCheck {
  readonly #truth: LogTruth;
  readonly #report: Report;
  readonly #readers = new Map<string, Reader>();

  constructor(truth: LogTruth, report: Report) {
    this.#truth = truth;
    this.#report = report;
  }

  /** The server lets the client begin after a position. */
  begin(client: string, position: Position): void {
    const reader = this.#of(client);
    if (reader.last && !reader.isTold) {
      this.#report('order', `${client} begins anew at ${position.offset} and was not told.`);
    }
    if (reader.isTold) reader.last = position;
    else reader.begins.push(position);
    reader.isTold = false;
  }

  delivered(client: string, position: Position, { event, data, id, at }: ChannelEventBody): void {
    const { epoch, offset, tag } = position;
    const reader = this.#of(client);
    const { last } = reader;
    if (!placesOf(reader).some((place) => isPlace(place, { ...position, offset: offset - 1 }))) {
      this.#report('order', `${client} got offset ${offset} after ${last?.offset ?? 'nothing'}.`);
    }
    reader.last = position;
    const payload = JSON.stringify({ event, data, id });
    const content = data as { readonly id: string };
    this.#truth.committed({ epoch, offset, tag, at, payload, id: content.id });
  }

  reset(client: string, reason: string, position: Position): void {
    const reader = this.#of(client);
    reader.isTold = true;
    if (reader.last) this.#truth.checkReset(reader.last, reason, position);
  }

  /** The client was told that its subscription has ended, and begins anew. */
  ended(client: string): void {
    this.#readers.delete(client);
  }

  /** After a quiet time a client has everything. */
  checkEnd(client: string, end: Position): void {
    const reader = this.#of(client);
    if (placesOf(reader).some((place) => isPlace(place, end))) return;
    this.#report('order', `${client} has not got what is in the log up to ${end.offset}.`);
  }

  #of(client: string): Reader {
    const reader = this.#readers.get(client) ?? { begins: [], isTold: false };
    this.#readers.set(client, reader);
    return reader;
  }
}

/** The places after which the next event may come. */
function placesOf({ last, begins }: Reader): readonly Position[] {
  return last ? [last] : begins;
}

function isPlace(one: Position, other: Position): boolean {
  return one.epoch === other.epoch && one.offset === other.offset;
}
