import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryEvent, HistoryPage, PublishResult } from '@gatecast/framework';
import type { LocalGateway } from '@gatecast/local';
import { parsePosition } from '@gatecast/protocol';
import type { Random } from '../../simulation/src/world/random.js';
import type { Order, Said } from './app/room.js';
import type { LogEntry } from './check.js';
import type { Line } from './diary.js';

const PAGE = 500;
/** Longer than a database needs to come back on a busy machine. */
const PATIENCE_MS = 120_000;

/** The function without a route: it publishes, and reads the logs. What fails is asked again. */
export class Server {
  readonly name = 'server';
  readonly lines: Line[] = [];
  readonly #gateway: LocalGateway;
  readonly #sent = new Map<string, number>();
  #talking: Promise<void> | undefined;
  #isOver = false;

  constructor(gateway: LocalGateway) {
    this.#gateway = gateway;
  }

  /** Publishes until `stop`. */
  talk(channels: readonly string[], random: Random): void {
    const talk = async (): Promise<void> => {
      while (!this.#isOver) {
        await sleep(random.between(200, 1_000));
        await this.publish(random.pick(channels));
      }
    };
    this.#talking = talk();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#talking;
  }

  async publish(channel: string): Promise<void> {
    const n = (this.#sent.get(channel) ?? 0) + 1;
    this.#sent.set(channel, n);
    this.lines.push({ is: 'sent', channel, n });
    const order = { channel, id: randomUUID(), said: { by: this.name, n } };
    const { position = '', duplicate } = await this.#ask<PublishResult>(order);
    this.lines.push({ is: 'accepted', channel, n, position, isDuplicate: duplicate });
  }

  /** The offset of the last event of a channel. */
  async topOf(channel: string): Promise<number> {
    const { position } = await this.#ask<HistoryPage>({ channel, limit: 0 });
    const top = parsePosition(position)?.offset;
    if (top === undefined) throw new Error(`"${position}" is not a position.`);
    return top;
  }

  /** The whole log of a channel. */
  async logOf(channel: string): Promise<readonly LogEntry[]> {
    const log: LogEntry[] = [];
    for (let before: string | undefined; ; ) {
      const range = { limit: PAGE, ...(before !== undefined && { before }) };
      const page = await this.#ask<HistoryPage<HistoryEvent<'said', Said>>>({ channel, ...range });
      if (page.reset) throw new Error(`The log of ${channel} is reset (${page.reset}).`);
      log.unshift(...page.events.map(({ id, position, data }) => ({ id, position, ...data })));
      before = page.events[0]?.position;
      if (!page.more) break;
    }
    const hole = log.findIndex(({ position }, index) => offsetOf(position) !== index + 1);
    if (hole >= 0)
      throw new Error(`The log of ${channel} has ${log[hole]?.position} at ${hole + 1}.`);
    return log;
  }

  async #ask<T>(order: Order): Promise<T> {
    for (const start = Date.now(); ; await sleep(100)) {
      const result = await this.#gateway.invoke('publisher', order);
      if (result.type === 'response') return result.payload as T;
      if (Date.now() - start > PATIENCE_MS) {
        throw new Error(`${result.errorType}: ${result.errorMessage}`);
      }
    }
  }
}

function offsetOf(position: string): number | undefined {
  return parsePosition(position)?.offset;
}
