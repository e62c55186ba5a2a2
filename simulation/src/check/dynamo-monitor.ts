import type { Change, SimulatedTable } from '../table/simulated-table.js';
import type { Item } from '../table/values.js';
import { idOf, type LogTruth, PURGED } from './log-truth.js';
import type { Report } from './violation.js';

/** C of the protocol. */
const SPAN = 64;
const ID_LENGTH = 16;

export interface MonitorOptions {
  readonly truth: LogTruth;
  readonly report: Report;
}

/** Watches the rows of logs in the table: the invariants 1, 2, 3 and 5 are about them. */
export class DynamoMonitor {
  readonly #options: MonitorOptions;
  readonly #epochs = new Set<string>();
  #headKey = '';
  #isPreparing = false;
  #table: SimulatedTable | undefined;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  watch(table: SimulatedTable): void {
    this.#table = table;
  }

  /** Lets the run begin with a log that has been used before. */
  prepare(work: () => void): void {
    this.#isPreparing = true;
    work();
    this.#isPreparing = false;
  }

  /** The partition key of the channel's HEAD, once there is one. */
  get headKey(): string {
    return this.#headKey;
  }

  /** Takes note of a write. */
  readonly see = ({ pk, before, after }: Change): void => {
    if (pk.startsWith('H#')) this.#seeHead(pk, before, after);
    if (pk.startsWith('L#')) this.#seeEntry(pk, before, after);
  };

  #seeHead(pk: string, before: Item | undefined, after: Item | undefined): void {
    if (!after) return this.#options.report('dense', 'HEAD was deleted by a call.');
    this.#headKey = pk;
    const { report } = this.#options;
    const [old, head] = [before && headOf(before), headOf(after)];
    if (old?.epoch !== head.epoch) {
      if (old) report('dense', `Epoch ${head.epoch} began while ${old.epoch} was there.`);
      if (this.#epochs.has(head.epoch)) report('dense', `Epoch ${head.epoch} began again.`);
      this.#epochs.add(head.epoch);
      this.#options.truth.epochBegins(head.epoch);
      return;
    }
    if (this.#isPreparing) return;
    if (head.top < old.top || head.top > old.top + 1) {
      report('dense', `The top went from ${old.top} to ${head.top}.`);
    }
    const offsets = [...head.ids.values()].sort((one, other) => one - other);
    if (
      offsets.length !== head.top - head.floor ||
      (offsets[0] ?? head.floor + 1) !== head.floor + 1
    ) {
      report('dense', `The ring has ${offsets.join(', ')} for (${head.floor}, ${head.top}].`);
    }
    if (head.top > old.top) this.#seeAppend(pk, head);
    this.#options.truth.mayPurge(head.epoch, head.purged);
  }

  #seeAppend(pk: string, { epoch, top, ids }: HeadRow): void {
    const { report, truth } = this.#options;
    const [ringKey] = [...ids].find(([, offset]) => offset === top) ?? [];
    if (ringKey === undefined) return report('dense', `Nothing is at the new top ${top}.`);
    const body = this.#table?.peek(`B${pk.slice(1)}#${ringKey.slice(0, ID_LENGTH)}`, '-');
    if (!body || body['nonce']?.S !== ringKey.slice(ID_LENGTH)) {
      return report('durable', `${ringKey} was appended at ${top} without its claim.`);
    }
    const after = Number(body['after']?.N);
    if (body['epoch']?.S === epoch && (top <= after || top > after + SPAN + 1)) {
      report('span', `${ringKey} was appended at ${top} with a claim behind ${after}.`);
    }
    const payload = body['payload']?.S;
    truth.committed({
      epoch,
      offset: top,
      id: payload === undefined ? ringKey : idOf(payload),
      payload: payload ?? PURGED,
      at: Number(body['at']?.N),
      tag: ringKey.slice(0, 6),
    });
    return undefined;
  }

  #seeEntry(pk: string, before: Item | undefined, after: Item | undefined): void {
    const { report, truth } = this.#options;
    const [epoch = ''] = pk.split('#').slice(-2);
    const offset = Number((after ?? before)?.['sk']?.S);
    if (!after) return report('once', `The row of offset ${offset} was deleted by a call.`);
    const known = truth.entryAt(epoch, offset);
    const payload = after['payload']?.S;
    if (known && payload !== undefined && payload !== known.payload) {
      report('content', `The row of offset ${offset} has another content than the log.`);
    }
    if (before && before['ringKey']?.S !== after['ringKey']?.S) {
      report('content', `The row of offset ${offset} got another key.`);
    }
    if (!known && this.#epochs.has(epoch) && payload !== undefined) {
      report('durable', `A row of offset ${offset} was put, which is not in the log.`);
    }
    return undefined;
  }
}

interface HeadRow {
  readonly epoch: string;
  readonly top: number;
  readonly floor: number;
  readonly purged: number;
  readonly ids: ReadonlyMap<string, number>;
}

function headOf(item: Item): HeadRow {
  const number = (name: string): number => Number(item[name]?.N ?? 0);
  return {
    epoch: item['epoch']?.S ?? '',
    top: number('top'),
    floor: number('floor'),
    purged: number('purged'),
    ids: new Map(Object.entries(item['ids']?.M ?? {}).map(([key, { N }]) => [key, Number(N)])),
  };
}
