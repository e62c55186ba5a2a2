import type {
  AppendRequest,
  AppendResult,
  LogHead,
  LogOfChannel,
  MessageLog,
  Position,
  ReadRequest,
  ReadResult,
} from '@gatecast/framework';
import type { TimeLimit } from '@gatecast/framework/adapter';
import type { OpenOptions } from '../connection-store.js';
import { Append } from './append.js';
import { ChannelLog, type OpenedLog } from './channel-log.js';
import { toLogHead } from './head.js';
import { Observations } from './observations.js';
import { purge } from './purge.js';
import { headFor, readAfter, readBefore } from './read.js';

const READ = 'read the events of a channel';

// No call is sent later than that, even if the process slept: an append is made within L of its claim, and the
// times in rows are not too old. A purge in an event may take as long as Lambda allows.
const LONGEST_MS = 60_000;
const LONGEST_PURGE_MS = 900_000;
/** Part of the budget for each of the two steps after an append: the answer waits for them, the event is safe. */
const FINISH_SHARE = 0.15;

/**
 * Logs in one table, each as three kinds of items. HEAD is one item of a channel: the last offset, and the
 * ids of the newest entries. BODY is one item of an id: who appends it, and the content. LOG has one item of
 * each entry. {@link Append} says how they are kept consistent.
 */
export class DynamoDbMessageLog implements MessageLog {
  readonly contract = 1;
  readonly #openTable: (opening: OpenOptions) => Promise<OpenedLog>;
  readonly #observations = new Observations();

  constructor(openTable: (opening: OpenOptions) => Promise<OpenedLog>) {
    this.#openTable = openTable;
  }

  async append(request: AppendRequest, limit?: TimeLimit): Promise<AppendResult> {
    const log = await this.#open(request, { operation: 'append an event', limit });
    const operation = 'keep the log of a channel short';
    const opening = { operation, limit, budgetShare: FINISH_SHARE };
    const reopen = (): Promise<ChannelLog> => this.#open(request, opening);
    return new Append(log, request, reopen).run();
  }

  async head(
    request: LogOfChannel & Pick<ReadRequest, 'keep'>,
    limit?: TimeLimit,
  ): Promise<LogHead> {
    const operation = 'read the last position of a channel';
    return toLogHead(await headFor(await this.#open(request, { operation, limit }), request.keep));
  }

  async readAfter(
    request: ReadRequest & { readonly after: Position },
    limit?: TimeLimit,
  ): Promise<ReadResult> {
    return readAfter(await this.#open(request, { operation: READ, limit }), request);
  }

  async readBefore(
    request: ReadRequest & { readonly before?: Position },
    limit?: TimeLimit,
  ): Promise<ReadResult> {
    return readBefore(await this.#open(request, { operation: READ, limit }), request);
  }

  async purge(request: LogOfChannel, limit: TimeLimit = {}): Promise<void> {
    const operation = 'delete the events of a channel';
    const { endsAt = Infinity } = limit;
    const until = endsAt === Infinity ? Date.now() + LONGEST_MS : endsAt;
    const opening = {
      operation,
      limit: { ...limit, endsAt: until },
      usesWholeLimit: true,
      longestMs: LONGEST_PURGE_MS,
    };
    await purge(await this.#open(request, opening));
  }

  async #open(request: LogOfChannel, opening: OpenOptions): Promise<ChannelLog> {
    const table = await this.#openTable({ longestMs: LONGEST_MS, ...opening });
    return new ChannelLog(table, request, this.#observations);
  }
}
